"""Where somebody is signed in: since when, from which address, and by which browser."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib.auth import user_logged_in
from django.contrib.sessions.models import Session
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone

from dashboard import asked_again
from dashboard.errors import NotForYou
from fallbacks import members
from fallbacks.models import User
from fallbacks.proxies import client_address

MOST_SHOWN = 50
LONGEST_AGENT = 200
# A server that listens at a socket of the file system does not know who asks.
NOBODY_KNOWS = "0.0.0.0"  # noqa: S104
# The first that is found: browsers name others along with themselves.
BROWSERS = (("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("Chrome/", "Chrome"), ("Safari/", "Safari"))
SYSTEMS = (
    ("Windows", "Windows"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True)
class Place:
    """One session, as its owner sees it."""

    number: int
    since: datetime
    address: str
    browser: str
    is_this: bool


def address_of(request: HttpRequest) -> str:
    """Return the address that a request came from."""
    return client_address(request) or NOBODY_KNOWS


def begun(sender: Any, request: HttpRequest, user: User, **_: Any) -> None:
    """Note a session that has just begun. Hears Django's signal: whatever way somebody signs in, it goes off."""
    asked_again.note_shown(request)
    note(request, user)


def note(request: HttpRequest, user: User) -> None:
    """Note where a session is of."""
    if not request.session.session_key:
        request.session.save()
    agent = re.sub(r"[^ -~]", "", request.META.get("HTTP_USER_AGENT", ""))[:LONGEST_AGENT]
    UserSession.objects.update_or_create(
        session_key=request.session.session_key,
        defaults={"user": user, "ip": address_of(request), "user_agent": agent},
    )


def connect() -> None:
    """Hear of sessions that begin. Called once, when the application starts."""
    user_logged_in.connect(begun, dispatch_uid="dashboard.sessions")


def of(user: User, request: HttpRequest) -> list[Place]:
    """Return where somebody is signed in: this session first, then the newest. One query."""
    alive = Session.objects.filter(expire_date__gt=timezone.now()).values("session_key")
    found = UserSession.objects.filter(user=user, session_key__in=alive).order_by("-created_at", "-pk")
    places = [
        Place(
            number=each.pk,
            since=each.created_at,
            address="" if each.ip == NOBODY_KNOWS else each.ip,
            browser=said(each.user_agent),
            is_this=each.session_key == request.session.session_key,
        )
        for each in found
    ]
    return sorted(places, key=lambda place: not place.is_this)


def end(user: User, number: int) -> bool:
    """End one session of somebody's own. Returns whether there was one."""
    keys = list(UserSession.objects.filter(user=user, pk=number).values_list("session_key", flat=True))
    _end(keys)
    return bool(keys)


def end_others(user: User, request: HttpRequest) -> int:
    """End all sessions of somebody but this one, and return how many were alive."""
    with transaction.atomic():
        return members.end_sessions(user, request.session.session_key or "")


@contextmanager
def still_open(request: HttpRequest, user: User) -> Iterator[None]:
    """Change by what somebody signs in, in one transaction. Raises NotForYou where this session has ended.

    Whoever ends somebody's sessions holds their row meanwhile. A request that was under way must not wait for that and
    then leave a password, a second factor or a link to the provider behind.
    """
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        if not Session.objects.filter(session_key=request.session.session_key).exists():
            raise NotForYou("You are signed out.", "Your session ended meanwhile: nothing was changed.", "signed_out")
        yield


def _end(keys: Sequence[str]) -> int:
    with transaction.atomic():
        ended, _ = Session.objects.filter(session_key__in=keys).delete()
        UserSession.objects.filter(session_key__in=keys).delete()
    return ended


def said(agent: str) -> str:
    """Say which browser it is: "Firefox on Linux"."""
    browser = next((word for mark, word in BROWSERS if mark in agent), "")
    system = next((word for mark, word in SYSTEMS if mark in agent), "")
    return f"{browser or 'A browser'}{f' on {system}' if system else ''}" if browser or system else "A program"
