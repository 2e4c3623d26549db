"""The faults, each a function that makes it, lets it last, and takes it back. Names are the lines of the table."""

import contextlib
import importlib.util
import os
import random
import re
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import redis

from chaos import parcels, poison
from chaos.cluster import SERVERS, STREAM_MEMORY
from chaos.outages import FOREVER
from chaos.parcels import Item
from chaos.poison import Template
from chaos.scene import Scene, wait

Make = Callable[[Scene], None]
FAULTS: dict[str, Make] = {}
# How often each comes while all come once, where that is not once.
OFTEN = {
    "worker killed": 3,
    "worker at a crash point": 3,  # once for each point
    "group destroyed": 2,
    "connections cut": 2,
    "poison": 2,
    "two drains of one shard": 2,
}
# Longer than a lease, so that another worker takes the entries over; sometimes longer than PostgreSQL waits as well.
PAUSES = (9.0, 11.0, 17.0)
WEB_BACK_WITHIN = 30.0
# Events are seen within this while beat stands still.
SEEN_WITHIN = 5.0
CRASH_POINTS = ("before-commit", "after-commit", "after-acknowledge")
# Two seconds of which the worker takes to start.
CRASHING_FOR = 7.0


class NotRun(Exception):
    """A fault that cannot be made here, with the reason."""


def fault(name: str) -> Callable[[Make], Make]:
    def register(make: Make) -> Make:
        FAULTS[name] = make
        return make

    return register


def deck(chance: random.Random, names: tuple[str, ...] = ()) -> list[str]:
    """Return the faults of one round, shuffled: those named, or all."""
    cards = [name for name in names or FAULTS for _ in range(1 if names else OFTEN.get(name, 1))]
    chance.shuffle(cards)
    return cards


def some_worker(scene: Scene) -> str:
    return scene.chance.choice([name for name in scene.cluster.members if name.startswith("worker-")])


# --- The product's own processes ---------------------------------------------------------------------
@fault("web killed")
def kill_web(scene: Scene) -> None:
    if scene.chance.random() < 0.4 and scene.cluster.kill_child("web", scene.chance):
        return
    began = time.monotonic()
    orphans = scene.cluster.kill("web", down_for=scene.chance.uniform(0.1, 1.0))
    # They go on answering until the next web server, before it starts, ends them.
    wait(lambda: not any(orphan.is_running() for orphan in orphans), WEB_BACK_WITHIN)
    if wait(scene.cluster.answers, WEB_BACK_WITHIN):
        scene.cluster.outages.end()
    else:
        scene.findings.add("recovery", f"web did not come back: {scene.cluster.tail('web')[-300:]}")
    scene.findings.row("web killed").recoveries.append(time.monotonic() - began)


@fault("worker killed")
def kill_worker(scene: Scene) -> None:
    name = some_worker(scene)
    if scene.chance.random() < 0.3 or not scene.cluster.kill_child(name, scene.chance):
        scene.cluster.kill(name, down_for=scene.chance.uniform(0.1, 2.0))


@fault("beat killed")
def kill_beat(scene: Scene) -> None:
    scene.cluster.kill("beat", down_for=scene.chance.uniform(0.1, 2.0))


@fault("worker at a crash point")
def crash(scene: Scene) -> None:
    """An extra worker dies at one point again and again; its leases are taken away so that others need not wait."""
    if importlib.util.find_spec("ingest.crashpoints") is None:
        raise NotRun("the product has no crash points")
    crashes = scene.findings.row("worker at a crash point")
    point = CRASH_POINTS[crashes.made % len(CRASH_POINTS)]
    member = scene.cluster.members["crasher"]
    member.environment = {"FALLBACKS_CRASH_POINTS": f"{point}=0.6"}
    before = deaths(scene)
    scene.cluster.want("crasher")
    deadline = time.monotonic() + CRASHING_FOR
    while time.monotonic() < deadline:
        with contextlib.suppress(redis.RedisError):
            take_leases(scene)
        time.sleep(0.15)
    scene.cluster.drop("crasher")
    told = dict(re.findall(r"([\w-]+) (\d+)", crashes.note))
    told[point] = str(int(told.get(point, 0)) + deaths(scene) - before)
    crashes.note = "died: " + ", ".join(f"{name} {count}" for name, count in told.items())


def deaths(scene: Scene) -> int:
    """Return how many processes of the crashing worker its log says have died."""
    log = scene.cluster.log("crasher")
    return log.read_text(errors="replace").count("exited with 'signal 9") if log.exists() else 0


@fault("worker paused")
def pause_worker(scene: Scene) -> None:
    stop_for(some_worker(scene), scene, scene.chance.choice(PAUSES))


