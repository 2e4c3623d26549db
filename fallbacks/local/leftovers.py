"""Finds and stops processes that an earlier life of this instance left behind.

Each process of an instance carries FALLBACKS_INSTANCE and FALLBACKS_PART in its environment, and so do
its children; nothing else is ever touched.
"""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil

# What is asked to end first, how, and for how long it is waited: who writes goes before who keeps.
ORDER = ("supervisor", "command", "web", "worker", "beat", "redis-broker", "redis-stream", "postgres")
PATIENCE = {"supervisor": 90.0, "postgres": 60.0, "redis-stream": 20.0, "redis-broker": 20.0}


def of_instance(instance: str, parts: Iterable[str] | None = None) -> list[psutil.Process]:
    """Return the processes of `instance` but this one and those above it, of all its parts or of `parts`."""
    mine = {os.getpid(), *(parent.pid for parent in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            values = process.environ()
            if values.get("FALLBACKS_INSTANCE") != instance or process.pid in mine:
                continue
            if parts is None or values.get("FALLBACKS_PART", "") in parts:
                found.append(process)
    return found


def stop_all(instance: str, spare: tuple[str, ...] = ()) -> None:
    """Stop everything that is left of `instance`, in order, but the parts to `spare`."""
    for part in ORDER:
        if part not in spare and of_instance(instance):
            stop_part(instance, part)


def stop_part(instance: str, part: str) -> None:
    """Stop what is left of one part: asked at first, made to after a while."""
    # SIGINT is PostgreSQL's fast shutdown: SIGTERM would wait for its clients to leave.
    how = signal.SIGINT if part == "postgres" else signal.SIGTERM
    end(lambda: of_instance(instance, (part,)), how, PATIENCE.get(part, 3.0))


def end(processes: Callable[[], list[psutil.Process]], how: signal.Signals, patience: float) -> None:
    """Send `how` to `processes`, and after `patience` seconds SIGKILL to those that are still there."""
    first = processes()
    tell(first, how)
    _, alive = psutil.wait_procs(first, timeout=patience)
    while alive:
        tell(alive, signal.SIGKILL)
        psutil.wait_procs(alive, timeout=5)
        alive = processes()


def tell(processes: Iterable[psutil.Process], how: signal.Signals) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(how)
            # One that was paused hears it only when it goes on.
            process.resume()


def clear_data_folder(data: Path) -> None:
    """Wait until no server process works in `data`, then remove the mark of a server that died.

    PostgreSQL itself trusts the number in that mark, which may by now be another process of its user:
    it would not start.
    """
    deadline = time.monotonic() + 30
    while (busy := working_in(data)) and time.monotonic() < deadline:
        time.sleep(0.05)
    if not busy:
        (data / "postmaster.pid").unlink(missing_ok=True)


def working_in(data: Path) -> list[psutil.Process]:
    """Return the processes whose working folder is `data`."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.cwd() == str(data):
                found.append(process)
    return found
