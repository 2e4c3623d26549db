"""What charts show: buckets, series, and the sentence for whoever does not see them. Pure functions.

`static/js/charts.js` draws the specs that are made here; the same figures stand in each chart's table.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from dashboard import timezone as viewer
from dashboard import words
from dashboard.ticks import ticks
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

Spec = dict[str, Any]
# How bars show what became of requests, from the bottom up; a click on one asks for the events of its outcome.
OUTCOMES: Mapping[str, tuple[str, Spec]] = {
    "served": ("Answered by a fallback", {"colour": "c-degraded"}),
    "blocked": ("Blocked by policy", {"colour": "text-2", "hatch": True}),
    "failed": ("Failed", {"colour": "c-failing"}),
}


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

    def over(self, earlier: Window) -> "Grid":
        """Return the grid of an earlier window, moved by whole buckets, so that the two lie over each other."""
        shift = -((earlier.start - self.window.start) // self.length) * self.length
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

    title: str
    spec: Spec
    sentence: str
    columns: Sequence[str]
    lines: Sequence[Line]
    per: str


def counts_chart(grid: Grid, counts: Sequence[Counts], zone: ZoneInfo, now: datetime) -> Chart:
    """Requests that left the primary, as stacked bars."""
    spec = {
        **frame(grid, zone, now, "bars", "count"),
        "series": [
            {"label": label, "outcome": outcome, **look, "values": [getattr(c, outcome) for c in counts]}
            for outcome, (label, look) in OUTCOMES.items()
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
    return Chart(
        "Requests that left the primary",
        spec,
        sentence,
        ("By a fallback", "Blocked", "Failed"),
        lines(grid, columns, zone, now),
        per,
    )


def violations_chart(grid: Grid, counts: Sequence[int], zone: ZoneInfo, now: datetime) -> Chart:
    """Events that broke policy, as bars."""
    spec = {
        **frame(grid, zone, now, "bars", "count"),
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
    rows = lines(grid, [[words.number(n) for n in counts]], zone, now)
    return Chart("Violations over time", spec, sentence, ("Broke policy",), rows, per)


def lines(grid: Grid, columns: Sequence[Sequence[str]], zone: ZoneInfo, now: datetime) -> list[Line]:
    """Return the rows of a chart's table from the cells of its columns."""
    # Newest first: that is what people open the table for.
    return [
        Line(words.date_and_clock(start, zone, now), words.universal(start), cells)
        for start, cells in zip(grid.starts, zip(*columns, strict=True), strict=True)
    ][::-1]


def frame(grid: Grid, zone: ZoneInfo, now: datetime, kind: str, unit: str) -> Spec:
    """Return what all charts have in common. `said` are the window and its zone: a picture has to say them itself."""
    first, last = words.span(grid.window.start, grid.window.end, zone, now)
    return {
        "kind": kind,
        "unit": unit,
        "zone": zone.key,
        "said": f"{first} to {last}, {viewer.said(zone, now)}",
        "from": ms(grid.starts[0]),
        "to": ms(grid.starts[-1] + grid.length),
        "width": ms_of(grid.length),
        "starts": [ms(start) for start in grid.starts],
        "ticks": [{"at": ms(at), "label": label} for at, label in ticks(grid.window, zone)],
    }


def ms(moment: datetime) -> int:
    """Return a time as browsers count it."""
    return round(moment.timestamp() * 1000)


def ms_of(span: timedelta) -> int:
    """Return a length of time as browsers count it."""
    return round(span.total_seconds() * 1000)
