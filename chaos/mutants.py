"""Seeded bugs, planted into the product's processes as they start. No line of the product knows of them.

Each must turn a run red, or the run proves nothing. Each says `mutant NAME bit` in its process's log when it
first did what it does; a run in which it never did proves nothing either, and says so.
"""

import re
import sys
from collections.abc import Callable
from typing import Any

Plant = Callable[[], None]
MUTANTS: dict[str, Plant] = {}
# The faults that bring each to light, in place of all of them.
MIXES: dict[str, tuple[str, ...]] = {}
_said: set[str] = set()


def mutant(name: str, *mix: str) -> Callable[[Plant], Plant]:
    def register(plant: Plant) -> Plant:
        MUTANTS[name], MIXES[name] = plant, mix
        return plant

    return register


def bit(name: str) -> None:
    """Say, once a process, that the bug did what it does."""
    if name not in _said:
        _said.add(name)
        print(f"mutant {name} bit", file=sys.stderr, flush=True)


def replace_everywhere(old: Any, new: Any) -> None:
    """Put `new` in the place of `old` in every module of the product that has it by name."""
    for module in [module for name, module in sys.modules.items() if name.split(".")[0] in ("fallbacks", "ingest")]:
        for name, value in list(vars(module).items()):
            if value is old:
                setattr(module, name, new)


def rewrite_sql(change: Callable[[str], str]) -> None:
    """Let every statement of the product through `change` first."""
    from django.db.backends.utils import CursorWrapper

    execute = CursorWrapper.execute

    def changed(self: Any, sql: Any, params: Any = None) -> Any:
        return execute(self, change(sql) if isinstance(sql, str) else sql, params)

    CursorWrapper.execute = changed  # type: ignore[method-assign]


# --- Those that QUALITY asks for ---------------------------------------------------------------------
@mutant("acknowledge-before-commit", "connections cut", "database restarted at once", "worker killed")
def acknowledge_before_commit() -> None:
    from ingest import buffer

    take = buffer.take

    def taken(shard: int, *rest: Any, **named: Any) -> Any:
        if entries := take(shard, *rest, **named):
            bit("acknowledge-before-commit")
            buffer.finish(shard, entries)
        return entries

    buffer.take = taken


@mutant("rollup-in-its-own-transaction", "connections cut", "connections cut", "worker killed", "group destroyed")
def rollup_in_its_own_transaction() -> None:
    """What was inserted is committed before the rollups are increased."""
    from django.db import connection

    def change(sql: str) -> str:
        if "INSERT INTO rollup_minute" in sql:
            bit("rollup-in-its-own-transaction")
            with connection.wrap_database_errors, connection.connection.cursor() as cursor:
                connection.connection.commit()
                # What Django will release or roll back to has gone with the commit.
                for name in filter(None, connection.savepoint_ids):
                    cursor.execute(f"SAVEPOINT {connection.ops.quote_name(name)}")
        return sql

    rewrite_sql(change)


@mutant("group-at-end", "group destroyed")
def group_at_end() -> None:
    """A group that is made anew is given only what comes later, and nobody looks for what it was not given."""
    import redis

    from ingest import buffer

    # The product's second line: it would find by this what no group is given any more.
    if hasattr(buffer, "left_behind"):
        buffer.left_behind = lambda *_: []
    create = redis.Redis.xgroup_create

    def at_end(self: Any, name: Any, groupname: Any, id: Any = "$", *rest: Any, **named: Any) -> Any:
        bit("group-at-end")
        return create(self, name, groupname, "$", *rest, **named)

    redis.Redis.xgroup_create = at_end  # type: ignore[method-assign]


@mutant("seen-key-before-write", "connections cut", "database restarted at once", "database read-only")
def seen_key_before_write() -> None:
    """The drain asks Redis whether it has seen an event, and marks it as seen, before it is written."""
    from fallbacks import recording
    from ingest import buffer

    insert = recording.insert

    def unseen(row: Any) -> bool:
        bit("seen-key-before-write")
        return bool(buffer.connection().sadd("seen", f"{row.workload} {row.id}"))

    def first_time(events: Any, *rest: Any, **named: Any) -> Any:
        return insert([row for row in events if unseen(row)], *rest, **named)

    replace_everywhere(insert, first_time)


