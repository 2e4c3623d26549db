"""Sealing: a day of events that is over gets indexes by which an id is found at once.

While events of a day come in, their ids have bloom indexes, which cost next to nothing to write and are read whole for
each look-up: 100 MB of them for 20 million events. A btree of random ids would cost the recorder many times its own
work, but built at once, when the day is over, it costs 2 s of one process for a million events. It is of hashes, which
are shorter than ids; what comes late for a sealed day is put into it as usual.
"""

from datetime import UTC, date, datetime, timedelta

import psycopg
from django.db import DatabaseError, connection
from psycopg import sql

from fallbacks import locks, partitions

IDS = ("id", "request_id", "trace_id")
# Most of what comes late comes within a day.
OVER_FOR = timedelta(days=2)
# How long building waits for those who read or write the day; it is tried again in the next hour.
PATIENCE_MS = 5_000
# Any number, the same everywhere: an index that another process is building looks like one that broke off.
_LOCK = 0x0FA11B5E

VALID = "SELECT relname, indisvalid FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE relname = ANY(%s)"
BUILD = "CREATE INDEX CONCURRENTLY {index} ON {table} (hashtext({column})) WHERE {column} IS NOT NULL"


def seal(now: datetime) -> list[date]:
    """Build what is missing for the days that are over, and return those. Call it outside of a transaction.

    Recorders and readers go on meanwhile. It may be cut off anywhere: the next call goes on, as it does with a day that
    somebody has been reading or writing for long.
    """
    newest = now.astimezone(UTC).date() - OVER_FOR
    days = sorted(day for day in partitions.existing() if day <= newest)
    with locks.alone(_LOCK) as alone:
        return [day for day in days if _seal(day)] if alone else []


def _seal(day: date) -> bool:
    """Build the indexes of a day that are not there; tell whether any was."""
    names = {f"event_{day:%Y%m%d}_by_{column}": column for column in IDS}
    table = sql.Identifier(f"event_{day:%Y%m%d}")
    with connection.cursor() as cursor:
        cursor.execute(VALID, [list(names)])
        valid = dict(cursor.fetchall())
        missing = [name for name in names if not valid.get(name)]
        if not missing:
            return False
        # `SET` outlasts the statement, and the connection goes back to a pool.
        cursor.execute(sql.SQL("SET lock_timeout = {}").format(sql.Literal(PATIENCE_MS)))
        try:
            for name in missing:
                index, column = sql.Identifier(name), sql.Identifier(names[name])
                if name in valid:
                    cursor.execute(sql.SQL("DROP INDEX CONCURRENTLY {}").format(index))
                cursor.execute(sql.SQL(BUILD).format(index=index, table=table, column=column))
            # What the planner knows of an expression, it knows by this.
            cursor.execute(sql.SQL("ANALYZE {}").format(table))
        except DatabaseError as error:
            if not isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
                raise
            return False
        finally:
            cursor.execute("RESET lock_timeout")
    return True
