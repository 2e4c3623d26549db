"""Links that are good once: a token is in the address, its hash is what is stored.

Whoever makes, withdraws or uses one holds what `fallbacks.members.changing` holds: of two who do, the second sees what
the first did.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Generic, TypeVar

from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from fallbacks import audit
from fallbacks.models import Invitation, SignInReset
from fallbacks.models.link import Link

Kind = TypeVar("Kind", bound=Link)


class NotGood(Exception):
    """A link is of no use. `link` is None where there is none of it."""

    def __init__(self, link: Link | None) -> None:
        super().__init__(link.state if link else "unknown")
        self.link = link


@dataclass(frozen=True, slots=True)
class Made(Generic[Kind]):
    """A link that was just made, and its token, which nobody can read again."""

    link: Kind
    token: str


def make(kind: type[Kind], good_for: timedelta, **given: Any) -> Made[Kind]:
    """Make a link."""
    token = secrets.token_urlsafe(32)
    link = kind._default_manager.create(digest=digest(token), expires_at=timezone.now() + good_for, **given)
    return Made(link, token)


def open_of(kind: type[Kind]) -> QuerySet[Kind]:
    """Return those that are still good."""
    return kind._default_manager.filter(used_at=None, withdrawn_at=None, expires_at__gt=Now())


def find(among: QuerySet[Kind], token: str) -> Kind:
    """Return the link that has a token. Raises NotGood where it is of no use (any more)."""
    found = among.filter(digest=digest(token)).first()
    if found is None or found.state != "open":
        raise NotGood(found)
    return found


def withdraw(link: Link, by: str) -> None:
    """Make a link useless, and say so in the audit log."""
    type(link)._default_manager.filter(pk=link.pk, used_at=None).update(withdrawn_at=Now())
    match link:
        case Invitation():
            audit.append("invitation withdrawn", by, subject=str(link), note=link.note)
        case SignInReset():
            audit.append("sign-in reset withdrawn", by, subject=link.person.username)


def digest(token: str) -> bytes:
    """Return the hash by which a link is stored and found."""
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