@mutant("unsorted-upserts", "same cells in opposite orders")
def unsorted_upserts() -> None:
    """Rows and cells are written in any order, another one each time."""

    def change(sql: str) -> str:
        if "ON CONFLICT" not in sql or "SELECT DISTINCT" in sql:
            return sql
        shuffled = re.sub(r"ORDER BY [^()]*?(?=\s*ON CONFLICT)", "ORDER BY random()", sql)
        if shuffled != sql:
            bit("unsorted-upserts")
        return shuffled

    rewrite_sql(change)


# --- More of our own ---------------------------------------------------------------------------------
@mutant("seen-key-at-the-door", "stream killed", "stream's memory exhausted")
def seen_key_at_the_door() -> None:
    """Web marks an event as seen before it is on disk, and takes what it has seen for a duplicate."""
    from ingest import buffer

    append = buffer.append
    seen: set[tuple[str, str]] = set()

    def first_time(*given: Any, **named: Any) -> Any:
        bit("seen-key-at-the-door")
        new = [row for row in named.get("events", ()) if (row.workload, row.id) not in seen]
        seen.update((row.workload, row.id) for row in new)
        return append(*given, **named | {"events": new})

    buffer.append = first_time


@mutant("202-before-disk", "stream killed", "stream's memory exhausted")
def answered_before_disk() -> None:
    """Web says 202 though the stream took nothing."""
    from ingest import buffer

    append = buffer.append

    def hopeful(*given: Any, **named: Any) -> Any:
        try:
            return append(*given, **named)
        except buffer.Full:
            bit("202-before-disk")
            return []

    buffer.append = hopeful


@mutant("500-when-full", "stream killed", "stream's memory exhausted")
def unforeseen_error() -> None:
    """Nobody foresaw that the stream may be away."""
    from ingest import buffer

    append = buffer.append

    def surprised(*given: Any, **named: Any) -> Any:
        try:
            return append(*given, **named)
        except buffer.Full as error:
            bit("500-when-full")
            raise RuntimeError("nobody foresaw this") from error

    buffer.append = surprised


@mutant("trimmed-stream", "database restarted at once", "database read-only")
def trimmed_stream() -> None:
    """The stream is kept short, whether its entries are recorded or not."""
    from ingest import buffer

    append = buffer.append

    def trimmed(*given: Any, **named: Any) -> Any:
        answer = append(*given, **named)
        for shard in buffer.shards():
            if buffer.connection().xtrim(buffer.stream(shard), maxlen=5, approximate=False):
                bit("trimmed-stream")
        return answer

    buffer.append = trimmed


@mutant("consumer-a-process", "worker killed")
def consumer_a_process() -> None:
    """Each process is a consumer of its own: what a dead one was given, nobody gets."""
    import os

    import redis

    read = redis.Redis.xreadgroup

    def own(self: Any, groupname: Any, consumername: Any, *rest: Any, **named: Any) -> Any:
        bit("consumer-a-process")
        return read(self, groupname, f"{consumername}-{os.getpid()}", *rest, **named)

    redis.Redis.xreadgroup = own  # type: ignore[method-assign]


@mutant("counted-as-sent", "worker killed")
def counted_as_sent() -> None:
    """Rollups are increased by what was handed over, duplicates too."""
    from fallbacks import recording

    insert = recording.insert_events

    def all_of_them(cursor: Any, ids: Any, events: Any) -> Any:
        if len(insert(cursor, ids, events)) < len(events):
            bit("counted-as-sent")
        return recording.assessed(recording.sorted_once(ids, events)).values()

    recording.insert_events = all_of_them


@mutant("poison-dropped", "poison")
def poison_dropped() -> None:
    """What cannot be recorded is thrown away."""
    from ingest import drain

    def drop(*_: Any, **__: Any) -> None:
        bit("poison-dropped")

    replace_everywhere(drain.keep_aside, drop)


@mutant("poison-blocks", "poison")
def poison_blocks() -> None:
    """What the database refuses is tried again for ever."""
    from ingest import drain

    replace_everywhere(vars(drain)["REFUSED"], ())
    bit("poison-blocks")


def plant(name: str) -> None:
    """Plant a bug into this process. Raises where the product has changed so that it does not fit any more."""
    import django

    django.setup()
    from ingest import receiving  # noqa: F401 - what it names is replaced, too

    MUTANTS[name]()
