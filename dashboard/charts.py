"""What charts show: buckets, series, ticks, and the sentence for whoever does not see them. Pure functions.

`static/js/charts.js` draws the specs that are made here; the same figures stand in each chart's table.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from dashboard import words
from fallbacks.rates import Counts
from fallbacks.timebuckets import LENGTH, Step, Window, floor, starts

# Bars, sparklines: as many as can be told apart. Lines: CONTRACT's most.
FEW, MANY = 60, 500
WIDTHS: tuple[tuple[Step, int], ...] = (
    *(("minute", width) for width in (1, 2, 5, 10, 15, 30)),
    *(("hour", width) for width in (1, 2, 3, 6, 12)),
    *(("day", width) for width in (1, 2, 7)),
)
# A longer window is cut into hours at the finest: its minutes would be many rows for little to see.
LONGEST_BY_MINUTES = timedelta(hours=48)
TICKS = 12
TICK_MINUTES = (5, 10, 15, 30, 60, 120, 180, 240, 360, 720)
TICK_DAYS = (1, 2, 3, 5, 7, 14, 28, 56)

Spec = dict[str, Any]


@dataclass(frozen=True)
class Grid:
    """A window cut into equal buckets: `width` steps each, counted from 1970 in UTC."""

    window: Window
    step: Step
    width: int

    @property
    def length(self) -> timedelta:
        """How long one bucket is."""
        return LENGTH[self.step] * self.width

    @cached_property
    def starts(self) -> list[datetime]:
        """The starts of all buckets. The first may lie before the window, whose counts alone are in it."""
        return starts(self.window, self.length)

    def before(self) -> "Grid":
        """Return the grid that lies before, moved by whole buckets, so that the two lie over each other."""
        shift = -(-self.window.length // self.length) * self.length
        return Grid(Window(self.window.start - shift, self.window.end - shift), self.step, self.width)

    def fill(self, cells: Mapping[datetime, Counts]) -> list[Counts]:
        """Return the counts of every bucket: the one place where nothing becomes nothing known."""
        return [cells.get(start, Counts()) for start in self.starts]

    def coarser(self, counts: Sequence[Counts], most: int) -> tuple["Grid", list[Counts]]:
        """Put buckets together until there are at most `most`; each goes into one whole."""
        fitting = (
            Grid(self.window, step, width)
            for step, width in WIDTHS
            if not LENGTH[step] * width % self.length and self.window.length <= LENGTH[step] * width * most
        )
        grid = next(fitting, self)
        cells: dict[datetime, Counts] = defaultdict(Counts)
        for start, bucket in zip(self.starts, counts, strict=True):
            cells[floor(start, grid.length)] += bucket
        return grid, grid.fill(cells)


def grid(window: Window, most: int) -> Grid:
    """Return the finest grid of at most `most` buckets."""
    for step, width in WIDTHS:
        if step == "minute" and window.length > LONGEST_BY_MINUTES:
            continue
        if window.length <= LENGTH[step] * width * most:
            return Grid(window, step, width)
    return Grid(window, *WIDTHS[-1])


@dataclass(frozen=True, slots=True)
class Line:
    """One row of a chart's table: when its bucket starts, for the viewer and in UTC, and its figures in words."""

    start: str
    utc: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: what is drawn, the same in words, and the same as rows."""

    spec: Spec
    sentence: str
    columns: Sequence[str]
    lines: Sequence[Line]
    per: str


def counts_chart(grid: Grid, counts: Sequence[Counts], zone: ZoneInfo, now: datetime) -> Chart:
    """Requests that left the primary, as stacked bars."""
    spec = {
        **_frame(grid, zone, "bars", "count"),
        "series": [
            {"label": "Answered by a fallback", "colour": "c-degraded", "values": [c.served for c in counts]},
            {"label": "Blocked by policy", "colour": "text-2", "hatch": True, "values": [c.blocked for c in counts]},
            {"label": "Failed", "colour": "c-failing", "values": [c.failed for c in counts]},
        ],
    }
    per = words.length(grid.length)
    total = sum(c.events for c in counts)
    sentence = f"No request left its primary, per {per}."
    if total:
        most = max(range(len(counts)), key=lambda index: counts[index].events)
        sentence = (
            f"Requests that left their primary, per {per}: {words.number(total)} in all, at most"
            f" {words.number(counts[most].events)} from {words.date_and_clock(grid.starts[most], zone, now)}."
        )
    columns = [[words.number(value) for value in series["values"]] for series in spec["series"]]
    return Chart(spec, sentence, ("By a fallback", "Blocked", "Failed"), _lines(grid, columns, zone, now), per)


def violations_chart(grid: Grid, counts: Sequence[int], zone: ZoneInfo, now: datetime) -> Chart:
    """Events that broke policy, as bars."""
    spec = {
        **_frame(grid, zone, "bars", "count"),
        "series": [{"label": "Broke policy", "colour": "c-failing", "values": list(counts)}],
    }
    per = words.length(grid.length)
    sentence = f"No event broke policy, per {per}."
    if any(counts):
        most = max(range(len(counts)), key=lambda index: counts[index])
        sentence = (
            f"Events that broke policy, per {per}: {words.number(sum(counts))} in all, at most"
            f" {words.number(counts[most])} from {words.date_and_clock(grid.starts[most], zone, now)}."
        )
    return Chart(spec, sentence, ("Broke policy",), _lines(grid, [[words.number(n) for n in counts]], zone, now), per)


def rate_chart(
    grid: Grid, counts: Sequence[Counts], before: Sequence[Counts], label_before: str, zone: ZoneInfo, now: datetime
) -> Chart:
    """Share of requests degraded and not answered, as lines, beside the degraded share one window earlier."""
    degraded = [c.degraded_rate for c in counts]
    lost = [c.failure_rate for c in counts]
    earlier = [c.degraded_rate for c in before]
    spec = {
        **_frame(grid, zone, "lines", "percent"),
        "series": [
            {"label": "Degraded", "colour": "c-degraded", "fill": True, "values": _percents(degraded)},
            {"label": "Not answered", "colour": "c-failing", "dash": [7, 3], "values": _percents(lost)},
            {
                "label": f"Degraded, {label_before}",
                "colour": "text-3",
                "dash": [2, 3],
                "thin": True,
                "values": _percents(earlier),
            },
        ],
    }
    told = [_at_most(word, rates, grid, zone, now) for word, rates in (("Degraded", degraded), ("not answered", lost))]
    columns = [
        [words.number(bucket.requests) for bucket in counts],
        *([words.percent(rate) for rate in rates] for rates in (degraded, lost, earlier)),
    ]
    return Chart(
        spec,
        "; ".join(told) + ".",
        ("Requests", "Degraded", "Not answered", "Degraded before"),
        _lines(grid, columns, zone, now),
        words.length(grid.length),
    )


def peak(rates: Sequence[float | None]) -> int | None:
    """Return the index of the highest rate, the first of equal ones; None where no rate is known or all are 0."""
    known = [(rate, -index) for index, rate in enumerate(rates) if rate]
    return -max(known)[1] if known else None


def _at_most(word: str, rates: Sequence[float | None], grid: Grid, zone: ZoneInfo, now: datetime) -> str:
    index = peak(rates)
    if index is None:
        return f"{word}: none"
    return f"{word}: at most {words.percent(rates[index])} from {words.date_and_clock(grid.starts[index], zone, now)}"


def _lines(grid: Grid, columns: Sequence[Sequence[str]], zone: ZoneInfo, now: datetime) -> list[Line]:
    # Newest first: that is what people open the table for.
    return [
        Line(words.date_and_clock(start, zone, now), words.universal(start), cells)
        for start, cells in zip(grid.starts, zip(*columns, strict=True), strict=True)
    ][::-1]


def _frame(grid: Grid, zone: ZoneInfo, kind: str, unit: str) -> Spec:
    return {
        "kind": kind,
        "unit": unit,
        "zone": zone.key,
        "from": _ms(grid.starts[0]),
        "to": _ms(grid.starts[-1] + grid.length),
        "width": _ms_of(grid.length),
        "starts": [_ms(start) for start in grid.starts],
        "ticks": [{"at": _ms(at), "label": label} for at, label in ticks(grid.window, zone)],
    }


def ticks(window: Window, zone: ZoneInfo) -> list[tuple[datetime, str]]:
    """Return at most about a dozen round times of the viewer's clock within the window, with their words."""
    # Counted on the wall clock: summer time must not move the ticks off the round hours.
    start, end = (moment.astimezone(zone).replace(tzinfo=None) for moment in (window.start, window.end))
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    step = next(
        (
            step
            for step in map(_tick, (*TICK_MINUTES, *(days * 1440 for days in TICK_DAYS)))
            if (end - start) / step <= TICKS
        ),
        _tick(TICK_DAYS[-1] * 1440),
    )
    first = midnight + -(-(start - midnight) // step) * step
    times = [first + number * step for number in range((end - first) // step + 1)]
    by_day = step >= timedelta(days=1)
    return [
        (
            time.replace(tzinfo=zone),
            f"{time.day} {time:%b}" if by_day or not (time.hour or time.minute) else f"{time:%H:%M}",
        )
        for time in times
    ]


def _tick(minutes: int) -> timedelta:
    return timedelta(minutes=minutes)


def _percents(rates: Sequence[float | None]) -> list[float | None]:
    return [None if rate is None else round(rate * 100, 4) for rate in rates]


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _ms_of(span: timedelta) -> int:
    return round(span.total_seconds() * 1000)
