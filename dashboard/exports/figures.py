"""Figures as rows of a file: what the overview, a workload and the violations show, by the API's names."""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from dashboard import breakdowns, charts, figures, queries
from dashboard.breakdowns import Broken
from fallbacks.rates import Counts
from fallbacks.timebuckets import Window, fitting_step

Key = TypeVar("Key", bound=Hashable)
Sum = TypeVar("Sum", Counts, Broken)
Rows = Iterator[dict[str, Any]]
OF_RULES = ("workload", "rule", "events", "served", "failed", "blocked")


@dataclass(frozen=True, slots=True)
class Asked:
    """Of which window and environment; `workload` is empty where all are meant, `environment` where none alone is."""

    window: Window
    environment: str
    workload: str = ""

    @property
    def scope(self) -> queries.Scope:
        return queries.Scope([self.workload] if self.workload else None, self.environment)


def overview(asked: Asked) -> Rows:
    """A row for each workload, over the whole window."""
    return by(asked, ["workload"])


def violations(asked: Asked) -> Rows:
    """A row for each workload and rule that it broke: an event that broke two is in both."""
    for row in by(asked, ["workload", "rule"]):
        if row["rule"]:
            yield {name: row[name] for name in OF_RULES}


def workload(asked: Asked) -> Rows:
    """A row for each bucket of time, in the buckets of the page's chart."""
    grid = charts.grid(asked.window, charts.MANY)
    counts = queries.counts_by_bucket(grid.window, grid.step, asked.scope, grid.width)
    kinds = breakdowns.by_bucket(grid.window, grid.step, asked.scope, ["workload"], grid.width, times=True)
    known = counts.get(asked.workload, {})
    for start in grid.starts:
        now = {key: cells.get(start, Broken()) for key, cells in kinds.items()}
        for row in figures.rows(["workload"], {asked.workload: known.get(start, Counts())}, now):
            yield {"start": start, "seconds": round(grid.length.total_seconds()), **row}


def by(asked: Asked, names: list[str]) -> Rows:
    step = fitting_step(asked.window)
    counts = queries.totals(asked.window, asked.scope)
    kinds = breakdowns.by_bucket(asked.window, step, asked.scope, names, times=True)
    return figures.rows(names, counts, whole(kinds))


def whole(kinds: Mapping[Key, Mapping[datetime, Broken]]) -> dict[Key, Broken]:
    return {key: sum(cells.values(), Broken()) for key, cells in kinds.items()}


def table(rows: Iterable[Mapping[str, Any]], asked: Asked) -> tuple[list[str], list[list[Any]]]:
    """Return the names of the columns, and the rows. The window and environment stand in each: files get mixed up."""
    span: dict[str, Any] = {"from": asked.window.start, "to": asked.window.end}
    span |= {"environment": asked.environment} if asked.environment else {}
    flat = [{**span, **flattened(row)} for row in rows]
    return list(flat[0]) if flat else list(span), [list(row.values()) for row in flat]


def flattened(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row with figures that lie below a name beside the others: `primary_latency_ms_p50`."""
    found: dict[str, Any] = {}
    for name, value in row.items():
        found |= {f"{name}_{part}": each for part, each in value.items()} if isinstance(value, dict) else {name: value}
    return found
