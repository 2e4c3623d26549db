"""API keys: looked up by their hash at every request. They are made and revoked in `fallbacks.key_ring`.

A process remembers what it looked up for `REMEMBERED_FOR` seconds, so a revocation holds everywhere
within that time. Where PostgreSQL does not answer, what is remembered goes on being believed, since events
must come in while it restarts: unless the stream's Redis knows that the key was revoked just before.
"""

import hashlib
import time
from dataclasses import dataclass
from datetime import UTC, datetime

import redis
from django.db import DatabaseError, close_old_connections, connection
from django.utils import timezone

from fallbacks import bounded, logs, streams
from fallbacks.models import ApiKey

REMEMBERED_FOR = 3.0  # seconds; CONTRIBUTING promises that a revoked key fails within 5
# While PostgreSQL is away, or hangs, each look costs its thread so much waiting, and both together have to stay below
# the 5.
A_LOOK = 1.5
ASK_AGAIN_AFTER = 3.4
MOST_REMEMBERED = 10_000
# Whoever holds the row changes the key just now: passed over, not waited for.
_USED = """
UPDATE api_key SET last_used_at = %(minute)s WHERE id = (
    SELECT id FROM api_key WHERE id = %(id)s AND (last_used_at IS NULL OR last_used_at < %(minute)s)
    FOR NO KEY UPDATE SKIP LOCKED
)
"""


class KeysUnavailable(Exception):
    """The key is not remembered and PostgreSQL does not answer."""


class NoKey(Exception):
    """The request shows no key, or none that is good. `code` and `message` are for the answer, which is a 401."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Key:
    """What a valid key may do. Empty workloads or environments: all of them."""

    id: int
    scopes: frozenset[str]
    workloads: frozenset[str]
    environments: frozenset[str]
    expires_at: datetime | None
    # Items a second; None: what the settings say for every key.
    rate: int | None = None

    def covers(self, workload: str, environment: str) -> bool:
        """Tell whether the key may speak of this workload in this environment."""
        return (not self.workloads or workload in self.workloads) and (
            not self.environments or environment in self.environments
        )


def shown_in(header: str) -> Key:
    """Return the key of an Authorization header. Raises NoKey, or KeysUnavailable where that cannot be known."""
    kind, _, text = header.partition(" ")
    if kind.lower() != "bearer" or not text.strip():
        raise NoKey("no_key", "Send your key in the header `Authorization: Bearer <key>`.")
    key = find(text.strip())
    if key is None:
        raise NoKey("wrong_key", "The key is not known, expired or revoked: ask an engineer for a new one.")
    return key


def find(text: str) -> Key | None:
    """Return what the key may do, or None where there is no such key, or it is revoked or expired.

    Raises KeysUnavailable where that cannot be known.
    """
    name, now = digest(text), time.monotonic()
    remembered = _remembered.get(name)
    if remembered is None or now - remembered[0] > REMEMBERED_FOR:
        if remembered is not None:
            # Before asking: other threads go on by what is remembered, and so does this one where nobody answers.
            _remembered[name] = (now, remembered[1])
        try:
            with bounded.within(A_LOOK):
                remembered = (now, _look_up(name))
        except DatabaseError as error:
            if remembered is None:
                raise KeysUnavailable from error
            known = None if _was_revoked(name) else remembered[1]
            remembered = _remembered[name] = (time.monotonic() + ASK_AGAIN_AFTER - REMEMBERED_FOR, known)
        else:
            _remember(name, remembered)
        finally:
            # Back to the pool, which Django does at the end of a request; not all requests are Django's.
            close_old_connections()
    key = remembered[1]
    if key is None or (key.expires_at is not None and key.expires_at <= datetime.now(UTC)):
        return None
    return key


def digest(text: str) -> bytes:
    """Return the hash by which a key is stored and found."""
    return hashlib.sha256(text.encode("utf-8", "replace")).digest()


def revocation(name: bytes) -> str:
    """Return the name under which the stream's Redis knows that the key of this hash was revoked."""
    return f"revoked:{name.hex()}"


Remembered = tuple[float, Key | None]
# By hash: when it was looked up (monotonic seconds), and what was found.
_remembered: dict[bytes, Remembered] = {}


def forget() -> None:
    """Forget what was looked up, as a process that has just started."""
    _remembered.clear()


def _remember(name: bytes, found: Remembered) -> None:
    if len(_remembered) >= MOST_REMEMBERED:  # guesses must not fill the memory
        _remembered.clear()
    _remembered[name] = found


def _was_revoked(name: bytes) -> bool:
    """Tell what the stream's Redis knows, while PostgreSQL is away. Without both there is nothing to come in to."""
    try:
        return bool(streams.connection().exists(revocation(name)))
    except redis.RedisError:
        return False


def _look_up(name: bytes) -> Key | None:
    row = ApiKey.objects.filter(digest=name, revoked_at=None).first()
    if row is None:
        return None
    _note_use(row)
    return Key(
        id=row.id,
        scopes=frozenset(row.scopes),
        workloads=frozenset(row.workloads),
        environments=frozenset(row.environments),
        expires_at=row.expires_at,
        rate=row.rate,
    )


def _note_use(row: ApiKey) -> None:
    """Write down that a key is in use, once a minute for all processes together.

    A key that is in use is looked up every few seconds: requests that go by what is remembered have nothing to do
    with it. What cannot be written now is written at the next look.
    """
    now = timezone.now()
    minute = now.replace(second=0, microsecond=0)
    if (row.expires_at is not None and row.expires_at <= now) or (row.last_used_at and row.last_used_at >= minute):
        return
    try:
        with connection.cursor() as cursor:
            cursor.execute(_USED, {"minute": minute, "id": row.id})
    except DatabaseError as error:
        logs.away("database", error)
