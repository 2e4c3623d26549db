"""Slots for exports. Each holds a thread of a web process as long as it is written, and the same threads take events:
so there are few, over all processes together.
"""

import math
import threading
from datetime import datetime, timedelta
from uuid import uuid4

from django.db import connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from fallbacks.models import Export, ExportState, User

MOST = 2
# One batch's statement may take this long; a filter that finds little in much takes longest.
LONGEST_STATEMENT = timedelta(seconds=60)
# An export that has not moved for longer is dead, or its browser has stopped reading: its slot is free again.
SILENT_FOR = timedelta(seconds=90)
# Seconds after which somebody may try again.
SOONEST, LATEST, USUAL = 5, 120, 30
# Any number, the same everywhere: two that ask for the last slot at once must not both get it.
_LOCK = 0x0FA11E0F

# Besides the rows: a thread whose browser has stopped reading is held for as long as the connection lives, and a
# process has eight.
threads = threading.BoundedSemaphore(MOST)


class Busy(Exception):
    """No slot is free. `seconds`: when it is worth trying again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


def take_thread() -> None:
    """Take one of the threads that files may hold in this process, to be released at the end. Raises Busy."""
    if not threads.acquire(blocking=False):
        raise Busy(wait(timezone.now()))


def claim(export: Export) -> None:
    """Store the export as one that goes on; under another id, where its own was used. Raises Busy.

    Whoever has claimed one releases a thread at its end.
    """
    take_thread()
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
            now = timezone.now()
            running().filter(dead(now)).update(state=ExportState.BROKEN, ended_at=F("seen_at"))
            if running().count() >= MOST:
                raise Busy(wait(now))
            # A form may be sent twice at once.
            if Export.objects.filter(pk=export.pk).exists():
                export.pk = uuid4()
            export.save(force_insert=True)
    except BaseException:
        threads.release()
        raise


def running() -> QuerySet[Export]:
    return Export.objects.filter(state=ExportState.RUNNING)


def dead(now: datetime) -> Q:
    """The condition on those that go on by their row alone."""
    return Q(seen_at__lt=now - SILENT_FOR)


def wait(now: datetime) -> int:
    """Return after how many seconds a slot may be free: as long as the first of those that go on still needs."""
    rests = [rest for export in running() if (rest := seconds_left(export, now)) is not None]
    return max(SOONEST, min(LATEST, math.ceil(min(rests, default=USUAL))))


def seconds_left(export: Export, now: datetime) -> float | None:
    """Return how long it takes still, at the pace that it had; None where that cannot be told."""
    if not export.total or not export.written:
        return None
    passed = (now - export.started_at).total_seconds()
    return max(0.0, passed * (export.total - export.written) / export.written)


def tell(export: Export, written: int) -> bool:
    """Say how far it has come; return whether it still has its slot."""
    return bool(running().filter(pk=export.pk).update(written=written, seen_at=timezone.now()))


def end(export: Export, state: ExportState, written: int) -> None:
    """Say how it ended, unless that was said already: one that was taken for dead stays broken."""
    now = timezone.now()
    running().filter(pk=export.pk).update(state=state, written=written, seen_at=now, ended_at=now)


def of(owner: User) -> QuerySet[Export]:
    """Return somebody's own exports, the newest first."""
    return Export.objects.filter(owner=owner).order_by("-started_at")
