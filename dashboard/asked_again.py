"""Asking again who somebody is: before what cannot be taken back, if they signed in too long ago.

What they sent is kept with their session while they are asked, and goes on afterwards. So no form that carries a
secret belongs behind such a door: the secret would lie in the database for as long.
"""

import secrets
import time
from typing import Any

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect

# In the session: when the person last showed who they are (seconds), and what waits for it.
SHOWN_AT, WAITING = "shown_at", "waiting"
# More than any form of ours.
MOST_KEPT = 100_000


def note_shown(request: HttpRequest) -> None:
    """Note that the person has just shown who they are."""
    request.session[SHOWN_AT] = time.time()


def is_fresh(request: HttpRequest) -> bool:
    """Tell whether the person showed lately who they are: by signing in, or when they were asked again."""
    return bool(time.time() - request.session.get(SHOWN_AT, 0) < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)


def ask(request: HttpRequest) -> HttpResponse:
    """Send the person to where they are asked, and keep what they sent."""
    sent, following = request.POST.urlencode(), request.get_full_path()
    # Also where this cannot be kept: nobody who sent one thing must see another one done.
    request.session.pop(WAITING, None)
    if request.method == "POST" and len(sent) <= MOST_KEPT:
        request.session[WAITING] = {
            "number": secrets.token_urlsafe(16),
            "address": following,
            "path": request.path_info,
            "query": request.META.get("QUERY_STRING", ""),
            "sent": sent,
            "at": time.time(),
        }
        following = _named(request.session[WAITING])
    address = asking_for(following)
    # What a script of a page sent is answered to the script: the page itself has to go.
    return HttpResponseClientRedirect(address) if "HX-Request" in request.headers else HttpResponseRedirect(address)


def asking_for(following: str) -> str:
    """Return the address where somebody is asked who wants to go on to another."""
    query = QueryDict(mutable=True)
    query[REDIRECT_FIELD_NAME] = following
    return f"{reverse('account_reauthenticate')}?{query.urlencode(safe='/')}"


def _named(kept: dict[str, Any]) -> str:
    """Return where to go on with what is kept, and nothing else: two windows may have sent to one address."""
    return f"{kept['address']}#{kept['number']}"


def waits(request: HttpRequest, following: str) -> dict[str, Any] | None:
    """Return what waits for the person at an address, or as `ask` named it; None where nothing does, or too long."""
    kept: dict[str, Any] | None = request.session.get(WAITING)
    if kept is None or following not in (kept["address"], _named(kept)):
        return None
    return kept if time.time() - kept["at"] < settings.ACCOUNT_REAUTHENTICATION_TIMEOUT else None


def take(request: HttpRequest, following: str) -> dict[str, Any] | None:
    """Return what waits for the person, once, and keep it no more. What waits in another window goes on waiting."""
    kept = waits(request, following)
    if kept is None:
        return None
    del request.session[WAITING]
    # Requests that come at once have each read the session before another one wrote it: the cache gives it to one.
    first = cache.add(f"went-on:{kept['number']}", True, settings.ACCOUNT_REAUTHENTICATION_TIMEOUT)
    return kept if first else None


def within(request: HttpRequest, address: str) -> str:
    """Return an address if it is one of ours, else that of the overview."""
    ours = url_has_allowed_host_and_scheme(address, {request.get_host()}, require_https=request.is_secure())
    return address if address and ours else reverse("overview")
