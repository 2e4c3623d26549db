"""The logins and the key of `make run`, which stand in plain in `var/demo.json` alone.

What is missing is made. What people changed stays: the file then no longer knows it, and says so.
"""

import json
import secrets
from pathlib import Path
from typing import Any, TypedDict

from django.contrib.auth.models import Group
from django.db import transaction
from django.utils import timezone

from fallbacks import audit, key_ring, keys
from fallbacks.local.environment import write_private
from fallbacks.models import ApiKey, User
from fallbacks.scopes import OF_NOBODY

# One login a role; two reviewers, for nobody approves what they asked for.
LOGINS = {
    "viewer": ["viewer"],
    "engineer": ["engineer"],
    "reviewer": ["reviewer"],
    "reviewer2": ["reviewer"],
    "admin": ["admin"],
}
# Who acts, in the audit log.
ACTOR = "make run"


class Login(TypedDict):
    """One that somebody can sign in by; without a password where its owner has changed it."""

    username: str
    password: str | None
    roles: list[str]


class Told(TypedDict):
    """What the file says. Of a key that was revoked or has ended, `ended_key` is the beginning."""

    address: str
    logins: list[Login]
    api_key: str | None
    ended_key: str | None


def make(file: Path, address: str) -> None:
    """Make the logins and the key that are missing, and write `file`."""
    before = read(file)
    passwords = {login["username"]: login["password"] for login in before["logins"]} if before else {}
    with transaction.atomic():
        logins = [login(name, roles, passwords.get(name), before is None) for name, roles in LOGINS.items()]
        key, ended = key_of(before)
    told = Told(address=address, logins=logins, api_key=key, ended_key=ended)
    write_private(file, json.dumps(told, indent=2) + "\n")


def read(file: Path) -> Told | None:
    """Return what an earlier run told; None where that cannot be read."""
    try:
        told: dict[str, Any] = json.loads(file.read_text())
        logins = [
            Login(username=each["username"], password=each["password"], roles=each["roles"]) for each in told["logins"]
        ]
        return Told(address=told["address"], logins=logins, api_key=told["api_key"], ended_key=told.get("ended_key"))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def login(username: str, roles: list[str], password: str | None, is_unknown: bool) -> Login:
    """Return the demo's login `username`; a new password only where there is nobody, or nobody knows theirs."""
    user = User.objects.filter(username=username).first()
    if user is None:
        password = password or secrets.token_urlsafe(12)
        user = User.objects.create_user(username, password=password)
        user.groups.set(Group.objects.filter(name__in=roles))
        audit.append("roles changed", ACTOR, subject=username, roles=sorted(roles))
    elif is_unknown:
        password = secrets.token_urlsafe(12)
        user.set_password(password)
        user.save(update_fields=["password"])
        audit.append("password changed", ACTOR, subject=username)
    elif password is not None and not user.check_password(password):
        password = None
    return {"username": username, "password": password, "roles": user.roles()}


def key_of(told: Told | None) -> tuple[str | None, str | None]:
    """Return the key, a new one where this database never had the one that was told; and else which one ended."""
    text = told["api_key"] if told else None
    prefix = key_ring.prefix_of(text) if text else told["ended_key"] if told else None
    row = ApiKey.objects.filter(prefix=prefix).first() if prefix else None
    if row is None:
        return key_ring.make("demo", OF_NOBODY, by=ACTOR), None
    if text and bytes(row.digest) == keys.digest(text) and row.state(timezone.now()) == "good":
        return text, None
    return None, prefix
