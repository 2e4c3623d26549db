"""The audit log: who changed a policy, a model, a route, a review, a key or a role, and on what evidence.

Each entry carries the hash of the one before it, so a change anywhere shows from there on. The database refuses to
change or delete an entry. What a database cannot see is that its newest entries are gone, or that somebody who may
INSERT put one at the end whose hash is right: so the head of the chain is also written to a file beside it,
AUDIT_HEAD_FILE, with the spans of entries that nobody who writes this file wrote.

An entry's hash is the SHA-256, in hexadecimal, of a JSON array without blanks, in UTF-8: number, time (RFC 3339 in UTC
with microseconds), actor, action, workload, subject, details (a text), and the previous entry's hash.
"""

import fcntl
import hashlib
import json
import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any, Literal

import msgspec
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from fallbacks.reading import storable

Action = Literal[
    "policy put",
    "model put",
    "verification received",
    "enablement requested",
    "request withdrawn",
    "route enabled",
    "route rejected",
    "route suspended",
    "route expired",
    "route sent back",
    "sample scored",
    "sample skipped",
    "samples handed back",
    "key made",
    "key rotated",
    "key revoked",
    "roles changed",
    "person invited",
    "person joined",
    "person deactivated",
    "person reactivated",
    "invitation withdrawn",
    "sign-in reset",
    "sign-in reset used",
    "sign-in reset withdrawn",
    "password changed",
    "second factor added",
    "second factor removed",
    "sign-in linked",
]
# Any number, the same everywhere. Taken after every other lock, and held until the end of the transaction.
_LOCK = 0x0FA11AD1
FIRST = "0" * 64
# By whom what nobody asked for was done.
BY_ITSELF = "the observatory"

HEAD = "SELECT number, hash FROM audit_entry ORDER BY number DESC LIMIT 1"
INSERT = """
INSERT INTO audit_entry (number, at, actor, action, workload, subject, details, previous, hash)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
ALL = """
SELECT number, CASE WHEN at >= '0001-01-02' AND at < '9999-12-30' THEN at END,
       actor, action, workload, subject, details, previous, hash FROM audit_entry
