"""Work that one process at a time does, and that others leave to it."""

import contextlib
from collections.abc import Iterator

from django.db import connection


@contextlib.contextmanager
def alone(lock: int) -> Iterator[bool]:
    """Hold the lock of this number, and give whether it was free. It ends with the connection at the latest."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [lock])
        (free,) = cursor.fetchone()
        try:
            yield free
        finally:
            if free:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [lock])
