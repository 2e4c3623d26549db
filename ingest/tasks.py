"""What Celery runs. A message carries the number of a shard and never data: losing one costs a second."""

import logging
from typing import Any

import redis
from celery import shared_task
from celery.signals import worker_ready
from django.db import DatabaseError
from django.utils import timezone
from kombu.exceptions import OperationalError

from fallbacks import enablement, logs, partitions, retention, sealing
from ingest import buffer, compaction
from ingest import drain as draining

log = logging.getLogger(__name__)

# One task works for so long, then makes room for the other shards: with more of them than worker processes, events of
# those that wait are seen so much later.
SECONDS_A_TASK = 0.3
# A bell older than this is no news: beat has rung since.
EXPIRES = 5


@shared_task(name="ingest.tasks.drain")
def drain(shard: int) -> None:
    """Record what waits in a shard. What goes wrong is said once a try; beat rings again."""
    try:
        more = buffer.silent([shard]) if draining.drain(shard, SECONDS_A_TASK) else []
    except (DatabaseError, redis.RedisError) as error:
        logs.away("database" if isinstance(error, DatabaseError) else "stream", error)
        return
    ring_bells(more)


@shared_task(name="ingest.tasks.ring")
def ring() -> None:
    """Ring for each shard in which something waits and nobody has rung: bells get lost, data does not."""
    try:
        shards = buffer.silent([shard for shard in buffer.shards() if buffer.waiting(shard)])
    except redis.RedisError as error:
        logs.away("stream", error)
        return
    logs.back("stream")
    ring_bells(shards)


@shared_task(name="ingest.tasks.shorten_log")
def shorten_log() -> None:
    """Keep the stream's log on disk short."""
    try:
        if compaction.shorten():
            log.info("the stream's log is being rewritten")
    except redis.RedisError as error:
        logs.away("stream", error)


@shared_task(name="ingest.tasks.make_partitions")
def make_partitions() -> None:
    """Make the partitions of the days to come. While the database is away, the drain makes those that it needs."""
    try:
        partitions.ensure_around(timezone.now())
    except DatabaseError as error:
        logs.away("database", error)


@shared_task(name="ingest.tasks.seal_days")
def seal_days() -> None:
    """Build the indexes by which an id of a day that is over is found at once."""
    try:
        sealed = sealing.seal(timezone.now())
    except DatabaseError as error:
        logs.away("database", error)
        return
    if sealed:
        log.info("sealed the events of %s to %s", sealed[0], sealed[-1])


@shared_task(name="ingest.tasks.apply_retention")
def apply_retention() -> None:
    """Remove what is older than it is to be kept. What somebody reads is left for the next turn."""
    try:
        removed = retention.apply(timezone.now())
    except DatabaseError as error:
        logs.away("database", error)
        return
    if removed.days:
        log.info("removed the events of %s to %s", removed.days[0], removed.days[-1])
    if removed.left:
        log.warning("not all that is too old is removed: %s", removed.left)


@shared_task(name="ingest.tasks.tend_routes")
def tend_routes() -> None:
    """End the enablements that are over, and suspend the routes whose samples pass too seldom."""
    try:
        suspended = enablement.tend()
    except DatabaseError as error:
        logs.away("database", error)
        return
    if suspended:
        log.warning("suspended the routes of %s: too few of their newest samples passed", ", ".join(suspended))


@worker_ready.connect
def make_partitions_at_start(**_: Any) -> None:
    """Make them when a worker has started, too: beat's first turn comes an hour later."""
    make_partitions.apply_async(expires=60)


def ring_bells(shards: list[int]) -> None:
    """Send a task for each shard. A broker that does not answer costs nothing but the wait for beat."""
    for shard in shards:
        try:
            drain.apply_async((shard,), expires=EXPIRES, retry=False, ignore_result=True)
        except (OperationalError, redis.RedisError, OSError) as error:
            logs.away("broker", error)
            return
        logs.back("broker")
