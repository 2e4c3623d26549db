"""Who may write policies and models and make keys, and whom to ask who may not."""

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any

from django.contrib.auth import get_user_model
from django.http import HttpRequest, HttpResponseBase

from dashboard.errors import NotForYou
from dashboard.overview.sentences import names

WRITERS = ("engineer", "admin")
# Who reads what reviewers wrote: those who mend it, and those who review.
READERS_OF_REMARKS = ("engineer", "reviewer", "admin")
# Who sees samples, claims and scores them.
REVIEWERS = ("reviewer", "admin")
ADMINS = ("admin",)
# As many as one can ask.
MOST_NAMED = 3

View = Callable[..., HttpResponseBase]


def may_write(roles: Iterable[str]) -> bool:
    """Tell whether somebody of these roles may change policies and models."""
    return not set(WRITERS).isdisjoint(roles)


def may_review(roles: Iterable[str]) -> bool:
    """Tell whether somebody of these roles sees samples, and so the queue."""
    return not set(REVIEWERS).isdisjoint(roles)


def may_read_remarks(roles: Iterable[str]) -> bool:
    """Tell whether somebody of these roles may read reviewers' comments: they may quote what users wrote."""
    return not set(READERS_OF_REMARKS).isdisjoint(roles)


def only(roles: Sequence[str]) -> Callable[[View], View]:
    """Let nobody but these roles into a view; who is not signed in has been sent to the login page before."""

    def door(view: View) -> View:
        @wraps(view)
        def wrapped(request: HttpRequest, **words: Any) -> HttpResponseBase:
            if not request.user.is_authenticated or set(roles).isdisjoint(request.user.roles()):
                raise refusal(request.user, roles)
            return view(request, **words)

        return wrapped

    return door


writers, reviewers, admins = only(WRITERS), only(REVIEWERS), only(ADMINS)


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
    known = [user.known_as for user in holders[: MOST_NAMED + 1]]
    return known[:MOST_NAMED], len(known) > MOST_NAMED


def whom_to_ask() -> str:
    """Say who can make a change: by name where there are engineers. One query."""
    engineers, more = people("engineer")
    if not engineers:
        return "ask an admin, or for the role engineer"
    return f"ask an engineer, such as {names(engineers)}" if more else f"ask {names(engineers)}"
