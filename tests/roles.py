"""`pytest --as-roles`: what web and worker do in the tests runs as the roles that they have on a server.

So whatever a page or a task needs of the database (docs/database-roles.md) is found by its own tests.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import psycopg
from django.conf import settings
from django.db import OperationalError, connection
from django.http import HttpRequest, HttpResponse

from fallbacks import database_roles
from fallbacks.database_roles import Names

OWNER = "fallbacks"
# What the worker's tasks come down to. (ingest.tasks itself needs a broker.)
WORK = (
    "ingest.drain.drain",
    "fallbacks.retention.apply",
    "fallbacks.sealing.seal",
    "fallbacks.enablement.tend",
    "fallbacks.partitions.ensure_around",
)


def prepare() -> None:
    """Put the roles where they belong, before the tests' modules are read."""
    settings.MIDDLEWARE.insert(0, "tests.roles.AsWeb")
    for path in WORK:
        module, _, name = path.rpartition(".")
        setattr(import_module(module), name, as_worker(getattr(import_module(module), name)))


def install(superuser_url: str) -> None:
    """Make the roles in the tests' database, and let the tests take them."""
    from fallbacks.management.commands import grant_roles

    names = Names(OWNER)
    statements = list(database_roles.statements(names, grant_roles.look(names)))
    with psycopg.connect(superuser_url) as superuser:
        for statement in statements:
            superuser.execute(statement)
        superuser.execute(f"GRANT {names.web} TO {OWNER}".encode())


class AsWeb:
    """The outermost middleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with role(Names.web):
            return self.get_response(request)


def as_worker(work: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(work)
    def working(*given: Any, **named: Any) -> Any:
        with role(Names.worker):
            return work(*given, **named)

    return working


@contextlib.contextmanager
def role(name: str) -> Iterator[None]:
    """Take a role for a while. Past Django's own connection: no test counts this as a query."""
    try:
        connection.ensure_connection()
        # It may be back in the pool by the end.
        taken = connection.connection
        taken.execute(f"SET ROLE {name}")
    except (OperationalError, psycopg.OperationalError):
        # The test has stopped the server: what that means for a request is the request's to say.
        yield
        return
    try:
        yield
    finally:
        with contextlib.suppress(psycopg.Error):
            taken.execute("RESET ROLE")
