"""What is measured: servers of the bench's own, and the product's processes on them, on loopback alone."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fallbacks.local import application
from fallbacks.local.environment import PROJECT
from fallbacks.local.parts import Part
from tests import servers

HOST = "127.0.0.1"
# What the shell may say that would lead a process elsewhere.
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")
SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "fallbacks.settings",
    "SECRET_KEY": "of the bench alone, long enough that nobody warns of it and never used elsewhere",
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
    "HTTPS": "0",
    # Asked for at each request as always, and never reached.
    "KEY_RATE": "100000000",
}


@dataclass(frozen=True)
class Rig:
    """Running servers, and how processes are started on them."""

    servers: servers.Servers
    environment: dict[str, str]

    @contextlib.contextmanager
    def process(self, part: Part, settings: Mapping[str, str] | None = None) -> Iterator[int]:
        """Run a part of the product for as long as the block lasts, and give its process id."""
        where = self.servers.where
        with (where.log / f"{part.name}.log").open("ab") as log:
            process = subprocess.Popen(
                part.launch(sys.executable),
                cwd=PROJECT,
                env=self.environment | {"FALLBACKS_PART": part.name} | dict(settings or {}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            yield process.pid
        finally:
            process.send_signal(part.stop_by)
            try:
                process.wait(timeout=part.stop_within)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    @contextlib.contextmanager
    def web(
        self,
        name: str,
        target: str = "fallbacks.wsgi:application",
        workers: int = 1,
        settings: Mapping[str, str] | None = None,
    ) -> Iterator[tuple[int, int]]:
        """Serve the WSGI application `target` as `make run` serves the product, and give its process id and port."""
        port = free_port()
        web = next(part for part in application.parts(self.servers.where, HOST, port) if part.name == "web")
        words = [*web.command[:-1], target]
        words[words.index("--workers") + 1] = str(workers)
        with self.process(Part(name, tuple(words), stop_within=web.stop_within), settings) as pid:
            wait_for_port(port)
            yield pid, port

    def part(self, name: str) -> Part:
        """Return `worker` or `beat`, as `make run` starts them."""
        return next(part for part in application.parts(self.servers.where, HOST, 1) if part.name == name)

    def pid(self, name: str) -> int:
        """Return the process id of a server: `postgres`, `redis-stream` or `redis-broker`."""
        return self.servers.processes[name].pid


@contextlib.contextmanager
def start() -> Iterator[Rig]:
    """Start servers with empty data; this process is led to them as well. All is removed at the end."""
    with tempfile.TemporaryDirectory(prefix="fallbacks-bench-") as folder, servers.start(Path(folder)) as running:
        static = Path(folder) / "static"
        static.mkdir()
        values = SETTINGS | {"STATIC_ROOT": str(static)} | running.environment
        instance = {"FALLBACKS_INSTANCE": running.where.instance}
        kept = {name: os.environ[name] for name in KEPT if name in os.environ}
        os.environ.pop("FALLBACKS_HOME", None)
        os.environ.update(values)
        yield Rig(running, kept | values | instance)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, patience: float = 30) -> None:
    """Wait until somebody listens on `port`."""
    deadline = time.monotonic() + patience
    while True:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"nothing listens on port {port} after {patience:.0f} s")
        time.sleep(0.05)
