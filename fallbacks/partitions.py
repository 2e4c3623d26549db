"""Daily partitions of the event table: made ahead of time, and on demand where an event comes for a day without one."""

from datetime import UTC, date, datetime, time, timedelta

from django.db import connection, transaction
from psycopg import sql

# How far from now an event may lie, and what is made ahead for it. See `ingest.wire` for the limit.
DAYS_BACK = 31
DAYS_AHEAD = 14
# Any number, the same everywhere: two processes must not make one partition at once.
_LOCK = 0x0FA11BAC


def ensure(days: set[date]) -> None:
    """Make the partitions of `days` (UTC) that do not exist yet. Safe from several processes at once.

    A partition is made as a table of its own and then attached, which lets inserts into the others go on;
    `CREATE TABLE ... PARTITION OF` would lock them out.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        missing = sorted(days - existing())
        if not missing:
            return
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        for day in sorted(set(missing) - existing()):
            _make(day)


_known: set[date] = set()


def ensure_known(days: set[date]) -> None:
    """As `ensure`, and ask the database once a process and day: the recorder calls this for every batch."""
    if missing := days - _known:
        ensure(missing)
        _known.update(missing)


def ensure_around(now: datetime) -> None:
    """Make the partitions for every day on which an event may be taken now or in the next days."""
    today = now.astimezone(UTC).date()
    ensure({today + timedelta(days=offset) for offset in range(-DAYS_BACK, DAYS_AHEAD + 1)})


def existing() -> set[date]:
    """Return the days that have a partition."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
            " WHERE inhparent = 'event'::regclass"
        )
        return {date.fromisoformat(name.removeprefix("event_")) for (name,) in cursor.fetchall()}


def _make(day: date) -> None:
    name = sql.Identifier(f"event_{day:%Y%m%d}")
    start = datetime.combine(day, time(), UTC)
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL("CREATE TABLE {} (LIKE event INCLUDING DEFAULTS INCLUDING CONSTRAINTS)").format(name))
        cursor.execute(
            sql.SQL("ALTER TABLE event ATTACH PARTITION {} FOR VALUES FROM ({}) TO ({})").format(
                name, sql.Literal(start), sql.Literal(start + timedelta(days=1))
            )
        )