WHERE number >= %s ORDER BY number LIMIT %s
"""
LEAST = "SELECT min(number) FROM audit_entry"
PAGE = 5_000
# Seconds within which the head of an entry that is committed comes to the file.
MOMENT = 1.0
# Several machines that write in turns would make the file as long as the log: the oldest spans become one.
MOST_SPANS = 1_000

log = logging.getLogger(__name__)


# The first and the last number of entries that follow each other, several times, in order.
Spans = tuple[tuple[int, int], ...]


class Head(msgspec.Struct, frozen=True, omit_defaults=True):
    """The newest entry of a chain; in the file, also which entries before it nobody wrote who writes the file."""

    number: int
    hash: str
    elsewhere: Spans = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """What `check` found: how many entries are sound from the first on, and what is wrong after those, if anything.

    `elsewhere` are those among the sound ones that the file knows nothing of: another machine wrote them, a process
    that died at once, or somebody past the product.
    """

    sound: int
    head: Head
    wrong: str = ""
    elsewhere: Spans = ()


def append(action: Action, actor: str, workload: str = "", subject: str = "", **details: Any) -> int:
    """Write an entry within the caller's transaction, as the last thing it does there, and return its number.

    `details` may hold whatever msgspec writes as JSON. Whoever appends next waits until that transaction has ended:
    two entries never follow the same one.
    """
    text = msgspec.json.encode(details, order="deterministic").decode()
    with transaction.atomic(), connection.cursor() as cursor:
        # A statement of its own: the next one's snapshot must be taken when the lock is there.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        cursor.execute("SELECT clock_timestamp()")
        (at,) = cursor.fetchone()
        cursor.execute(HEAD)
        number, previous = cursor.fetchone() or (0, FIRST)
        entry = (number + 1, at, *(storable(word) for word in (actor, action, workload, subject)), text, previous)
        new = Head(number + 1, hash_of(entry))
        cursor.execute(INSERT, [*entry, new.hash])
        transaction.on_commit(lambda: _remember(new, previous))
    return new.number


def hash_of(entry: tuple[Any, ...]) -> str:
    """Return the hash of an entry: its columns in their order, without the hash."""
    number, at, *rest = entry
    covered = [number, at.astimezone(UTC).isoformat(timespec="microseconds"), *rest]
    return hashlib.sha256(json.dumps(covered, ensure_ascii=False, separators=(",", ":")).encode()).hexdigest()


def head() -> Head:
    """Return the newest entry; of number 0 where there is none. One query."""
    with connection.cursor() as cursor:
        cursor.execute(HEAD)
        return Head(*(cursor.fetchone() or (0, FIRST)))


def check() -> Checked:
    """Read the whole chain, compare it with the head in the file, and stop at the first entry that is not sound."""
    newest = Head(0, FIRST)
    kept = read_head()
    for *entry, found in _entries():
        if wrong := _wrong(newest, entry, found, kept):
            return Checked(newest.number, newest, wrong)
        newest = Head(entry[0], found)
    if kept is not None and kept.number > newest.number:
        gone = f"{_named(newest.number + 1, kept.number)} gone: {head_file()} knows of that"
        return Checked(newest.number, newest, gone)
    return Checked(newest.number, newest, elsewhere=_elsewhere(newest.number))


def _wrong(before: Head, entry: list[Any], found: str, kept: Head | None) -> str:
    number, previous = entry[0], entry[-1]
    is_whole = entry[1] is not None and hash_of(tuple(entry)) == found
    if number < 1:
        return f"entry {number} was put there: the first one is entry 1"
    if number != before.number + 1:
        return _gap(before, number, kept, is_whole and previous != before.hash)
    if previous != before.hash:
        return f"entry {number} does not follow entry {before.number}: one of them was put there or moved"
    if not is_whole:
        return f"entry {number} was changed"
    if kept is not None and kept.number == number and kept.hash != found:
        return f"entry {number} is another than {head_file()} knows of: it or one before it was written anew"
    return ""


def _gap(before: Head, number: int, kept: Head | None, may_follow_others: bool) -> str:
    """Say whether those between are missing, or the one after them was put there."""
    first, last = before.number + 1, number - 1
    # Of the one that is here as well: then it is where it belongs, and others wrote those between.
    if kept is not None and _knows_of(kept, first, number):
        return f"{_named(first, last)} missing"
    if may_follow_others and (kept is None or kept.number >= first):
        return f"{_named(first, last)} missing, or entry {number} was put there"
    return f"entry {number} was put there: entry {first} would be the next"


def _named(first: int, last: int) -> str:
    return f"entry {first} is" if first == last else f"entries {first} to {last} are"


def _knows_of(kept: Head, first: int, last: int) -> bool:
    """Tell whether the file knows of any of these entries that it was written."""
    last = min(last, kept.number)
    of_others = sum(max(0, min(last, until) - max(first, since) + 1) for since, until in kept.elsewhere)
    return last - first + 1 > of_others


def _elsewhere(newest: int) -> Spans:
    """Return the spans of entries, up to this one, that the file knows nothing of."""
    deadline = time.monotonic() + MOMENT
    while True:
        kept = read_head()
        if kept is None:
            return ()
        after = ((kept.number + 1, newest),) if kept.number < newest else ()
        found = (*((first, min(last, newest)) for first, last in kept.elsewhere if first <= newest), *after)
        # Who has just committed writes to the file now.
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(MOMENT / 20)


def _entries() -> Iterator[tuple[Any, ...]]:
    """All entries, in batches: each is read as it was committed, and new ones only follow."""
    with connection.cursor() as cursor:
        # Whatever it is: an entry that was put before the first would be there.
        cursor.execute(LEAST)
        (start,) = cursor.fetchone()
        while start is not None:
            cursor.execute(ALL, [start, PAGE])
            found = cursor.fetchall()
            yield from found
            start = found[-1][0] + 1 if len(found) == PAGE else None


# --- The head beside the database ------------------------------------------------------------------


def head_file() -> Path:
    return Path(settings.AUDIT_HEAD_FILE)


def read_head() -> Head | None:
    """Return the head that was written last on this machine; None where none was. Raises OSError or ValueError where
    the file cannot be read."""
    try:
        return msgspec.json.decode(head_file().read_bytes(), type=Head)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        raise ValueError(f"{head_file()} is not what the audit log wrote: {error}") from error


def _remember(head: Head, previous: str) -> None:
    """Write the head to its file, unless the one that is there is of another chain: then somebody has cut the log, and
    the file is what proves it. The entry is committed: a disk that is full is said."""
    path = head_file()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = read_head()
            if known is None:
                new = head
            elif known.number >= head.number:
                # Whoever wrote a later one was quicker here, and took this one for another machine's.
                new = Head(known.number, known.hash, tuple(_without(known.elsewhere, head.number)))
            elif _leads_on(known, head, previous):
                new = Head(head.number, head.hash, _with_gap(known, head))
            else:
                log.error("the audit log was cut or written anew", extra={"number": known.number})
                return
            if new != known:
                beside = path.with_suffix(".new")
                beside.write_bytes(msgspec.json.encode(new))
                beside.replace(path)
    except (OSError, ValueError, DatabaseError) as error:
        log.error("the head of the audit log was not written", extra={"number": head.number, "error_text": str(error)})


def _with_gap(known: Head, head: Head) -> Spans:
    """Return what was written elsewhere up to the new head: all between it and the known one is new."""
    spans = known.elsewhere
    if known.number < head.number - 1:
        spans = (*spans, (known.number + 1, head.number - 1))
    if len(spans) > MOST_SPANS:
        (first, _), (_, last), *rest = spans
        spans = ((first, last), *rest)
    return spans


def _without(spans: Iterable[tuple[int, int]], number: int) -> Iterator[tuple[int, int]]:
    for first, last in spans:
        parts = [(first, number - 1), (number + 1, last)] if first <= number <= last else [(first, last)]
        yield from ((start, end) for start, end in parts if start <= end)


def _leads_on(known: Head, head: Head, previous: str) -> bool:
    """Tell whether the chain to the new head leads over the known one."""
    if known.number == head.number - 1:
        return known.hash == previous
    # Others wrote in between, and have not come as far as the file, or write another machine's.
    with connection.cursor() as cursor:
        cursor.execute("SELECT hash FROM audit_entry WHERE number = %s", [known.number])
        return bool(cursor.fetchone() == (known.hash,))
