"""The chart of rates over time: lines, and beside them what explains a turn of theirs. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from dashboard import words
from dashboard.charts import Chart, Grid, Spec, frame, lines, ms
from dashboard.policies.field_words import share
from fallbacks.rates import Counts
from fallbacks.rulebook import Rulebook
from fallbacks.states import Episode, Limits
from fallbacks.timebuckets import Window

# How the end of an enablement is told: in words, and in a letter.
ENDED = {"suspended": ("Suspended", "S"), "expired": ("Expired", "X"), "sent back": ("Sent back", "B")}
NOT_ENABLED = ("Not enabled", "N")


@dataclass(frozen=True, slots=True)
class Compared:
    """An earlier window, bucket by bucket, and how it is named: "24 hours before"."""

    counts: Sequence[Counts]
    words: str


@dataclass(frozen=True, slots=True)
class Note:
    """A moment at which something changed, in words, and in a letter or two for where there is no room."""

    at: datetime
    label: str
    short: str


@dataclass(frozen=True, slots=True)
class Marks:
    """What is drawn beside the lines: the threshold, episodes, and changes of policy and enablement."""

    limits: Limits
    episodes: Sequence[Episode] = ()
    notes: Sequence[Note] = ()


def notes(book: Rulebook, workload: str, window: Window) -> list[Note]:
    """Return the changes of a workload's policy and enablement that lie in the window, oldest first."""
    found = [
        Note(version.since, f"Policy v{version.number}", f"v{version.number}")
        for version in book.versions.get(workload, ())
    ]
    for route, spans in book.enabled.items():
        for since, until in spans if route[0] == workload else ():
            found.append(Note(since, "Enabled", "E"))
            if until is not None:
                found.append(Note(until, *ENDED.get(book.ended.get((route, until), ""), NOT_ENABLED)))
    return sorted((note for note in found if window.start <= note.at < window.end), key=lambda note: note.at)


def rate_chart(
    grid: Grid, counts: Sequence[Counts], before: Compared | None, marks: Marks, zone: ZoneInfo, now: datetime
) -> Chart:
    """Share of requests degraded and not answered, as lines, beside the degraded share of an earlier window."""
    degraded = [c.degraded_rate for c in counts]
    lost = [c.failure_rate for c in counts]
    earlier = [c.degraded_rate for c in before.counts] if before else []
    series: list[Spec] = [
        {"label": "Degraded", "colour": "c-degraded", "fill": True, "outcome": "served", "values": percents(degraded)},
        {"label": "Not answered", "colour": "c-failing", "dash": [7, 3], "values": percents(lost)},
    ]
    columns = [("Requests", [words.number(bucket.requests) for bucket in counts])]
    columns += [("Degraded", _written(degraded)), ("Not answered", _written(lost))]
    if before:
        look = {"colour": "text-3", "dash": [2, 3], "thin": True}
        series.append({"label": f"Degraded, {before.words}", **look, "values": percents(earlier)})
        columns.append(("Degraded before", _written(earlier)))
    told = [_at_most(word, rates, grid, zone, now) for word, rates in (("Degraded", degraded), ("not answered", lost))]
    return Chart(
        "Rate over time",
        {**frame(grid, zone, now, "lines", "percent"), "series": series, **drawn(marks, grid, zone, now)},
        "; ".join(told) + ".",
        [name for name, _ in columns],
        lines(grid, [cells for _, cells in columns], zone, now),
        words.length(grid.length),
    )


def drawn(marks: Marks, grid: Grid, zone: ZoneInfo, now: datetime) -> Spec:
    """Return the marks as they are drawn: within the chart, and each with its words."""
    above = marks.limits.degraded_above
    return {
        "limit": {"value": above * 100, "label": f"Threshold {share(above)}"},
        "episodes": [
            {
                "from": ms(max(each.start, grid.starts[0])),
                "to": ms(min(each.end or grid.window.end, grid.window.end)),
                "colour": each.worst,
                "label": words.duration(each.end - each.start)
                if each.end
                else f"since {words.date_and_clock(each.start, zone, now)}",
            }
            for each in marks.episodes
        ],
        "notes": [{"at": ms(note.at), "label": note.label, "short": note.short} for note in marks.notes],
    }


def peak(rates: Sequence[float | None]) -> int | None:
    """Return the index of the highest rate, the first of equal ones; None where no rate is known or all are 0."""
    known = [(rate, -index) for index, rate in enumerate(rates) if rate]
    return -max(known)[1] if known else None


def _at_most(word: str, rates: Sequence[float | None], grid: Grid, zone: ZoneInfo, now: datetime) -> str:
    index = peak(rates)
    if index is None:
        return f"{word}: none"
    return f"{word}: at most {words.percent(rates[index])} from {words.date_and_clock(grid.starts[index], zone, now)}"


def percents(rates: Sequence[float | None]) -> list[float | None]:
    """Return shares in percent, as they are drawn."""
    return [None if rate is None else round(rate * 100, 4) for rate in rates]


def _written(rates: Sequence[float | None]) -> list[str]:
    return [words.percent(rate) for rate in rates]
