"""Kept aside: what cannot be recorded waits here, with its error, until an admin has tried it again or discarded it."""

import msgspec
from django.db import DataError, IntegrityError, ProgrammingError, transaction
from django.utils import timezone
from psycopg.errors import InsufficientPrivilege

from fallbacks import tally
from fallbacks.models import KeptAside
from fallbacks.recording import record
from fallbacks.rows import EventRow, TrafficRow
from fallbacks.streams import decode

# What is refused for its value, by the database or on the way there, and would be refused for ever. Anything else is
# tried again.
REFUSED = (DataError, IntegrityError, ValueError, TypeError, ArithmeticError)
TOO_OLD = "its day has no table any more: it is older than events are kept"


class StillRefused(Exception):
    """What was tried again is refused again; the reason is kept beside it."""


def keep(epoch: int, shard: int, origin: str, body: bytes, error: Exception, items: int = 1) -> bool:
    """Keep what cannot be recorded, with the reason; False where it is kept already. In the caller's transaction."""
    _, new = KeptAside.objects.get_or_create(
        origin=origin,
        defaults={"body": body, "error": told(error), "epoch": epoch, "shard": shard, "items": items},
    )
    return new


def told(error: Exception) -> str:
    """Return the reason for people; PostgreSQL cannot keep U+0000, nor half of a character."""
    text = str(error) or type(error).__name__
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()[:4000]


def try_again(number: int) -> tally.Outcome | None:
    """Record what is kept aside; then it is no longer. None where somebody else was quicker. Raises StillRefused."""
    try:
        with transaction.atomic():
            row = KeptAside.objects.select_for_update().filter(pk=number).first()
            if row is None:
                return None
            tally.lock(row.epoch, row.shard)
            events, traffic = rows_of(row)
            stored = record(events, traffic)
            new, all_ = stored.events + stored.traffic, len(events) + len(traffic)
            outcome = tally.Outcome(stored=new, duplicate=all_ - new, uncounted=all_ - row.items)
            tally.add(row.epoch, row.shard, outcome)
            row.delete()
            return outcome
    except (*REFUSED, msgspec.MsgspecError, ProgrammingError) as error:
        if isinstance(error, ProgrammingError) and not isinstance(error.__cause__, InsufficientPrivilege):
            raise
        # A page may not make the table of a day: its event is older than what is kept.
        words = TOO_OLD if isinstance(error, ProgrammingError) else told(error)
        KeptAside.objects.filter(pk=number).update(error=words, tried_at=timezone.now())
        raise StillRefused(words) from error


def discard(number: int) -> bool:
    """Remove what is kept aside for good; False where it was gone already."""
    with transaction.atomic():
        row = KeptAside.objects.select_for_update().filter(pk=number).first()
        if row is None:
            return False
        tally.lock(row.epoch, row.shard)
        tally.add(row.epoch, row.shard, tally.Outcome(discarded=row.items))
        row.delete()
        return True


def rows_of(row: KeptAside) -> tuple[list[EventRow], list[TrafficRow]]:
    """Return the rows that the bytes hold: a whole entry's, or, where the origin names an item, that one's."""
    body = bytes(row.body)
    kind = row.origin.split("/")[2:]
    if not kind:
        entry = decode(body)
        return entry.events, entry.traffic
    if kind[0].startswith("e"):
        return [msgspec.json.decode(body, type=EventRow)], []
    return [], [msgspec.json.decode(body, type=TrafficRow)]
