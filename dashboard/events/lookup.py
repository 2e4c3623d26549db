"""Finding events by an id that somebody has of them, over all the time that events are kept."""

from datetime import timedelta

from psycopg import sql

from dashboard.events.conditions import IDS, TRUE, either, is_id
from dashboard.events.rows import (
    COLUMNS,
    MOST_OF_AN_ID,
    OF_AN_ID,
    listed,
    newest_first,
    read,
    whole_days,
    within,
)
from fallbacks.models import Event

# Of one id. A trace has a few; what has more is no id of one thing.
MOST = 50
# A trace takes minutes: its events are looked for in the partitions around.
AROUND = timedelta(days=1)


def by_id(text: str) -> list[Event]:
    """Return the events whose event id, request id or trace id is `text`, the newest first, with their workloads."""
    return _found(either(is_id(name, text) for name in IDS), TRUE)


def of_trace(event: Event) -> list[Event]:
    """Return the events of the same trace, oldest first, this one among them; none where it has no trace."""
    if not event.trace_id:
        return []
    days = whole_days(event.occurred_at - AROUND, event.occurred_at + AROUND)
    return _found(is_id("trace_id", event.trace_id), within(days))[::-1]


def _found(ids: sql.Composable, days: sql.Composable) -> list[Event]:
    """Return one more than the most, where there are more. Two queries, of which the first is for the planner."""
    statement = sql.SQL(OF_AN_ID).format(
        columns=listed(COLUMNS),
        ids=ids,
        days=days,
        span=TRUE,
        condition=TRUE,
        order=newest_first(),
        most=sql.Literal(MOST_OF_AN_ID),
        limit=sql.Literal(MOST + 1),
    )
    return [event for event, *_ in read(statement, by_id=True)]
