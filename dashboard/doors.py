"""The doors: what each address asks of who comes. An address without a door is closed to everybody.

Doors are by the names of addresses, and pages ask them before they show a link: what nobody may open is not shown.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.contrib import messages
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.models import AnonymousUser
from django.contrib.auth.views import redirect_to_login
from django.core.checks import Error, register
from django.http import HttpRequest, HttpResponseBase, HttpResponseNotAllowed
from django.urls import URLPattern, URLResolver, get_resolver

from dashboard import asked_again, errors, who_may
from fallbacks import permissions as may
from fallbacks.models import User

SAFE = ("GET", "HEAD", "OPTIONS")
# Of pages: Django's own views take a PUT for a POST. What services send is between them and their views.
TAKEN = (*SAFE, "POST")
# Beside permissions: whoever comes, whoever is signed in, and who shows a key, of which the view asks a scope.
ANYBODY, SIGNED_IN, KEY = "anybody", "signed in", "key"
# Whatever machine comes: as for those with a key, the view itself tells which methods it takes.
MACHINE = "machine"


@dataclass(frozen=True, slots=True)
class Door:
    """What an address asks: to be looked at, and to be sent something, which asks for the same if nothing is said.

    `fresh`: whoever sends something signed in lately, or shows again who they are (`dashboard.asked_again`).
    """

    to_look: str
    to_send: str = ""
    fresh: bool = False

    def asks(self, method: str) -> str:
        return self.to_look if method in SAFE or not self.to_send else self.to_send


def behind(door: str | Door, *names: str) -> dict[str, Door]:
    return {name: door if isinstance(door, Door) else Door(door) for name in names}


DOORS: Mapping[str, Door] = {
    **behind(MACHINE, "healthz", "readyz"),
    **behind(
        ANYBODY,
        *("login", "account_login", "mfa_authenticate", "mfa_login_webauthn"),
        *("provider-login", "openid_connect_callback"),
    ),
    **behind(
        SIGNED_IN,
        *("logout", "account", "password", "session-end", "sessions-end-others"),
        *("account_reauthenticate", "mfa_reauthenticate", "mfa_reauthenticate_webauthn", "provider-again"),
    ),
    **behind(
        Door(SIGNED_IN, fresh=True),
        *("mfa_activate_totp", "mfa_deactivate_totp", "passkey-add", "passkey-remove"),
        *("recovery-codes", "provider-link"),
    ),
    **behind(
        KEY,
        *("events", "traffic", "metrics", "rates", "states", "decisions", "verifications"),
        *("api-models", "api-model", "api-policies", "api-policy", "api-keys", "api-key", "api-key-rotate"),
    ),
    **behind(
        may.SEE_FIGURES,
        *("overview", "workload", "event-list", "lookup", "violations", "broken-events", "boundary", "review-results"),
        *("policies", "policy", "route", "models", "arrived", "came-in", "schema", "api"),
        *("event-export", "exports", "export", "figure-export", "views", "view-menu", "view"),
    ),
    **behind(Door(may.SEE_FIGURES, may.MAKE_KEYS, fresh=True), "first-run"),
    **behind(Door(may.MAKE_KEYS, fresh=True), "key-new", "key-rotate"),
    # Revoking opens nothing, and must be quick.
    **behind(may.MAKE_KEYS, "keys", "key", "key-revoke"),
    **behind(may.WRITE_POLICIES, "policy-new", "policy-edit", "model-edit"),
    **behind(may.REQUEST_ROUTES, "route-request", "route-withdraw"),
    # Suspending must be quick, whoever left their desk: only what opens a route is asked for again.
    **behind(Door(may.DECIDE_ROUTES, fresh=True), "route-approve"),
    **behind(may.DECIDE_ROUTES, "route-reject", "route-suspend"),
    **behind(
        may.REVIEW_SAMPLES,
        *("reviews", "review-claim", "review-hand-back", "review-renew"),
        *("review-sample", "review-score", "review-skip"),
    ),
    **behind(may.OPERATE, "operations", "try-again", "discard"),
    **behind(may.READ_AUDIT, "audit", "audit-export"),
    **behind(may.MANAGE_PEOPLE, "people", "person"),
    **behind(
        Door(may.MANAGE_PEOPLE, fresh=True),
        *("invite", "person-roles", "person-deactivate", "person-reactivate", "person-reset"),
    ),
    # Nobody gets in by it: like suspending, it must be quick.
    **behind(may.MANAGE_PEOPLE, "invitation-withdraw", "person-reset-withdraw"),
    **behind(ANYBODY, "invited", "reset"),
}


def opens(user: User | AnonymousUser, name: str, method: str = "GET") -> bool:
    """Tell whether somebody may open an address, by its name."""
    door = DOORS.get(name)
    if door is None:
        return False
    asked = door.asks(method)
    if asked in (ANYBODY, KEY, MACHINE):
        return True
    return isinstance(user, User) and (asked == SIGNED_IN or user.may(asked))


def must_open(request: HttpRequest, name: str) -> None:
    """Raise NotForYou where an address does not open to who asks."""
    method = request.method or ""
    if not opens(request.user, name, method):
        door = DOORS.get(name)
        raise who_may.refusal(request.user, door.asks(method) if door else "")


class Doors(LoginRequiredMiddleware):
    """Lets nobody in whom the door of the address does not let in; the signed out go to the login page."""

    def process_view(
        self, request: HttpRequest, view_func: Callable[..., Any], view_args: Any, view_kwargs: Any
    ) -> HttpResponseBase | None:
        name = request.resolver_match.view_name if request.resolver_match else ""
        door, method = DOORS.get(name), request.method or ""
        if method not in TAKEN and (door is None or door.to_look not in (KEY, MACHINE)):
            return HttpResponseNotAllowed(TAKEN)
        if door is not None and door.asks(method) in (ANYBODY, KEY, MACHINE):
            return None
        if not request.user.is_authenticated:
            return self.handle_no_permission(request, view_func) if method in SAFE else to_login(request)
        must_open(request, name)
        if door is not None and door.fresh and method not in SAFE and not asked_again.is_fresh(request):
            return asked_again.ask(request)
        return None

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Let a method that is not taken be told in words."""
        return (
            errors.not_taken(request, response["Allow"]) if isinstance(response, HttpResponseNotAllowed) else response
        )


def to_login(request: HttpRequest) -> HttpResponseBase:
    """Send somebody to sign in who was signed out when they sent a form: afterwards they are where that was.

    Where forms go, nothing is shown.
    """
    messages.warning(request, "You were signed out: what you have just sent was not done. Send it again.")
    page = urlsplit(request.headers.get("Referer", ""))
    return redirect_to_login(asked_again.within(request, page._replace(scheme="", netloc="").geturl()))


@register()
def every_address_has_a_door(**_: Any) -> list[Error]:
    """Check, as `manage.py check` does, that addresses and doors are the same."""
    names, doors = {str(pattern.name) for pattern in _patterns(get_resolver())}, set(DOORS)
    hint = "Doors are in dashboard/doors.py."
    return [
        *(Error(f"The address {name} has no door.", hint=hint) for name in sorted(names - doors)),
        *(Error(f"The door {name} leads nowhere.", hint=hint) for name in sorted(doors - names)),
    ]


def _patterns(resolver: URLResolver) -> list[URLPattern]:
    found = []
    for part in resolver.url_patterns:
        found += _patterns(part) if isinstance(part, URLResolver) else [part]
    return found
