"""The ring of keys: making, rotating and revoking them, each with its entry in the audit log.

What a key opens is asked in `fallbacks.keys`, at every request; nothing here is on that way.
"""

import secrets
import zlib
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import redis
from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from fallbacks import audit, logs, streams
from fallbacks.key_drafts import Draft, beyond, draft
from fallbacks.keys import digest, revocation
from fallbacks.models import ApiKey, User
from fallbacks.not_now import NotNow
from fallbacks.permissions import MANAGE_KEYS
from fallbacks.reading import Refused
from fallbacks.refusals import Problem
from fallbacks.scopes import MANAGE

# For how long a key goes on beside the one that takes its place, in hours.
OVERLAPS = (1, 24, 168)
USUAL_OVERLAP = 24
# Longer than PostgreSQL is away: what a process remembers of a key is not believed against a revocation.
_REVOCATION_KEPT = timedelta(days=7)
_PREFIX = "fo_"


class MadeAlready(Exception):
    """The form has made a key already, which was shown then."""


def make(
    name: str,
    scopes: Sequence[str],
    workloads: Sequence[str] = (),
    environments: Sequence[str] = (),
    expires_at: datetime | None = None,
    rate: int | None = None,
    by: str = "manage.py",
    owner: User | None = None,
) -> str:
    """Store a new key and return its text, which nobody can read again. Raises Refused."""
    asked = {"name": name, "scopes": list(scopes), "workloads": list(workloads), "environments": list(environments)}
    return add(draft(asked | {"expires_at": expires_at, "rate": rate}, timezone.now()), by, owner)


def add(wanted: Draft, by: str, owner: User | None, within: ApiKey | None = None, form: UUID | None = None) -> str:
    """Store a new key and return its text. Raises Refused, and MadeAlready where `form` has made one.

    `within` is the key that makes it, beyond which it may not go.
    """
    text = _text()
    with transaction.atomic():
        row = _store(text, wanted, owner, within, form)
        audit.append("key made", by, subject=row.prefix, expires_at=row.expires_at, **_told(row))
    return text


def rotate(
    old: ApiKey,
    overlap: timedelta,
    by: str,
    person: User | None = None,
    within: ApiKey | None = None,
    form: UUID | None = None,
) -> str:
    """Store a key in the place of `old`, which ends after `overlap`, and return its text.

    The new key may what the old one may, and lives as long as that was made to, but never longer than `within`. It
    belongs to whom the old one did, or to `person` where that is somebody who was deactivated.
    Raises Refused, NotNow, and MadeAlready where `form` has made a key.
    """
    text = _text()
    with transaction.atomic():
        row = ApiKey.objects.select_for_update(of=("self",)).select_related("owner").get(pk=old.pk)
        now = timezone.now()
        _refuse_what_has_no_place(row, now)
        gone = row.owner is not None and not row.owner.is_active
        if gone and MANAGE in row.scopes:
            # It would see and revoke whatever its new owner may.
            raise NotNow(
                "acts_for_owner", f"It acts for {row.owner}, who is deactivated: make one of your own instead."
            )
        owner = person if gone and person is not None else row.owner
        end = None if row.expires_at is None else now + (row.expires_at - row.created_at)
        if within is not None and within.expires_at is not None:
            end = within.expires_at if end is None else min(end, within.expires_at)
        new = _store(text, replace(limits(row), expires_at=end), owner, within, form, row)
        ends = min(filter(None, (row.expires_at, now + overlap)))
        ApiKey.objects.filter(pk=row.pk).update(expires_at=ends)
        audit.append("key rotated", by, subject=row.prefix, new=new.prefix, ends=ends, expires_at=end, **_told(new))
    return text


def revoke(row: ApiKey, by: str) -> bool:
    """Revoke a key, which holds within 5 seconds on every process; False where it was revoked before."""
    with transaction.atomic():
        if not ApiKey.objects.filter(pk=row.pk, revoked_at=None).update(revoked_at=timezone.now()):
            return False
        owner = row.owner.username if row.owner else None
        audit.append("key revoked", by, subject=row.prefix, name=row.name, owner=owner)
        transaction.on_commit(lambda: _tell(bytes(row.digest)))
    return True


def seen_by(user: User) -> QuerySet[ApiKey]:
    """Return the keys that somebody sees and may change: their own, or all."""
    found = ApiKey.objects.select_related("owner", "replaces", "replaced_by")
    return found if user.may(MANAGE_KEYS) else found.filter(owner=user)


def in_state(state: str, now: datetime) -> Q:
    """Return the condition of a state, as `ApiKey.state` has it; of any other word none."""
    over = Q(revoked_at=None, expires_at__lte=now)
    return {"good": Q(revoked_at=None) & ~Q(expires_at__lte=now), "expired": over, "revoked": ~Q(revoked_at=None)}.get(
        state, Q()
    )


def limits(row: ApiKey) -> Draft:
    """Return what a key is for."""
    lists = {name: frozenset(getattr(row, name)) for name in ("scopes", "workloads", "environments")}
    return Draft(name=row.name, expires_at=row.expires_at, rate=row.rate, **lists)


def prefix_of(text: str) -> str:
    """Return the part of a key's text that is no secret."""
    return text[: len(_PREFIX) + 8]


def _text() -> str:
    """Return a new key: 256 bits at random, between a prefix to tell it by and the CRC-32 of what stands before.

    By the checksum scanners know a key from what only looks like one. Keys from before there was one are as good.
    """
    text = f"{_PREFIX}{secrets.token_hex(4)}_{secrets.token_urlsafe(32)}"
    return f"{text}{zlib.crc32(text.encode()):08x}"


def _store(
    text: str,
    wanted: Draft,
    owner: User | None,
    within: ApiKey | None,
    form: UUID | None,
    old: ApiKey | None = None,
) -> ApiKey:
    problems = [] if within is None else list(beyond(wanted, limits(within)))
    if MANAGE in wanted.scopes and owner is None:
        problems.append(Problem("scopes", f"{MANAGE} acts for the owner of the key, and this one would have none."))
    if problems:
        raise Refused(problems)
    kept = asdict(wanted) | {name: sorted(getattr(wanted, name)) for name in ("scopes", "workloads", "environments")}
    try:
        with transaction.atomic():
            return ApiKey.objects.create(
                prefix=prefix_of(text), digest=digest(text), owner=owner, replaces=old, made_by_form=form, **kept
            )
    except IntegrityError:
        if form is not None and ApiKey.objects.filter(made_by_form=form).exists():
            raise MadeAlready from None
        raise


def _refuse_what_has_no_place(row: ApiKey, now: datetime) -> None:
    """Raise NotNow where there is nothing to take the place of."""
    if (state := row.state(now)) != "good":
        raise NotNow("not_good", f"The key is {state}: make a new one.")
    if (heir := ApiKey.objects.filter(replaces=row).values_list("prefix", flat=True).first()) is not None:
        raise NotNow("replaced", f"{heir} has taken its place already: rotate that one, or make a new key.")


def _told(row: ApiKey) -> dict[str, Any]:
    """Return what the audit log keeps of a new key."""
    may = {"scopes": row.scopes, "workloads": row.workloads, "environments": row.environments}
    return {"name": row.name, "owner": row.owner.username if row.owner else None, "may": may}


def _tell(name: bytes) -> None:
    """Say beside PostgreSQL that a key is revoked: should that restart just now, processes go by what they remember."""
    try:
        streams.connection().set(revocation(name), "", ex=_REVOCATION_KEPT)
    except redis.RedisError as error:
        # In PostgreSQL it stands, and holds as soon as a process asks there.
        logs.away("stream", error)
