"""Signs of life of beat and of the workers, which fade by themselves when nobody renews them.

Celery's own heartbeats are switched off: they say that a process is there, these say that it does its work.
"""

import time
from typing import Any

import redis
from celery.signals import after_task_publish, beat_init, task_prerun, worker_init

from fallbacks import logs
from fallbacks.streams import connection

# Shorter than the minute in which a fault must show, longer than the longest task and its wait.
FADES_AFTER = 40  # seconds
RENEWED_EVERY = 3.0  # seconds
BELL = "ingest.tasks.ring"

_renewed: dict[str, float] = {}


def renew(name: str) -> None:
    """Say that `name` lives. Costs nothing where it was said just now, and harms nothing where nobody listens."""
    now = time.monotonic()
    if now - _renewed.get(name, -RENEWED_EVERY) < RENEWED_EVERY:
        return
    _renewed[name] = now
    try:
        connection().set(f"pulse:{name}", "", ex=FADES_AFTER)
    except redis.RedisError as error:
        logs.away("stream", error)


def alive(*names: str) -> list[bool]:
    """Tell which of them were heard of in the last `FADES_AFTER` seconds. Raises redis.RedisError."""
    return [bool(connection().exists(f"pulse:{name}")) for name in names]


@after_task_publish.connect
def beat_rang(sender: str | None = None, **_: Any) -> None:
    """Beat alone sends this task, and the broker has taken it."""
    if sender == BELL:
        renew("beat")


@task_prerun.connect
def worker_works(**_: Any) -> None:
    """A worker has begun a task."""
    renew("worker")


@worker_init.connect
def worker_started(**_: Any) -> None:
    logs.started("worker")


@beat_init.connect
def beat_started(**_: Any) -> None:
    logs.started("beat")
