"""A PostgreSQL and two Redis of the tests' own, by the same code as `make run`.

    with servers.start(folder) as running:
        os.environ.update(running.environment)

They end with the block, with pytest, and (on Linux) with a killed pytest; the data of `make run` is never touched.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from fallbacks.local import leftovers, places, postgres
from fallbacks.local import servers as embedded
from fallbacks.local.environment import PROJECT
from fallbacks.local.parts import Part
from fallbacks.local.places import Places

# Before the name of a test's instance: what lies in the system's folder under it may be removed.
KIND = "test-"
FORGOTTEN_AFTER = 600  # seconds


@dataclass
class Servers:
    """The running servers. Their names are `postgres`, `redis-stream` and `redis-broker`."""

    where: Places
    servers: embedded.Servers
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """DATABASE_URL, REDIS_URL and BROKER_URL."""
        return dict(self.servers.environment)

    @property
    def superuser_url(self) -> str:
        """The database as PostgreSQL's superuser, for faults that the product's own role may not make."""
        cluster = self.servers.embedded["postgres"]
        assert isinstance(cluster, postgres.Cluster)
        return cluster.url("postgres")

    def up(self, *names: str) -> None:
        """Start the servers `names`, or all, and wait until they answer."""
        for part in self.parts(names):
            with (self.where.log / f"{part.name}.log").open("ab") as log:
                self.processes[part.name] = subprocess.Popen(
                    part.launch(sys.executable),
                    cwd=PROJECT,
                    stdout=log,
                    stderr=log,
                    stdin=subprocess.DEVNULL,
                    # Ctrl-C in pytest is pytest's: it ends them when it has finished with them.
                    start_new_session=True,
                    env=os.environ | {"FALLBACKS_INSTANCE": self.where.instance, "FALLBACKS_PART": part.name},
                )
        deadline = time.monotonic() + 60
        while missing := set(self.servers.missing()) & {part.name for part in self.parts(names)}:
            if time.monotonic() > deadline or any(self.processes[name].poll() is not None for name in missing):
                log_text = (self.where.log / f"{min(missing)}.log").read_text(errors="replace")
                raise RuntimeError(f"{min(missing)} did not start:\n{log_text[-2000:]}")
            time.sleep(0.02)

    def down(self, *names: str, how: signal.Signals | None = None) -> None:
        """End the servers `names`, or all, cleanly or by the signal `how`, and wait for it."""
        for part in reversed(self.parts(names)):
            process = self.processes.pop(part.name, None)
            if process is not None:
                process.send_signal(how or part.stop_by)
                process.wait(timeout=60)

    @contextlib.contextmanager
    def hanging(self, name: str) -> Iterator[None]:
        """Let a server hang meanwhile, with all of its processes: it takes connections, and answers nothing.

        For half a minute at most: a test that waits for it is to fail, and not to wait for ever.
        """
        first = psutil.Process(self.processes[name].pid)
        processes = [first, *first.children(recursive=True)]

        def resume() -> None:
            for process in processes:
                process.resume()

        timer = threading.Timer(30, resume)
        timer.start()
        try:
            for process in processes:
                process.suspend()
            yield
        finally:
            timer.cancel()
            resume()

    def parts(self, names: tuple[str, ...] = ()) -> list[Part]:
        return [part for part in self.servers.parts() if not names or part.name in names]


@contextlib.contextmanager
def start(folder: Path) -> Iterator[Servers]:
    """Start all three with their data below `folder`, and remove them and their data at the end."""
    remove_forgotten()
    where = places.prepare(folder, KIND)
    # What the environment names is somebody's data.
    running = Servers(where, embedded.prepare(where, {}))
    note_home(where)
    try:
        running.up()
        yield running
    finally:
        running.down()
        leftovers.stop_all(where.instance)
        remove(where, running.servers)


def remove(where: Places, servers: embedded.Servers) -> None:
    cluster = servers.embedded["postgres"]
    assert isinstance(cluster, postgres.Cluster)
    cluster.remove()
    shutil.rmtree(where.var, ignore_errors=True)
    where.leave()


def note_home(where: Places) -> None:
    """Say beside data in the system's folder whose it is, so that a killed run's can be told from a living one's."""
    outside = postgres.SYSTEM_FOLDER / where.instance
    if outside.exists():
        (outside / "home").write_text(str(where.var))


def remove_forgotten() -> None:
    """Remove the data that killed test runs left in the system's folder."""
    for outside in postgres.SYSTEM_FOLDER.glob(f"{KIND}*"):
        with contextlib.suppress(OSError):
            # A young one may be another run's that is about to start its servers.
            old = time.time() - outside.stat().st_mtime > FORGOTTEN_AFTER
            if old and not leftovers.of_instance(outside.name):
                shutil.rmtree((outside / "home").read_text(), ignore_errors=True)
                shutil.rmtree(outside)
