"""Who may write policies and models, and whom to ask who may not."""

from collections.abc import Callable, Iterable
from functools import wraps

from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse

from dashboard.sentences import names

WRITERS = ("engineer", "admin")
# As many as one can ask.
MOST_NAMED = 3

View = Callable[..., HttpResponse]


def may_write(roles: Iterable[str]) -> bool:
    """Tell whether somebody of these roles may change policies and models."""
    return not set(WRITERS).isdisjoint(roles)


def writers(view: View) -> View:
    """Let nobody but writers in; who is not signed in has been sent to the login page before."""

    @wraps(view)
    def wrapped(request: HttpRequest, **words: str) -> HttpResponse:
        if not request.user.is_authenticated or not may_write(request.user.roles()):
            raise PermissionDenied
        return view(request, **words)

    return wrapped


def whom_to_ask() -> str:
    """Say who can make a change: by name where there are engineers. One query."""
    engineers = get_user_model().objects.filter(is_active=True, groups__name="engineer").order_by("username")
    known = [user.get_full_name() or user.username for user in engineers[: MOST_NAMED + 1]]
    if not known:
        return "ask an admin, or for the role engineer"
    more = len(known) > MOST_NAMED
    return f"ask an engineer, such as {names(known[:MOST_NAMED])}" if more else f"ask {names(known)}"
