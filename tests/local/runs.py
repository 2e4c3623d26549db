"""Drives the real product as its user does: a process, its words on the terminal, its files under var/."""

import contextlib
import http.client
import json
import os
import pwd
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import psycopg

from fallbacks.local import leftovers
from fallbacks.local.environment import PROJECT

PARTS = ("web", "worker", "beat", "postgres", "redis-stream", "redis-broker")
KEPT = ("PATH", "HOME", "LANG", "TMPDIR")


@dataclass
class Run:
    """One `make run` without make."""

    home: Path
    port: int
    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    listener: threading.Thread | None = None

    @property
    def output(self) -> str:
        return "".join(self.lines)

    @property
    def instance(self) -> str:
        return (self.home / "var" / "instance").read_text()

    @property
    def told(self) -> dict[str, Any]:
        """What var/demo.json says."""
        return dict(json.loads((self.home / "var" / "demo.json").read_text()))

    def listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as words:
            self.lines.extend(words)

    def wait_for(self, text: str, seconds: float = 60, after: int = 0) -> None:
        """Wait until the product has said `text`, in its lines from `after` on."""
        until(lambda: text in "".join(self.lines[after:]) or self.ended(), seconds, lambda: self.output)
        assert text in "".join(self.lines[after:]), self.output

    def ended(self) -> bool:
        return self.process.poll() is not None

    def serve(self) -> None:
        self.wait_for("Ctrl-C stops all of it")

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Send `how` to it and return its exit code."""
        self.process.send_signal(how)
        return self.process.wait(timeout=90)

    def main_process(self, part: str) -> psutil.Process:
        """The process of `part` that the supervisor started."""
        found = leftovers.of_instance(self.instance, (part,))
        pids = {process.pid for process in found}
        return next(process for process in found if process.ppid() not in pids)

    def processes(self) -> list[psutil.Process]:
        return leftovers.of_instance(self.instance)

    def post(self, event_id: str) -> int:
        """Post one event and return the status; 0 where nobody answers."""
        event = {
            "id": event_id,
            "occurred_at": datetime.now(UTC).isoformat(),
            "workload": "support-chat",
            "primary": "premium-chat",
            "fallback": "baseline-chat",
            "status": 503,
            "reason": "overloaded",
        }
        headers = {"Authorization": f"Bearer {self.told['api_key']}", "Content-Type": "application/json"}
        return ask(self.port, "POST", "/api/v1/events", json.dumps(event), headers)

    def acknowledged(self, seconds: float = 15) -> str:
        """Post events until one is acknowledged; return its id."""
        given = uuid.uuid4().hex
        until(lambda: self.post(given) == 202, seconds, lambda: self.output)
        return given

    def stored(self, *ids: str) -> None:
        """Wait until the events are rows, each once."""
        # A worker that was killed while it drained keeps its lane until the lease of that runs out.
        until(lambda: self.count(ids) == len(ids), 60, lambda: self.output)

    def count(self, ids: tuple[str, ...]) -> int:
        values = dict(line.split("=", 1) for line in (self.home / "var" / "local.env").read_text().splitlines())
        try:
            with psycopg.connect(values["DATABASE_URL"]) as connection:
                found = connection.execute("SELECT count(*) FROM event WHERE id = ANY(%s)", [list(ids)]).fetchone()
        except psycopg.OperationalError:
            return -1
        assert found is not None
        return int(found[0])


def ask(port: int, method: str, path: str, body: str | None = None, headers: dict[str, str] | None = None) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, body, headers or {})
        with connection.getresponse() as answer:
            return answer.status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def until(holds: Callable[[], bool], seconds: float, explain: Callable[[], str] = str) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s\n{explain()}")
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def launch(
    home: Path, port: int | None = None, user: str | None = None, python: str = sys.executable, **more: str
) -> Run:
    """Start the product with its var/ in `home`."""
    port = port or free_port()
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    process = subprocess.Popen(
        [python, "-m", "fallbacks.local.run"],
        cwd=PROJECT,
        env=kept | {"FALLBACKS_HOME": str(home), "PORT": str(port), "DEMO": "0"} | more,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
        user=user,
        group=None if user is None else pwd.getpwnam(user).pw_gid,
        extra_groups=None if user is None else [],
    )
    run = Run(home, port, process)
    run.listener = threading.Thread(target=run.listen, daemon=True)
    run.listener.start()
    return run


@contextlib.contextmanager
def running(home: Path, **given: Any) -> Iterator[Run]:
    """The product, serving; nothing of it is left afterwards, whatever the test did."""
    run = launch(home, **given)
    try:
        run.serve()
        yield run
    finally:
        clean(run)


def clean(run: Run) -> None:
    if not run.ended():
        with contextlib.suppress(subprocess.TimeoutExpired):
            run.stop()
    if (run.home / "var" / "instance").exists():
        leftovers.stop_all(run.instance)
    if not run.ended():
        run.process.kill()
        run.process.wait()
    assert run.listener is not None
    run.listener.join(timeout=10)


def refusal(home: Path, **given: Any) -> str:
    """Start a product that is to refuse; return what it said."""
    run = launch(home, **given)
    try:
        code = run.process.wait(timeout=60)
    except subprocess.TimeoutExpired:
        clean(run)
        raise
    assert run.listener is not None
    run.listener.join(timeout=10)
    assert code == 1, run.output
    return run.output.strip()
