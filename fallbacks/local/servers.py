"""The three servers that hold data: embedded ones, or those that the environment names.

| variable | names | embedded where it is not set |
|---|---|---|
| DATABASE_URL | PostgreSQL | `postgres`, data in var/postgres |
| REDIS_URL | the stream's Redis | `redis-stream` |
| BROKER_URL | the Celery broker's Redis | `redis-broker` |
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import dj_database_url
import psycopg
import redis

from fallbacks.local import postgres, redis_servers
from fallbacks.local.parts import Part
from fallbacks.local.places import Places
from fallbacks.local.problem import Problem


class Embedded(Protocol):
    """A server that this product runs itself."""

    def part(self) -> Part: ...

    def is_up(self) -> bool: ...


@dataclass
class Servers:
    """What runs embedded, and the URLs of all three, as the settings read them."""

    embedded: dict[str, Embedded] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)

    def parts(self) -> list[Part]:
        return [server.part() for server in self.embedded.values()]

    def missing(self) -> list[str]:
        """Return the names of the embedded servers that do not answer."""
        return [name for name, server in self.embedded.items() if not server.is_up()]


def prepare(where: Places, given: Mapping[str, str]) -> Servers:
    """Make ready what is to run embedded, and see that the servers named in `given` can be reached."""
    found = Servers()
    if url := given.get("DATABASE_URL"):
        check_postgres(url)
        found.environment["DATABASE_URL"] = url
    else:
        cluster = postgres.prepare(where)
        found.embedded["postgres"] = cluster
        found.environment["DATABASE_URL"] = cluster.url()
    for name, make, own_url in (
        ("REDIS_URL", redis_servers.stream, redis_servers.stream_url),
        ("BROKER_URL", redis_servers.broker, redis_servers.broker_url),
    ):
        if url := given.get(name):
            check_redis(name, url)
        else:
            server = make(where)
            found.embedded[server.name] = server
            url = own_url(server)
        found.environment[name] = url
    return found


def check_postgres(url: str) -> None:
    """See that DATABASE_URL leads to a PostgreSQL; its password is never said."""
    try:
        wanted = dj_database_url.parse(url)
    except ValueError as error:
        raise Problem("DATABASE_URL is not a URL: write it as postgresql://USER:PASSWORD@HOST:PORT/NAME.") from error
    if wanted["ENGINE"] != "django.db.backends.postgresql":
        raise Problem("DATABASE_URL must name a PostgreSQL: write it as postgresql://USER:PASSWORD@HOST:PORT/NAME.")
    options = wanted.get("OPTIONS", {}) | {"connect_timeout": 5}
    password = str(wanted.get("PASSWORD") or "")
    try:
        psycopg.connect(
            host=wanted.get("HOST") or None,
            port=wanted.get("PORT") or None,
            user=wanted.get("USER") or None,
            password=password or None,
            dbname=wanted.get("NAME") or None,
            **options,
        ).close()
    except psycopg.Error as error:
        reason = hide(" ".join(str(error).split()), password)
        raise Problem(
            f"The PostgreSQL that DATABASE_URL names ({wanted.get('HOST') or 'local'}, database "
            f"{wanted.get('NAME') or '(none)'}) cannot be used: {reason}"
        ) from None


def check_redis(name: str, url: str) -> None:
    """See that `url`, the value of the variable `name`, leads to a Redis; its password is never said."""
    try:
        # kombu's form of a socket; the rest of its forms are redis-py's.
        client = redis.Redis.from_url(url.replace("redis+socket://", "unix://", 1), socket_connect_timeout=5)
    except ValueError as error:
        raise Problem(f"{name} is not a URL: write it as redis://:PASSWORD@HOST:PORT/0.") from error
    with client:
        try:
            client.ping()
        except redis.RedisError as error:
            password = str(client.connection_pool.connection_kwargs.get("password") or "")
            reason = hide(" ".join(str(error).split()), password)
            raise Problem(f"The Redis that {name} names cannot be used: {reason}") from None


def hide(text: str, password: str) -> str:
    return text.replace(password, "***") if password else text
