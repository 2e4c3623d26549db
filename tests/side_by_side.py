"""Work that is done at the same time, each on a connection of its own."""

import threading
import time
from collections.abc import Callable

import pytest
from django.db import connection


def at_once(*work: Callable[[], object]) -> list[Exception]:
    """Begin all of these together, wait for them, and return what they raised."""
    errors: list[Exception] = []
    start = threading.Barrier(len(work))

    def run(each: Callable[[], object]) -> None:
        start.wait()
        try:
            each()
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(each,)) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def until_somebody_waits() -> None:
    """Return once a connection waits for a lock that another holds."""
    deadline = time.monotonic() + 10
    with connection.cursor() as cursor:
        while time.monotonic() < deadline:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
            time.sleep(0.01)
    pytest.fail("nobody waits")
