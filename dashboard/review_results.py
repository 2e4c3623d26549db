"""What reviews say, in words, bars and a chart. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from dashboard import words
from dashboard.charts import Chart, Grid, Spec, frame, lines
from dashboard.overview.acting import said
from fallbacks.policy import Policy
from fallbacks.review_results import Figures, Pairs, Passed, Results, Route, Waiting
from fallbacks.routes import Scored
from fallbacks.timebuckets import LENGTH, Step, Window
from fallbacks.versions import Stored

# Reviews come by the sitting: finer buckets than a day say nothing of more than two days.
WIDTHS: tuple[tuple[timedelta, Step, int], ...] = (
    (timedelta(hours=48), "hour", 1),
    (timedelta(days=62), "day", 1),
    (timedelta(days=400), "day", 7),
)
SERIES: tuple[tuple[str, str, Spec], ...] = (
    ("Passed", "passed", {"colour": "normal"}),
    ("Failed", "failed", {"colour": "c-failing", "hatch": True}),
)

HOW = (
    "A sample is settled when as many reviewers as its policy asks for have scored it and agree. Samples come by"
    " themselves where a policy asks for them and events are sent with their texts."
)


@dataclass(frozen=True, slots=True)
class Row:
    """What reviews say of one route in the window. `policy` is None where the route is not its policy's any more; what
    it asks for is held against `counts`, the samples of the route as it is, whenever they were settled."""

    route: Route
    figures: Figures
    policy: Policy | None
    counts: Scored

    @property
    def falls_short(self) -> bool:
        """Whether enough samples count, and too few of them passed."""
        asked, counts = self.policy, self.counts
        return asked is not None and counts.count >= asked.review.min_reviews and not counts.passes(asked)

    @property
    def so_far(self) -> str:
        """How far the route is from what its policy asks for, by the figures of its own page."""
        if self.policy is None:
            return "not the policy's now"
        counts, least = self.counts, self.policy.review.min_reviews
        if self.falls_short:
            if counts.has_fallen(self.policy) and counts.recent < counts.count:
                return f"falls short: {words.number(counts.recent_passed)} of the newest {words.number(counts.recent)}"
            return f"falls short: {words.number(counts.passed)} of {words.number(counts.count)}"
        if counts.count < max(least, 1):
            return f"not yet: {words.number(counts.count)}{f' of {words.number(least)}' if least else ''} count"
        return f"met: {words.number(counts.passed)} of {words.number(counts.count)}"


@dataclass(frozen=True, slots=True)
class Bar:
    """How many answers to an error class passed."""

    name: str
    scored: Passed


def grid(window: Window) -> Grid:
    """Return the window cut into hours, days or weeks: few enough to be told apart."""
    step, width = next((step, width) for most, step, width in WIDTHS if window.length <= most)
    return Grid(window, step, width)


def width(cut: Grid) -> timedelta:
    return LENGTH[cut.step] * cut.width


def rows(found: Results, policies: Sequence[Stored], scored: Mapping[int, Scored]) -> list[Row]:
    """Return a row for each route, that with the most samples first. `scored` is what counts, by number of workload."""
    asked = {(each.workload, each.policy.primary, each.policy.fallback): each for each in policies}
    made = []
    for route, figures in found.routes.items():
        stored = asked.get(route)
        counts = scored.get(stored.workload_id) if stored else None
        made.append(Row(route, figures, stored.policy if stored else None, counts or Scored()))
    return sorted(made, key=lambda row: (-row.figures.scored.count, row.route))


def bars(found: Results) -> list[Bar]:
    """Return how many passed by error class, the class with the most samples first."""
    made = [Bar(said(name), figures.scored) for name, figures in found.classes.items()]
    return sorted(made, key=lambda bar: (-bar.scored.count, bar.name))


def headline(scored: Passed, span: str) -> str:
    """Say how many passed in `span`, such as "last 30 days"."""
    if not scored.count:
        return f"No sample was settled in the {span}."
    samples = "sample" if scored.count == 1 else "samples"
    return f"{words.number(scored.passed)} of {words.number(scored.count)} {samples} passed in the {span}."


def interval(scored: Passed, joined: str = "to") -> str:
    """Write between which shares that of all answers lies: 76.4 to 99.1 %."""
    return words.interval(scored.interval, joined)


def beside(compared: Pairs) -> str:
    """Say how the fallback did against the primary on the same requests."""
    if not compared.count:
        return "no sample of this span came with the primary's answer"
    only = [
        f"{words.number(count)} only the {who}'s"
        for count, who in ((compared.second, "primary"), (compared.first, "fallback"))
        if count
    ]
    return f"of the same {words.number(compared.count)} requests{': ' if only else ''}{', '.join(only)}"


def agreement(found: Results) -> str:
    """Say of how many samples the agreement is, and how much of it is more than chance."""
    pairs = found.agreement
    if not pairs.count:
        return "no sample was scored by two"
    beyond = "" if pairs.kappa is None else f", Cohen's kappa {pairs.kappa:.2f}".replace("-", words.MINUS)
    return f"{words.number(pairs.agreed.passed)} of {words.number(pairs.count)} scored by two{beyond}"


def now(waiting: Waiting, moment: datetime) -> str:
    """Say what waits."""
    if not waiting.count or waiting.oldest is None:
        return "no sample waits"
    parts = [f"oldest {words.duration(moment - waiting.oldest)}"]
    parts += [f"{words.number(waiting.overdue)} overdue"] if waiting.overdue else []
    parts += [f"{words.number(waiting.split)} for a third reviewer"] if waiting.split else []
    return ", ".join(parts)


def chart(cut: Grid, times: Mapping[datetime, Figures], zone: ZoneInfo, moment: datetime) -> Chart:
    """Samples that were settled, as stacked bars of those that passed and those that did not."""
    scored = [times[start].scored if start in times else Passed() for start in cut.starts]
    spec = {
        **frame(cut, zone, moment, "bars", "count"),
        "series": [
            {"label": label, **look, "values": [getattr(each, name) for each in scored]} for label, name, look in SERIES
        ],
    }
    per = words.length(cut.length)
    total = Passed(sum(each.passed for each in scored), sum(each.count for each in scored))
    sentence = f"No sample was settled, per {per}."
    if total.count:
        least = min((each for each in scored if each.count), key=lambda each: (each.rate or 0, -each.count))
        start = cut.starts[scored.index(least)]
        sentence = (
            f"Samples that were settled, per {per}: {words.number(total.passed)} of {words.number(total.count)} passed,"
            f" fewest {words.number(least.passed)} of {words.number(least.count)}"
            f" from {words.date_and_clock(start, zone, moment)}."
        )
    columns = [
        [words.number(each.passed) for each in scored],
        [words.number(each.failed) for each in scored],
        [words.percent(each.rate, 1) for each in scored],
    ]
    rows = lines(cut, columns, zone, moment)
    return Chart("Samples over time", spec, sentence, ("Passed", "Failed", "Pass rate"), rows, per)
