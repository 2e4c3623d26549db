"""A service that posts, and a worker's drain run in the test's own process."""

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from fallbacks import key_ring
from ingest import buffer, line
from ingest import drain as draining

Post = Callable[..., HttpResponse]


@pytest.fixture
def key(database: None) -> str:
    """A key that may send anything."""
    return key_ring.make("tests", ["events:write", "traffic:write"])


@pytest.fixture
def post(key: str, stream: None) -> Post:
    """Post a body, JSON unless it is bytes already, and return the answer."""

    def send(
        path: str, body: Any, *, key: str | None = key, content_type: str = "application/json", **headers: str
    ) -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        if key is not None:
            headers["authorization"] = f"Bearer {key}"
        return Client().post(path, data, content_type=content_type, headers=headers)

    return send


@pytest.fixture
def no_stream(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The stream's Redis is nowhere."""
    monkeypatch.setattr(line, "_of_thread", threading.local())
    there = settings.REDIS_URL
    settings.REDIS_URL = "unix:///nowhere/at/all"
    buffer.connection.cache_clear()
    yield
    settings.REDIS_URL = there
    buffer.connection.cache_clear()


@pytest.fixture
def drain(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Record all that waits, and wait for nothing more."""
    monkeypatch.setattr(draining, "LINGER_MS", 1)

    def run() -> None:
        for shard in buffer.shards():
            if buffer.waiting(shard):
                draining.drain(shard, 10)

    return run
