"""Connections to PostgreSQL that give up where it hangs: a server that is stopped, or that nothing comes from any more.

One that is down says so at once, and a statement that takes too long is ended by the server. A server that hangs does
neither, and each thread of a web process that asks it would wait for as long, until none is left to take events.
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import psycopg
from psycopg.abc import PQGen

# Seconds for an answer to the empty question by which the pool asks whether a connection lives.
ALIVE = 1.0

# Seconds for an answer, in this process. None: as long as it takes, as for what builds an index.
usual: float | None = None
_thread = threading.local()


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Give the answers to all that this thread asks meanwhile so many seconds, together."""
    before = getattr(_thread, "until", None)
    _thread.until = min(time.monotonic() + seconds, before or float("inf"))
    try:
        yield
    finally:
        _thread.until = before


class Connection(psycopg.Connection[Any]):
    """A connection that waits for an answer for as long as `within` and `usual` give it.

    Raises psycopg.OperationalError after that, and is closed: whatever it was asked may still be answered.
    """

    def execute(self, query: Any, *args: Any, **more: Any) -> psycopg.Cursor[Any]:
        with within(ALIVE) if query == "" else contextlib.nullcontext():
            return super().execute(query, *args, **more)

    def wait(self, gen: PQGen[Any], interval: float = 0.1, timeout: float | None = None) -> Any:
        until: float | None = getattr(_thread, "until", None)
        if timeout is None:
            timeout = usual if until is None else max(0.0, until - time.monotonic())
        try:
            return super().wait(gen, interval, timeout)
        except psycopg.errors._WaitTimeout as error:
            self.pgconn.finish()
            raise psycopg.OperationalError("PostgreSQL did not answer in time") from error
