"""The product under test: its own servers and processes, in a folder, on sockets and a port of its own.

Each process is started here and started again when it dies, shortly after. What is killed is killed for good:
a keeper does nothing but look and start.
"""

import contextlib
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import psutil
import psycopg
import redis

from chaos import asking
from chaos.outages import FOREVER, Outages
from fallbacks.local import application, leftovers, places, postgres, redis_servers
from fallbacks.local import servers as embedded
from fallbacks.local.environment import PROJECT
from fallbacks.local.parts import Part

HOST = "127.0.0.1"
PREFIX = "fo-chaos-"
KIND = "chaos-"
FORGOTTEN_AFTER = 600  # seconds
SHARDS = 8
WORKERS = 2
# Together 8 processes that drain.
CONCURRENCY = 4
STREAM_DISK = "192m"
STREAM_MEMORY = "512mb"
SERVERS = ("postgres", "redis-stream", "redis-broker")


@dataclass
class Member:
    """One process that is kept running."""

    part: Part
    process: subprocess.Popen[bytes] | None = None
    wanted: bool = False
    not_before: float = 0.0
    environment: dict[str, str] = field(default_factory=dict)

    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def family(self) -> list[psutil.Process]:
        """Return its processes, the first of them first."""
        try:
            main = psutil.Process(self.process.pid) if self.process and self.is_running() else None
            return [main, *main.children(recursive=True)] if main else []
        except psutil.Error:
            return []


