"""A page never hangs: it has some seconds, then it says that it took too long and what to do.

A statement's limit is PostgreSQL's own, set once a connection rather than once a page: the pool keeps connections, and
what is set on them. What is no page (a form that saves, the API) has no limit, as before.
"""

import time
from collections.abc import Callable
from typing import Any
from weakref import WeakKeyDictionary

from django.db import connection
from django.http import HttpRequest, HttpResponse
from psycopg import Connection

from dashboard import errors

# A page takes a fifth of a second; a machine that is busy for a moment must not fail it.
A_STATEMENT = 5_000  # milliseconds
A_PAGE = 8.0  # seconds

# The limits that were set.
_limits: WeakKeyDictionary[Connection[Any], int] = WeakKeyDictionary()


class Patience:
    """Middleware: holds pages to their time."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        is_page = request.method in ("GET", "HEAD") and not request.path.startswith("/api/")
        with connection.execute_wrapper(limited(A_STATEMENT, A_PAGE) if is_page else limited(0, None)):
            return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return errors.too_slow(request) if errors.is_too_slow(exception) else None


def limited(statement: int, seconds: float | None) -> Callable[..., Any]:
    """Return what is called in place of each query: no statement longer, and none after the time is over."""
    begun = time.monotonic()

    def execute(call: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if seconds is not None and time.monotonic() - begun > seconds:
            raise errors.TooSlow
        limit(context["connection"], statement)
        return call(sql, params, many, context)

    return execute


def limit(used: Any, statement: int) -> None:
    """Set a statement's limit where another is set. Raises django.db.DatabaseError."""
    raw: Connection[Any] = used.connection
    if _limits.get(raw, 0) == statement:
        return
    with used.wrap_database_errors:
        if used.in_atomic_block:
            # A rollback would take it back unseen.
            raw.execute(f"SET LOCAL statement_timeout = {statement:d}")
        else:
            raw.execute(f"SET statement_timeout = {statement:d}")
            _limits[raw] = statement