@fault("beat paused")
def pause_beat(scene: Scene) -> None:
    """While beat stands still, and nothing else is wrong, events are seen quickly all the same."""
    seconds = 600.0 if scene.soak and "beat paused" not in scene.judged else 12.0
    go_on = suspend(scene.cluster.members["beat"].family())
    deadline = time.monotonic() + seconds
    try:
        # Leases of workers that died before run out first.
        time.sleep(10)
        while True:
            if scene.recover("beat paused", SEEN_WITHIN, every=True) > SEEN_WITHIN or time.monotonic() > deadline:
                break
            time.sleep(2)
    finally:
        go_on()
        scene.judged.add("beat paused")


def stop_for(name: str, scene: Scene, seconds: float) -> None:
    """Stop the children of a worker in what they do, and let them go on later."""
    scene.later(seconds, suspend(scene.cluster.members[name].family()[1:]))


def suspend(processes: list[psutil.Process]) -> Callable[[], None]:
    """Stop processes, and return what lets them go on."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.suspend()

    def resume() -> None:
        for process in processes:
            with contextlib.suppress(psutil.Error):
                process.resume()

    return resume


# --- The stream and the broker -----------------------------------------------------------------------
@fault("stream killed")
def kill_stream(scene: Scene) -> None:
    scene.cluster.kill("redis-stream", down_for=scene.chance.uniform(0.5, 3.0))
    hold_down(scene, "stream killed", "redis-stream", "stream")
    scene.recover("stream killed")


@fault("stream's memory exhausted")
def exhaust_memory(scene: Scene) -> None:
    name = "stream's memory exhausted"
    with memory(scene, "1mb"):
        scene.hold(name, scene.chance.uniform(1.5, 3.0), "stream")
    scene.recover(name)


@fault("stream filled while nobody drains")
def fill_stream(scene: Scene) -> None:
    """The limit stays low while it recovers: what is full must be emptied by itself."""
    name = "stream filled while nobody drains"
    with scene.streams() as (client, _):
        used = int(client.info("memory")["used_memory"])
    resume = [suspend(scene.cluster.members[worker].family()[1:]) for worker in ("worker-1", "worker-2")]
    with memory(scene, str(used * 3)):
        deadline, seen = time.monotonic() + 5, scene.findings.row(name).answers["503"]
        while time.monotonic() < deadline and scene.findings.row(name).answers["503"] < seen + 3:
            scene.sender.send(parcels.batch([item for _ in range(40) for item in scene.fresh()], scene.chance))
        for go_on in resume:
            go_on()
        scene.recover(name)


@contextlib.contextmanager
def memory(scene: Scene, limit: str) -> Iterator[None]:
    """Let the stream's Redis hold no more than `limit`."""
    with scene.cluster.redis("redis-stream") as client:
        client.config_set("maxmemory", limit)
        try:
            yield
        finally:
            client.config_set("maxmemory", STREAM_MEMORY)


@fault("stream's disk full")
def fill_disk(scene: Scene) -> None:
    name = "stream's disk full"
    folder = scene.cluster.where.var / "redis-stream"
    if not scene.cluster.small_disk:
        raise NotRun("only root can mount a small disk")
    filler = folder / "filler"
    try:
        fill_up(filler)
        # A Redis that ends in the midst of shortening its log clears away as it starts, and has room again.
        scene.hold(name, scene.chance.uniform(2.0, 4.0), "stream", meanwhile=lambda: fill_up(filler))
    finally:
        filler.unlink()
    wait(lambda: "redis-stream" not in scene.cluster.servers.missing(), 20)
    scene.recover(name)


def fill_up(filler: Path) -> None:
    """Let a file grow until its disk is full to the last byte."""
    with filler.open("ab", buffering=0) as out, contextlib.suppress(OSError):
        free = os.statvfs(filler.parent)
        if free.f_bavail > 1:
            os.posix_fallocate(out.fileno(), out.tell(), (free.f_bavail - 1) * free.f_bsize)
            out.seek(0, os.SEEK_END)
        while True:
            out.write(b"\0" * 4096)


@fault("group destroyed")
def destroy_group(scene: Scene) -> None:
    with scene.streams() as (client, names):
        for name in names:
            for group in client.xinfo_groups(name):
                client.xgroup_destroy(name, group["name"])
    scene.recover("group destroyed")


@fault("broker flushed")
def flush_broker(scene: Scene) -> None:
    with scene.cluster.redis("redis-broker") as client:
        client.flushall()
    scene.recover("broker flushed")


@fault("broker killed")
def kill_broker(scene: Scene) -> None:
    scene.cluster.kill("redis-broker", down_for=scene.chance.uniform(0.5, 3.0))
    hold_down(scene, "broker killed", "redis-broker", "broker")
    # Its clients wait longer from try to try: 10 s hold for the stream and the database.
    scene.recover("broker killed", 30.0)


def hold_down(scene: Scene, name: str, server: str, part: str) -> None:
    """Wait until a server that was killed answers again; down for longer where /readyz is to show it."""
    member = scene.cluster.members[server]
    if scene.thorough and name not in scene.judged:
        member.not_before = FOREVER
        scene.hold(name, 3.0, part)
        member.not_before = 0.0
    else:
        scene.hold(name, max(0.1, member.not_before - time.monotonic()), part)
    wait(lambda: server not in scene.cluster.servers.missing(), 60)


