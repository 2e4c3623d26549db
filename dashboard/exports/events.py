"""Events as rows of a file, in batches: memory holds one at a time, whatever the list's length."""

import json
from collections.abc import Iterator
from functools import cache
from operator import itemgetter
from typing import Any

from django.db import connection, transaction

from dashboard import openapi
from dashboard.events import rows as event_rows
from dashboard.events.conditions import Filters
from dashboard.exports.slots import LONGEST_STATEMENT
from dashboard.queries import Scope
from fallbacks.timebuckets import Window
from fallbacks.verdict import named

# As the API names them, in its order. Sample texts are no column of events.
COLUMNS = tuple(openapi.EVENT["properties"])
RULES, ATTRIBUTES = COLUMNS.index("rules"), COLUMNS.index("attributes")
# Rows of a statement: a few megabytes, and some tens of milliseconds.
BATCH = 2_000
# Rows of a piece: between two the web server sends, and other threads have their turn.
PIECE = 200

# What a search finds, and in it the file's columns. Rows and no models: these would take twice as long, and the thread
# that writes a file keeps others from taking events meanwhile.
FOUND = (*event_rows.COLUMNS, "workload", "place", "matches")
row_of = itemgetter(*map(FOUND.index, COLUMNS))
key_of = itemgetter(*map(FOUND.index, event_rows.ORDER))
place_of, matches = itemgetter(FOUND.index("place")), itemgetter(FOUND.index("matches"))
rules = cache(named)


def batches(window: Window, scope: Scope, filters: Filters) -> Iterator[list[list[Any]]]:
    """Yield the events of a list, newest first, in pieces. No transaction is open while one is being sent.

    Each search starts after the key of the one before: nothing comes twice, and what is recorded meanwhile is in it
    where its time is still to come. Where one has found nothing, the piece is empty. Raises DatabaseError.
    """
    after = None
    while True:
        looked_at = searched(window, scope, filters, after)
        found = list(filter(matches, looked_at))
        if not found:
            yield []
        for start in range(0, min(len(found), BATCH), PIECE):
            yield [written(row) for row in found[start : min(start + PIECE, BATCH)]]
        if len(found) > BATCH:
            after = key_of(found[BATCH - 1])
        elif looked_at and place_of(looked_at[-1]) == event_rows.MOST_SEARCHED:
            after = key_of(looked_at[-1])
        else:
            return


def searched(window: Window, scope: Scope, filters: Filters, after: event_rows.Key | None) -> list[tuple[Any, ...]]:
    """Return what the search for the next batch finds."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{LONGEST_STATEMENT.seconds}s"])
        return event_rows.fetched(event_rows.search(window, scope, filters, BATCH, after=after), by_id=filters.by_id)


def written(found: tuple[Any, ...]) -> list[Any]:
    """Return a row of the file."""
    row = list(row_of(found))
    row[RULES] = rules(row[RULES])
    if row[ATTRIBUTES] is not None:
        row[ATTRIBUTES] = json.loads(row[ATTRIBUTES])
    return row
