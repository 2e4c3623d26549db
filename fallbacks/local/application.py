"""The product's own processes: web, worker and beat. docker-compose.yml starts the same."""

import os
import sys

from fallbacks.local.parts import Part
from fallbacks.local.places import Places


def parts(where: Places, host: str, port: int) -> list[Part]:
    """Return the three, in the order in which they start."""
    celery = (sys.executable, "-m", "celery", "-A", "fallbacks.celery")
    # One a core is the fastest; more than four would want another database than the embedded one.
    workers = max(1, min(4, os.cpu_count() or 1))
    return [
        Part(
            "web",
            (
                *(sys.executable, "-m", "granian", "--interface", "wsgi", "--host", host, "--port", str(port)),
                *("--workers", str(workers), "--blocking-threads", "8", "--respawn-failed-workers"),
                # One that is told to end while it starts may not hear it.
                *("--workers-kill-timeout", "10"),
                *("--log-level", "warning", "fallbacks.wsgi:application"),
            ),
            stop_within=15,
        ),
        Part(
            "worker",
            (
                *(*celery, "worker", "--concurrency", "2", "--loglevel", "WARNING", "--hostname", "worker@local"),
                *("--without-gossip", "--without-mingle", "--without-heartbeat"),
            ),
            stop_within=25,
        ),
        Part(
            "beat",
            (*celery, "beat", "--loglevel", "WARNING", "--pidfile", "", "--schedule", str(where.var / "beat-schedule")),
            stop_within=10,
        ),
    ]
