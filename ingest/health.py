"""Is the process alive, and can it do its work: for load balancers and for people."""

import time
from collections.abc import Callable

import redis
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from redis.backoff import NoBackoff
from redis.retry import Retry

from ingest import buffer

# Entries are recorded within seconds: one that waits longer says that no worker drains.
LONGEST_WAIT_MS = 30_000


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Each part that the product needs: `ok`, or what is wrong with it. `503` where one is not."""
    parts = {name: look(check) for name, check in CHECKS.items()}
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


class Stuck(Exception):
    """Nothing is broken that can be seen, but nothing moves either."""


def database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def stream() -> None:
    buffer.connection().ping()


def broker() -> None:
    url = settings.CELERY_BROKER_URL.replace("redis+socket://", "unix://").replace("virtual_host=", "db=")
    with redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1, retry=Retry(NoBackoff(), 0)) as client:
        client.ping()


def drain() -> None:
    waited = buffer.oldest_wait_ms(int(time.time() * 1000))
    if waited > LONGEST_WAIT_MS:
        raise Stuck(f"the oldest entry has waited {waited // 1000} s to be recorded: is a worker running?")


CHECKS = {"database": database, "stream": stream, "broker": broker, "drain": drain}