class Cluster:
    """The running product. Names of members: those of the servers, web, worker-1.., crasher and beat."""

    def __init__(self, home: Path, mutant: str | None) -> None:
        home.chmod(0o755)  # open to the user that PostgreSQL runs as: its data then lies in it
        self.home = home
        self.where = places.prepare(home, KIND)
        self.small_disk = mount_small_disk(self.where.var / "redis-stream")
        os.environ["STREAM_MAXMEMORY"] = STREAM_MEMORY
        self.servers = embedded.prepare(self.where, {})
        self.port = free_port()
        self.mutant = mutant
        self.outages = Outages()
        self.environment = self.own_environment()
        self.members = {member.part.name: member for member in self.make_members()}
        self.ending = threading.Event()
        # The kernel ends a part with the thread that started it: one thread starts them all, and lives as long.
        self.keeper = threading.Thread(target=self.keep, name="keeper", daemon=True)

    # --- What it is made of --------------------------------------------------------------------------
    def own_environment(self) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
        (self.home / "static").mkdir()
        own = {
            "DJANGO_SETTINGS_MODULE": "fallbacks.settings",
            "PYTHONUNBUFFERED": "1",
            "SECRET_KEY": secrets.token_urlsafe(48),
            "ALLOWED_HOSTS": HOST,
            "HTTPS": "0",
            "STREAM_SHARDS": str(SHARDS),
            "STATIC_ROOT": str(self.home / "static"),
            "FALLBACKS_HOME": str(self.home),
            "FALLBACKS_INSTANCE": self.where.instance,
        }
        return kept | own | ({"CHAOS_MUTANT": self.mutant} if self.mutant else {}) | self.servers.environment

    def make_members(self) -> Iterator[Member]:
        for part in self.servers.parts():
            yield Member(part)
        planted = {"fallbacks.celery": "chaos.planted:app", "fallbacks.wsgi:application": "chaos.planted:application"}
        found = {part.name: part for part in application.parts(self.where, HOST, self.port)}
        if self.mutant:
            found = {name: changed(part, planted) for name, part in found.items()}
        yield Member(found["web"])
        for name in [*(f"worker-{n + 1}" for n in range(WORKERS)), "crasher"]:
            own = changed(found["worker"], {"worker@local": f"{name}@chaos"})
            yield Member(replace(own, name=name, command=with_concurrency(own.command, CONCURRENCY)))
        yield Member(found["beat"])

    @property
    def superuser_url(self) -> str:
        """The database as PostgreSQL's superuser, for faults that the product's own role may not make."""
        cluster = self.servers.embedded["postgres"]
        assert isinstance(cluster, postgres.Cluster)
        return cluster.url("postgres")

    def redis(self, name: str) -> redis.Redis:
        """Return a client of one of the two Redis."""
        server = self.servers.embedded[name]
        assert isinstance(server, redis_servers.RedisServer)
        return redis.Redis(unix_socket_path=str(server.socket), socket_timeout=3)

    def log(self, name: str) -> Path:
        return self.where.log / f"{name}.log"

    # --- Starting, and starting again ----------------------------------------------------------------
    def start(self) -> str:
        """Start everything but the workers and beat, and return a key that may send."""
        self.keeper.start()
        self.want(*SERVERS)
        until(lambda: not self.servers.missing(), 60, "the servers did not start")
        self.manage("migrate", "-v0")
        key = self.manage("create_key", "chaos", "--scope", "events:write", "--scope", "traffic:write").strip()
        self.want("web")
        until(self.answers, 60, f"web did not start: {self.tail('web')}")
        return key

    def start_workers(self) -> None:
        """Start the workers and beat."""
        self.want(*(name for name in self.members if name.startswith("worker-")), "beat")

    def want(self, *names: str) -> None:
        for name in names:
            self.members[name].wanted = True

    def keep(self) -> None:
        while not self.ending.wait(0.03):
            for member in self.members.values():
                if member.wanted and not member.is_running() and time.monotonic() >= member.not_before:
                    self.spawn(member)

    def spawn(self, member: Member) -> None:
        marks = {"FALLBACKS_PART": member.part.name} | member.part.environment | member.environment
        with self.log(member.part.name).open("ab") as log:
            member.process = subprocess.Popen(
                member.part.launch(sys.executable),
                cwd=PROJECT,
                env=self.environment | marks,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C is the harness's: it ends them when it has finished with them.
                start_new_session=True,
            )
        # One that falls over at once is not tried without a pause.
        member.not_before = time.monotonic() + 0.5

    def kill(self, name: str, down_for: float = 0.3, how: signal.Signals = signal.SIGKILL) -> list[psutil.Process]:
        """Kill a member's first process, let it be started again after `down_for` seconds, and return its children."""
        member = self.members[name]
        children = member.family()[1:]
        member.not_before = FOREVER
        process = member.process
        if process is not None:
            if name == "web":
                self.outages.begin()
            process.send_signal(how)
            process.wait(timeout=60)
        member.not_before = time.monotonic() + down_for
        return children

    def kill_child(self, name: str, chance: random.Random) -> bool:
        """Kill one of a member's children; False where it has none just now."""
        children = self.members[name].family()[1:]
        if not children:
            return False
        if name == "web":
            self.outages.blink()
        with contextlib.suppress(psutil.Error):
            chance.choice(children).kill()
        return True

    def drop(self, name: str) -> None:
        """Kill a member with its children and leave it down."""
        member = self.members[name]
        member.wanted = False
        for process in member.family():
            with contextlib.suppress(psutil.Error):
                process.kill()
        if member.process is not None:
            member.process.wait(timeout=20)

    # --- Asking it -----------------------------------------------------------------------------------
    def answers(self) -> bool:
        """Return whether web answers."""
        return asking.ask(self.port, "GET", "/healthz", timeout=2).status == 200

    def manage(self, *words: str, check: bool = True) -> str:
        """Run a command of manage.py beside it, and return what it printed."""
        done = subprocess.run(
            [sys.executable, str(PROJECT / "manage.py"), *words],
            cwd=PROJECT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        if check and done.returncode:
            raise RuntimeError(f"manage.py {words[0]} failed: {done.stdout[-1000:]}{done.stderr[-2000:]}")
        return done.stdout + ("" if check else done.stderr)

    @contextlib.contextmanager
    def database(self) -> Iterator[psycopg.Connection]:
        """A connection as superuser that may write even where the default is not to."""
        options = "-c default_transaction_read_only=off -c statement_timeout=120000"
        with psycopg.connect(
            self.superuser_url, autocommit=True, connect_timeout=3, options=options, application_name="chaos"
        ) as connection:
            yield connection

    def tail(self, name: str) -> str:
        log = self.log(name)
        return log.read_text(errors="replace")[-1500:] if log.exists() else ""

    # --- The end -------------------------------------------------------------------------------------
    def stop(self) -> None:
        """End every process of it, PostgreSQL in its quickest clean way, and remove its data."""
        self.ending.set()
        if self.keeper.ident:
            self.keeper.join(timeout=10)
        for member in self.members.values():
            member.wanted = False
        others = tuple(name for name in self.members if name != "postgres")
        leftovers.end(lambda: leftovers.of_instance(self.where.instance, others), signal.SIGKILL, 10)
        leftovers.end(lambda: leftovers.of_instance(self.where.instance, ("postgres",)), signal.SIGQUIT, 20)
        remove(self.home)
        self.where.leave()


@contextlib.contextmanager
def running(mutant: str | None = None) -> Iterator[Cluster]:
    """A cluster in a folder of its own; nothing of it is left at the end."""
    remove_forgotten()
    home = Path(tempfile.mkdtemp(prefix=PREFIX, dir="/tmp"))
    try:
        cluster = Cluster(home, mutant)
    except BaseException:
        remove(home)
        raise
    try:
        yield cluster
    finally:
        cluster.stop()


def changed(part: Part, words: dict[str, str]) -> Part:
    """Return the part with words of its command replaced."""
    return replace(part, command=tuple(words.get(word, word) for word in part.command))


def with_concurrency(command: tuple[str, ...], number: int) -> tuple[str, ...]:
    at = command.index("--concurrency") + 1
    return (*command[:at], str(number), *command[at + 1 :])


def mount_small_disk(folder: Path) -> bool:
    """Put the stream's data on a small disk in memory, which can be filled. False where only its owner could."""
    if os.getuid() != 0 or not sys.platform.startswith("linux"):
        return False
    folder.mkdir(mode=0o700)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={STREAM_DISK},mode=700", "tmpfs", str(folder)]
    return shutil.which("mount") is not None and subprocess.run(mount, capture_output=True).returncode == 0


def remove(home: Path) -> None:
    """Remove a cluster's folder, and the disk in it."""
    disk = home / "var" / "redis-stream"
    if disk.is_mount():
        subprocess.run(["umount", "-l", str(disk)], capture_output=True)
    shutil.rmtree(home, ignore_errors=True)


def remove_forgotten() -> None:
    """Remove what runs that were killed themselves have left."""
    for home in Path("/tmp").glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            old = time.time() - home.stat().st_mtime > FORGOTTEN_AFTER and home.stat().st_uid == os.getuid()
            instance = home / "var" / "instance"
            if old and not (instance.exists() and leftovers.of_instance(instance.read_text().strip())):
                remove(home)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def until(holds: Callable[[], bool], seconds: float, otherwise: str) -> None:
    """Wait until something holds. Raises RuntimeError with the words of `otherwise`."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{otherwise} (within {seconds:.0f} s)")
        time.sleep(0.05)
