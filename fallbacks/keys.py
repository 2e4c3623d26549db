"""API keys: made once, shown once, and looked up by their hash at every request.

A process remembers what it looked up for `REMEMBERED_FOR` seconds, so a revocation holds everywhere
within that time. Where PostgreSQL does not answer, what is remembered goes on being believed: events
must come in while it restarts, and nobody can revoke a key meanwhile.
"""

import hashlib
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import DatabaseError, close_old_connections, transaction
from django.utils import timezone

from fallbacks import audit
from fallbacks.models import ApiKey

SCOPES = (
    "events:write",
    "traffic:write",
    "rates:read",
    "events:read",
    "policy:read",
    "policy:write",
    "verifications:write",
    "metrics:read",
)
REMEMBERED_FOR = 3.0  # seconds; CONTRIBUTING promises that a revoked key fails within 5
# While PostgreSQL is away: each look costs its thread a second of waiting. Nobody can revoke a key meanwhile.
ASK_AGAIN_AFTER = 5.0
MOST_REMEMBERED = 10_000
_PREFIX = "fo_"


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


def make(
    name: str,
    scopes: Sequence[str],
    workloads: Sequence[str] = (),
    environments: Sequence[str] = (),
    expires_days: float | None = None,
    rate: int | None = None,
    by: str = "manage.py",
) -> str:
    """Store a new key and return its text, which nobody can read again. Raises ValueError for an unknown scope."""
    if unknown := sorted(set(scopes) - set(SCOPES)):
        raise ValueError(f"unknown scope {', '.join(unknown)}; the scopes are {', '.join(SCOPES)}")
    if not scopes:
        raise ValueError(f"a key needs at least one scope of {', '.join(SCOPES)}")
    prefix = _PREFIX + secrets.token_hex(4)
    text = f"{prefix}_{secrets.token_urlsafe(32)}"
    may = {
        "scopes": sorted(set(scopes)),
        "workloads": sorted(set(workloads)),
        "environments": sorted(set(environments)),
    }
    with transaction.atomic():
        made = ApiKey.objects.create(
            name=name,
            prefix=prefix,
            digest=digest(text),
            **may,
            expires_at=timezone.now() + timedelta(days=expires_days) if expires_days else None,
            rate=rate,
        )
        audit.append("key made", by, subject=prefix, name=name, expires_at=made.expires_at, may=may)
    return text


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
            remembered = (now, _look_up(name))
        except DatabaseError as error:
            if remembered is None:
                raise KeysUnavailable from error
            _remembered[name] = (time.monotonic() + ASK_AGAIN_AFTER - REMEMBERED_FOR, remembered[1])
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


def _look_up(name: bytes) -> Key | None:
    row = ApiKey.objects.filter(digest=name, revoked_at=None).first()
    if row is None:
        return None
    return Key(
        id=row.id,
        scopes=frozenset(row.scopes),
        workloads=frozenset(row.workloads),
        environments=frozenset(row.environments),
        expires_at=row.expires_at,
        rate=row.rate,
    )
