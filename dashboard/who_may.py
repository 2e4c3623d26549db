"""Who may write policies and models and make keys, and whom to ask who may not."""

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any

from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponse

from dashboard.errors import NotForYou
from dashboard.overview.sentences import names

WRITERS = ("engineer", "admin")
# Who reads what reviewers wrote: those who mend it, and those who review.
READERS_OF_REMARKS = ("engineer", "reviewer", "admin")
# Who sees samples, claims and scores them.
REVIEWERS = ("reviewer", "admin")
# As many as one can ask.
MOST_NAMED = 3

View = Callable[..., HttpResponse]


def may_write(roles: Iterable[str]) -> bool:
    """Tell whether somebody of these roles may change policies and models."""
    return not set(WRITERS).isdisjoint(roles)


def may_review(roles: Iterable[str]) -> bool:
    """Tell whether somebody of these roles sees samples, and so the queue."""
    return not set(REVIEWERS).isdisjoint(roles)


def may_read_remarks(roles: Iterable[str]) -> bool:
    """Tell whether somebody of these roles may read reviewers' comments: they may quote what users wrote."""
    return not set(READERS_OF_REMARKS).isdisjoint(roles)


def writers(view: View) -> View:
    """Let nobody but writers in; who is not signed in has been sent to the login page before."""

    @wraps(view)
    def wrapped(request: HttpRequest, **words: str) -> HttpResponse:
        if not request.user.is_authenticated or not may_write(request.user.roles()):
            raise refusal(request.user, WRITERS)
        return view(request, **words)

    return wrapped


def reviewers(view: View) -> View:
    """Let nobody but reviewers and admins in; who is not signed in has been sent to the login page before."""

    @wraps(view)
    def wrapped(request: HttpRequest, **words: int) -> HttpResponse:
        if not request.user.is_authenticated or set(REVIEWERS).isdisjoint(request.user.roles()):
            raise refusal(request.user, REVIEWERS)
        return view(request, **words)

    return wrapped


def refusal(user: Any, needed: Sequence[str]) -> NotForYou:
    """Return what to raise for somebody who has none of the roles needed: it says which, and whom to ask."""
    held = user.roles() if user.is_authenticated else []
    are = f"You are {names([a_role(role) for role in held])}" if held else "You have no role yet"
    admins, more = people("admin")
    who = f"an admin ({names(admins)})" if admins and not more else "an admin"
    return NotForYou(f"This is for {names([f'{role}s' for role in needed])}.", f"{are}: ask {who} for the role.")


def a_role(role: str) -> str:
    return f"an {role}" if role[0] in "aeiou" else f"a {role}"


def people(role: str) -> tuple[list[str], bool]:
    """Return some who hold a role, by name, and whether there are more. One query."""
    holders = get_user_model().objects.filter(is_active=True, groups__name=role).order_by("username")
    known = [user.get_full_name() or user.username for user in holders[: MOST_NAMED + 1]]
    return known[:MOST_NAMED], len(known) > MOST_NAMED


def whom_to_ask() -> str:
    """Say who can make a change: by name where there are engineers. One query."""
    engineers, more = people("engineer")
    if not engineers:
        return "ask an admin, or for the role engineer"
    return f"ask an engineer, such as {names(engineers)}" if more else f"ask {names(engineers)}"
