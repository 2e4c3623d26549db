"""How many events of a window match, and when there were any: from rollups, as far as these know the filters."""

from dataclasses import dataclass
from datetime import timedelta

from django.db import connection
from django.utils import timezone
from psycopg import sql

from dashboard.events.conditions import COUNTED, NONE, Filters
from dashboard.events.rows import Key
from dashboard.queries import Scope, cells
from fallbacks import retention
from fallbacks.rollups import BREAKDOWNS
from fallbacks.timebuckets import LENGTH, Step, Window, floor

CELL = ("workload_id", "bucket", "primary", "fallback", "error_class", "outcome", "rules", "events")
# Longer windows are counted by coarser buckets: these are the lengths up to which a step serves, and how many of its
# buckets are put together.
STEPS: tuple[tuple[Step, timedelta, int], ...] = (
    ("minute", timedelta(hours=6), 5),
    ("hour", timedelta(hours=48), 1),
    ("day", timedelta.max, 1),
)


@dataclass(frozen=True, slots=True)
class Known:
    """What rollups tell of a window: how many events it has, how many of these can match, and in which spans.

    `exact`: as many as can match do; else there are filters that rollups do not know.
    """

    total: int
    matching: int
    exact: bool
    spans: list[Window]

    def narrowed(self, window: Window, after: Key | None = None, before: Key | None = None) -> Window | None:
        """Return the part of the window that is worth looking at; None where nothing can be found."""
        worth = [
            span
            for span in self.spans
            if (after is None or span.start <= after[0]) and (before is None or span.end > before[0])
        ]
        if not worth:
            return None
        return Window(max(window.start, worth[0].start), min(window.end, worth[-1].end))


def known(window: Window, scope: Scope, filters: Filters) -> Known:
    """Return what rollups tell of the events of a window. One query."""
    step, width = _step(window)
    length = LENGTH[step] * width
    first = floor(window.start, length)
    query = sql.SQL(
        "SELECT greatest({first}, date_bin({length}, bucket, '1970-01-01 00:00+00')), sum(events)::bigint,"
        " coalesce(sum(events) FILTER (WHERE {condition}), 0)::bigint FROM ({cells}) cells GROUP BY 1 ORDER BY 1"
    ).format(
        first=sql.Literal(first),
        length=sql.Literal(length),
        condition=_cells(filters).condition,
        cells=cells(BREAKDOWNS, CELL, window, step, scope),
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        rows = cursor.fetchall()
    return Known(
        total=sum(events for _, events, _ in rows),
        matching=sum(matching for *_, matching in rows),
        exact=all(name in COUNTED for name in filters.values),
        spans=[Window(start, start + length) for start, _, matching in rows if matching],
    )


def _step(window: Window) -> tuple[Step, int]:
    """Return the finest step whose buckets are few enough and still kept, and how many of them are put together."""
    kept = retention.rollups_kept_since(timezone.now())
    return next(
        (step, width)
        for step, longest, width in STEPS
        if window.length <= longest and (step not in kept or kept[step] <= window.start)
    )


def _cells(filters: Filters) -> Filters:
    """Return what rollups know of the filters, in their own words: there, no fallback is an empty one."""
    asked = dict(filters.only(COUNTED).values)
    if "fallback" in asked:
        asked["fallback"] = ["" if name == NONE else name for name in asked["fallback"]]
    return Filters(asked)