# --- PostgreSQL --------------------------------------------------------------------------------------
@fault("database restarted at once")
def restart_database(scene: Scene) -> None:
    """As `pg_ctl -m immediate restart`: SIGQUIT, no checkpoint, recovery from the log at the start."""
    name = "database restarted at once"
    scene.cluster.kill("postgres", down_for=scene.chance.uniform(0.1, 2.5), how=signal.SIGQUIT)
    hold_down(scene, name, "postgres", "database")
    scene.recover(name)


@fault("database read-only")
def read_only(scene: Scene) -> None:
    name = "database read-only"
    with scene.cluster.database() as connection:
        connection.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        connection.execute("SELECT pg_reload_conf()")
        try:
            scene.hold(name, scene.chance.uniform(1.5, 4.0), "database")
        finally:
            connection.execute("ALTER SYSTEM RESET default_transaction_read_only")
            connection.execute("SELECT pg_reload_conf()")
    scene.recover(name)


@fault("connections cut")
def cut_connections(scene: Scene) -> None:
    """All of the product's, many times in a row: some in the middle of every transaction."""
    deadline = time.monotonic() + scene.chance.uniform(1.0, 3.0)
    with scene.cluster.database() as connection:
        while time.monotonic() < deadline:
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'fallbacks'")
            time.sleep(scene.chance.uniform(0.005, 0.12))
    scene.recover("connections cut")


# --- What is in the stream, and who takes it ---------------------------------------------------------
@fault("poison")
def add_poison(scene: Scene) -> None:
    """One of every kind, each among good events, which are as good as acknowledged once the entry is there."""
    for make in poison.KINDS.values():
        template = scene.chance.choice(scene.templates)
        mark = f"poison-{secrets.token_hex(6)}"
        item, *good = (like(template, scene) for _ in range(5))
        bad = make(template, item, mark)
        mixed = poison.among(template, good, bad)
        beside = good if mixed is not bad else []
        scene.sender.ledger.send({one.key: one.outcome for one in beside})
        if bad.mark:
            scene.poisoned[bad.mark] = False
        try:
            with scene.cluster.redis("redis-stream") as client:
                place = client.xadd(template.stream, mixed.fields)
        except redis.RedisError:
            continue
        scene.poisoned[bad.mark or f"{template.stream}/{place.decode()}".encode()] = True
        scene.sender.ledger.acknowledge([one.key for one in beside], [])


def like(template: Template, scene: Scene) -> Item:
    return scene.maker.event(scene.maker.moment(), template.item.key.workload, template.item.outcome)


@fault("two drains of one shard")
def share_shards(scene: Scene) -> None:
    """Leases and bells vanish for seconds, while many workers are sent the same events in opposite orders."""
    items = [item for _ in range(25) for item in scene.fresh()]
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        for ordered in (items, items[::-1]):
            scene.sender.send(parcels.batch(ordered, scene.chance))
            with contextlib.suppress(redis.RedisError):
                take_leases(scene)
        items += scene.fresh()
    scene.recover("two drains of one shard")


@fault("same cells in opposite orders")
def cross_shards(scene: Scene) -> None:
    """The same events in every shard, in another order in each: all workers are at the same rows and cells at once."""
    homes = {template.item.key.workload: template for template in scene.templates}
    if not homes:
        raise NotRun("no entry was found to copy")
    for _ in range(6):
        items = [like(template, scene) for template in homes.values() for _ in range(10)]
        scene.sender.ledger.send({item.key: item.outcome for item in items})
        with scene.streams() as (client, names), client.pipeline(transaction=True) as pipeline:
            for name in names:
                for _ in range(3):
                    scene.chance.shuffle(items)
                    rows = [homes[item.key.workload].row(item) for item in items]
                    pipeline.xadd(name, {poison.FIELD: scene.templates[0].holding(rows)})
            pipeline.execute()
        scene.sender.ledger.acknowledge([item.key for item in items], [])
        time.sleep(0.3)
    scene.recover("same cells in opposite orders")


def take_leases(scene: Scene) -> None:
    with scene.cluster.redis("redis-stream") as client:
        names = [*client.scan_iter("lease:*"), *client.scan_iter("bell:*")]
        if names:
            client.delete(*names)


def make(scene: Scene, name: str) -> None:
    """Make one fault, and count it. What it stumbles over itself, such as a server that is still down, is said."""
    scene.sender.fault = name
    try:
        FAULTS[name](scene)
        scene.findings.row(name).made += 1
    except NotRun as reason:
        scene.findings.left_out(f"{name}: {reason}")
    except (redis.RedisError, psycopg.Error) as error:
        scene.findings.left_out(f"{name}, once: {type(error).__name__}: {' '.join(str(error).split())[:120]}")
    finally:
        wait(lambda: not set(scene.cluster.servers.missing()) & set(SERVERS), 30)
