"""One run of the whole product: servers, database, web, worker, beat and the demo, from start to stop."""

import contextlib
import http.client
import json
import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fallbacks.local import application, banner, environment, leftovers, places, servers
from fallbacks.local.environment import PROJECT
from fallbacks.local.parts import Part
from fallbacks.local.places import Places
from fallbacks.local.problem import Problem
from fallbacks.local.servers import Servers
from fallbacks.local.supervision import Supervisor

HOST = "127.0.0.1"
ROUND = 0.05  # seconds between looks at what is waited for
PATIENCE = 15.0  # seconds of silence before it is said what is waited for
# A part that fell over this often while it was waited for will not come up by waiting.
TOO_OFTEN = 3


@dataclass
class Product:
    """The product that lives in `where`, until `stop` is set."""

    where: Places
    port: int
    stop: threading.Event
    say: Callable[[str], None]

    @property
    def address(self) -> str:
        return f"http://{HOST}:{self.port}"

    def run(self) -> None:
        """Start everything, keep it running until told to stop, stop everything."""
        found = servers.prepare(self.where, os.environ)
        values = self.values(found)
        environment.save({name: value for name, value in values.items() if name != "FALLBACKS_INSTANCE"})
        with self.supervisor(own_environment() | values) as supervisor:
            self.start(supervisor, found)
            empty = self.bootstrap(supervisor)
            self.start_application(supervisor)
            if self.stop.is_set():
                return
            self.say(banner.text(self.where.var / "demo.json"))
            with self.demo(supervisor, wanted=os.environ.get("DEMO") != "0" and (empty or self.is_demo_cut())) as demo:
                self.keep(supervisor, found, demo)

    @contextlib.contextmanager
    def supervisor(self, values: dict[str, str]) -> Iterator[Supervisor]:
        """Give the supervisor of this run, and stop everything at the end, whatever that was."""
        supervisor = Supervisor(self.where, values, self.say)
        try:
            yield supervisor
        finally:
            self.say("\nStopping ...")
            supervisor.stop()
            self.where.leave()
            self.say("Stopped. The next `make run` finds the data again.")

    def values(self, found: Servers) -> dict[str, str]:
        """Return what the parts, and manage.py in another terminal, read."""
        return found.environment | {
            "SECRET_KEY": os.environ.get("SECRET_KEY")
            or places.kept(self.where.var / "secret_key", lambda: secrets.token_urlsafe(64)),
            "ALLOWED_HOSTS": os.environ.get("ALLOWED_HOSTS") or f"{HOST},localhost",
            "HTTPS": "0",
            "STATIC_ROOT": str(self.where.var / "static"),
            "AUDIT_HEAD_FILE": str(self.where.var / "audit-head.json"),
            "FALLBACKS_INSTANCE": self.where.instance,
        }

    def start(self, supervisor: Supervisor, found: Servers) -> None:
        """Start the servers that keep data, and wait until they answer."""
        supervisor.start(found.parts(), application.parts(self.where, HOST, self.port))
        self.wait(supervisor, found.missing)

    def start_application(self, supervisor: Supervisor) -> None:
        """Start web, worker and beat, and wait until web answers."""
        if not self.stop.is_set():
            supervisor.start_application()
            self.wait(supervisor, lambda: [] if answers(self.port) else ["web"])

    def wait(self, supervisor: Supervisor, missing: Callable[[], list[str]]) -> None:
        """Wait until nothing is missing; give up on a part that does not stay up."""
        deaths = supervisor.deaths.copy()
        since = time.monotonic()
        while not self.stop.is_set() and (names := missing()):
            name, log = names[0], supervisor.log_of(names[0])
            if not supervisor.is_running():
                raise Problem(f"The supervisor does not start: {supervisor.last_words('supervisor')}")
            if supervisor.deaths[name] - deaths[name] >= TOO_OFTEN:
                raise Problem(f"{name} does not start: {supervisor.last_words(name)} (its log: {log})")
            if time.monotonic() - since > PATIENCE:
                self.say(f"Waiting for {name}, which said: {supervisor.last_words(name)} (its log: {log})")
                since = time.monotonic()
            self.stop.wait(ROUND)

    def bootstrap(self, supervisor: Supervisor) -> bool:
        """Bring the database and static files up to date; return whether there were no events yet."""
        if self.stop.is_set():
            return False
        told = b""
        with self.command(supervisor, "bootstrap_local", "--address", self.address, out=subprocess.PIPE) as command:
            while command.returncode is None and not self.stop.is_set():
                with contextlib.suppress(subprocess.TimeoutExpired):
                    told, _ = command.communicate(timeout=ROUND)
        if self.stop.is_set():
            return False
        if command.returncode:
            raise Problem("The database could not be brought up to date: the lines above say why.")
        return bool(json.loads(told.splitlines()[-1])["empty"])

    @contextlib.contextmanager
    def demo(self, supervisor: Supervisor, wanted: bool) -> Iterator[subprocess.Popen[bytes] | None]:
        """Send the demo's data meanwhile, where it is wanted; its progress shows in the terminal."""
        if not wanted:
            yield None
            return
        with self.command(supervisor, "load_demo") as demo:
            yield demo

    def is_demo_cut(self) -> bool:
        """Return whether an earlier run was stopped while it sent the demo, which goes on where it was."""
        return (self.where.var / "demo-anchor").exists()

    @contextlib.contextmanager
    def command(self, supervisor: Supervisor, *words: str, out: int | None = None) -> Iterator[subprocess.Popen[bytes]]:
        """Run a command of manage.py, which is ended with the block."""
        manage = (sys.executable, str(PROJECT / "manage.py"), *words)
        process = subprocess.Popen(
            Part("command", manage).launch(sys.executable),
            cwd=PROJECT,
            env=supervisor.environment | {"FALLBACKS_PART": "command"},
            stdin=subprocess.DEVNULL,
            stdout=out,
            # Ctrl-C goes to `make run` alone, which ends everything in order.
            start_new_session=True,
        )
        try:
            yield process
        finally:
            end(process)

    def keep(self, supervisor: Supervisor, found: Servers, demo: subprocess.Popen[bytes] | None) -> None:
        """Keep the parts running until told to stop."""
        while not self.stop.wait(ROUND * 4):
            if demo is not None and demo.poll() is not None:
                self.say(
                    "The demo was cut short: the next start goes on." if demo.returncode else "The demo is loaded."
                )
                demo = None
            if supervisor.is_running():
                supervisor.try_again()
                continue
            self.say("The supervisor died: starting it and all parts again.")
            leftovers.stop_all(self.where.instance, spare=("command",))
            self.start(supervisor, found)
            self.start_application(supervisor)
            if not self.stop.is_set():
                self.say("All parts are up again.")


def own_environment() -> dict[str, str]:
    """Return this process's environment without what would lead the parts to other servers or settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "MAKE", "DJANGO_"))}
    return kept | {"DJANGO_SETTINGS_MODULE": "fallbacks.settings", "PYTHONUNBUFFERED": "1"}


def answers(port: int) -> bool:
    """Return whether the web server is there."""
    connection = http.client.HTTPConnection(HOST, port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        with connection.getresponse() as answer:
            return answer.status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def end(process: subprocess.Popen[bytes]) -> None:
    """End a command of manage.py: asked, then made to."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
