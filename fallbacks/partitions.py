"""Daily partitions of the event table: made ahead of time, on demand where an event comes for a day without one, and
dropped when they are too old."""

from datetime import UTC, date, datetime, time, timedelta

import psycopg
from django.conf import settings
from django.db import DatabaseError, connection, transaction
from psycopg import sql

# How far from now an event may lie, and what is made ahead for it. `retention` has the limits.
DAYS_BACK = 31
DAYS_AHEAD = 14
# Before, no service called a language model.
EARLIEST = date(2000, 1, 1)
# Any number, the same everywhere: two processes must not make one partition at once.
_LOCK = 0x0FA11BAC
# Where PostgreSQL has a role for the worker (`manage.py grant_roles`), that owns all tables of events.
OTHER_OWNER = """
SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'event'::regclass AND relowner <> current_user::regrole
"""


def ensure(days: set[date]) -> None:
    """Make the partitions of `days` (UTC) that do not exist yet. Safe from several processes at once.

    A partition is made as a table of its own and then attached, which lets inserts into the others go on;
    `CREATE TABLE ... PARTITION OF` would lock them out. Raises ValueError for a day on which no event can have been:
    what a stranger writes into a stream must leave no table behind that nobody would ever drop.
    """
    latest = datetime.now(UTC).date() + timedelta(days=DAYS_AHEAD)
    if wrong := [day for day in days if not EARLIEST <= day <= latest]:
        raise ValueError(f"no event was on {min(wrong)}: the days are {EARLIEST} to {latest}")
    with transaction.atomic(), connection.cursor() as cursor:
        missing = sorted(days - existing())
        if not missing:
            return
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        for day in sorted(set(missing) - existing()):
            _make(day)


_known: set[date] = set()


def forget() -> None:
    """Forget which partitions there are: somebody may have dropped one by hand."""
    _known.clear()


def ensure_known(days: set[date]) -> None:
    """As `ensure`, and ask the database once a process and day: the recorder calls this for every batch."""
    if missing := days - _known:
        ensure(missing)
        _known.update(missing)


def ensure_around(now: datetime) -> None:
    """Make the partitions for every day on which an event may be taken now or in the next days."""
    today = now.astimezone(UTC).date()
    back = min(DAYS_BACK, settings.EVENT_RETENTION_DAYS)
    ensure({today + timedelta(days=offset) for offset in range(-back, DAYS_AHEAD + 1)})


def existing() -> set[date]:
    """Return the days that have a partition."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
            " WHERE inhparent = 'event'::regclass"
        )
        return {date.fromisoformat(name.removeprefix("event_")) for (name,) in cursor.fetchall()}


class InUse(Exception):
    """A partition cannot be dropped now: somebody has been reading for longer than we wait. Try again later."""


def to_drop(before: date) -> dict[date, str]:
    """Return the days before `before` that have a table, oldest first, and how far the dropping of each is.

    `attached`: not begun. `detaching`: cut off while it waited. `detached`: no partition any more, only a table.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname, CASE WHEN inhrelid IS NULL THEN 'detached' WHEN inhdetachpending THEN 'detaching'"
            " ELSE 'attached' END"
            " FROM pg_class LEFT JOIN pg_inherits ON inhrelid = pg_class.oid"
            " WHERE relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'event'::regclass)"
            " AND relkind = 'r' AND relname ~ '^event_[0-9]{8}$' ORDER BY relname"
        )
        found = {date.fromisoformat(name.removeprefix("event_")): state for name, state in cursor.fetchall()}
    return {day: state for day, state in found.items() if day < before}


def drop(day: date, state: str, timeout_ms: int) -> None:
    """Drop the table of a day, whose dropping is as far as `state` says. Raises InUse after `timeout_ms` of waiting.

    `DROP TABLE` of a partition locks the whole event table: behind one long reader it would wait, and every
    recorder behind it. Detaching concurrently waits for the reader too, but with nobody behind it; what is
    dropped then is a table of its own. It cannot run in a transaction, and when it is cut off it stands half way, in
    which state nothing but the next call of this is to be done.
    """
    name = _name(day)
    steps = {
        "attached": "ALTER TABLE event DETACH PARTITION {} CONCURRENTLY",
        "detaching": "ALTER TABLE event DETACH PARTITION {} FINALIZE",
    }
    _known.discard(day)
    with connection.cursor() as cursor:
        # `SET` outlasts the statement, and the connection goes back to a pool.
        cursor.execute(sql.SQL("SET lock_timeout = {}").format(sql.Literal(timeout_ms)))
        try:
            if state in steps:
                cursor.execute(sql.SQL(steps[state]).format(name))
            cursor.execute(sql.SQL("DROP TABLE {}").format(name))
        except DatabaseError as error:
            if isinstance(error.__cause__, psycopg.errors.LockNotAvailable):
                raise InUse(f"the events of {day} are being read") from error
            raise
        finally:
            cursor.execute("RESET lock_timeout")


def _name(day: date) -> sql.Identifier:
    return sql.Identifier(f"event_{day:%Y%m%d}")


def _make(day: date) -> None:
    name = _name(day)
    start = datetime.combine(day, time(), UTC)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("CREATE TABLE {} (LIKE event INCLUDING DEFAULTS INCLUDING CONSTRAINTS)").format(name))
        cursor.execute(OTHER_OWNER)
        if found := cursor.fetchone():
            # A command of the tables' owner made it, and the worker is to drop it one day.
            cursor.execute(sql.SQL("ALTER TABLE {} OWNER TO {}").format(name, sql.Identifier(found[0])))
        cursor.execute(
            sql.SQL("ALTER TABLE event ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(
                name, sql.Literal(start), sql.Literal(start + timedelta(days=1))
            )
        )
