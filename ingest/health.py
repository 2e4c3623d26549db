"""Is the process alive, and can it do its work: for load balancers and for people."""

import time
from collections.abc import Callable

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from redis.backoff import NoBackoff
from redis.retry import Retry

from fallbacks import logs, tally
from ingest import backpressure, buffer, pulse
from ingest.answers import only_read

# Entries are recorded within seconds: where one waits for longer, and no batch was finished for as long, nothing moves.
NO_PROGRESS_AFTER_MS = 20_000


@only_read
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@only_read
def readyz(request: HttpRequest) -> HttpResponse:
    """Each part that the product needs: `ok`, or what is wrong with it. `503` where one is not."""
    parts: dict[str, str] = {}
    for name, check in CHECKS.items():
        # What is asked of the stream's Redis would wait out its silence again and again.
        unknown = name in OF_THE_STREAM and not answers(parts["stream"])
        parts[name] = "not known: the stream does not answer" if unknown else look(check)
    ready = all(said == "ok" for said in parts.values())
    return JsonResponse({"status": "ok" if ready else "not ready", "parts": parts}, status=200 if ready else 503)


def look(check: Callable[[], None]) -> str:
    """Return `ok` or the reason why not, without addresses or secrets in it."""
    try:
        check()
    except (DatabaseError, redis.RedisError, OSError) as error:
        return f"does not answer ({type(error).__name__})"
    except Stuck as stuck:
        return str(stuck)
    return "ok"


def answers(said: str) -> bool:
    return not said.startswith("does not answer")


class Stuck(Exception):
    """Nothing is broken that can be seen, but nothing moves either."""


def database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('transaction_read_only')")
        if cursor.fetchone() == ("on",):
            raise Stuck("takes no writes: it is read-only, or a standby")
    logs.back("database")


def stream() -> None:
    if full := backpressure.judge(backpressure.memory_share(), 0, was_closed=False):
        raise Stuck(f"takes nothing more: {full}; is it drained?")


def broker() -> None:
    url = settings.CELERY_BROKER_URL.replace("redis+socket://", "unix://").replace("virtual_host=", "db=")
    with redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0)) as client:
        client.ping()


def drain() -> None:
    seen, now = tally.door(), int(time.time() * 1000)
    for shard in (shard for shard in seen.shards if shard.entries):
        waited = now - shard.first[0]
        idle = now - seen.counts.get(f"progress:{buffer.stream(shard.number)}", 0)
        if min(waited, idle) > NO_PROGRESS_AFTER_MS:
            raise Stuck(
                f"makes no progress: {shard.entries} entries wait in shard {shard.number}, the oldest for"
                f" {waited // 1000} s, and none was finished in that time"
            )


def worker() -> None:
    heard, beat_heard = pulse.alive("worker", "beat")
    if not heard:
        why = "is one running?" if beat_heard else "beat is silent, too, so that none may have been sent"
        raise Stuck(f"no task has begun for {pulse.FADES_AFTER} s: {why}")


def beat() -> None:
    if not all(pulse.alive("beat")):
        raise Stuck(f"has not rung for {pulse.FADES_AFTER} s: is it running, and does the broker answer?")


CHECKS = {"database": database, "stream": stream, "broker": broker, "drain": drain, "worker": worker, "beat": beat}
OF_THE_STREAM = ("drain", "worker", "beat")
