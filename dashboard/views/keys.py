"""Keys as people make, rotate and revoke them: their own, and everybody's for whoever manages keys."""

import uuid
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard import first_event
from dashboard.keys import form
from dashboard.keys import listing as lists
from dashboard.policies import fields, typed
from dashboard.views.who_asks import who_asks
from fallbacks import key_ring
from fallbacks.key_drafts import draft
from fallbacks.models import ApiKey
from fallbacks.not_now import NotNow
from fallbacks.permissions import MANAGE_KEYS
from fallbacks.reading import Refused
from fallbacks.scopes import SCOPES

# By hours: how a form calls an overlap.
OVERLAPS = {1: "1 hour", 24: "1 day", 168: "7 days"}
AGAIN = "This form has made a key already, which was shown then and only then. No second one was made."
CUT_OFF = "Nothing was made: the form had lost its number. Send it from here."
# What the API calls otherwise than the form.
IN_FORM = {"expires_at": "expires"}


@never_cache
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """List the keys that the person sees."""
    who, now = who_asks(request), timezone.now()
    owners = lists.owners(who)
    filters = lists.asked(request.GET, owners)
    context = {
        "page": lists.page(who, filters, request.GET.get("before", ""), now),
        "is_first_page": not request.GET.get("before"),
        "counts": lists.counts(who, now),
        "filters": filters,
        "owners": owners,
        "nobody": lists.NOBODY,
        "manages": who.may(MANAGE_KEYS),
        "scopes": list(SCOPES),
        "states": lists.STATES,
    }
    return render(request, "pages/keys.html", context)


@never_cache
@require_safe
def one(request: HttpRequest, slug: str) -> HttpResponse:
    """Show a key: what it may, and what can be done with it."""
    who = who_asks(request)
    row = get_object_or_404(key_ring.seen_by(who), prefix=slug)
    context = {
        "row": row,
        "key": lists.Shown(row, timezone.now()),
        "may": [(scope, SCOPES.get(scope, "")) for scope in row.scopes],
        "own": row.owner_id == who.pk,
        "overlaps": OVERLAPS.items(),
        "usual": key_ring.USUAL_OVERLAP,
        "form": uuid.uuid4(),
    }
    return render(request, "pages/key.html", context)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest) -> HttpResponse:
    """Make a key, which the answer alone shows."""
    if request.method != "POST":
        return written(request, form.USUAL, uuid.uuid4())
    sent = typed.sent(form.FIELDS, request.POST)
    number = form_number(request)
    if number is None:
        return written(request, sent, uuid.uuid4(), {"": [CUT_OFF]})
    who, now = who_asks(request), timezone.now()
    try:
        text = key_ring.add(draft(form.data(sent, now), now), who.username, who, form=number)
    except Refused as refused:
        problems: dict[str, list[str]] = {}
        for problem in refused.problems:
            problems.setdefault(IN_FORM.get(problem.field, problem.field), []).append(problem.message)
        return written(request, sent, number, problems)
    except key_ring.MadeAlready:
        messages.error(request, AGAIN)
        return redirect("keys")
    return shown_once(request, text)


@never_cache
@require_POST
def rotate(request: HttpRequest, slug: str) -> HttpResponse:
    """Make a key in the place of another; the answer alone shows it."""
    who = who_asks(request)
    old = get_object_or_404(key_ring.seen_by(who), prefix=slug)
    hours, number = request.POST.get("overlap", ""), form_number(request)
    if number is None or hours not in map(str, OVERLAPS):
        messages.error(request, CUT_OFF)
        return redirect("key", slug)
    try:
        text = key_ring.rotate(old, timedelta(hours=int(hours)), who.username, who, form=number)
    except (NotNow, key_ring.MadeAlready) as error:
        messages.error(request, error.message if isinstance(error, NotNow) else AGAIN)
        return redirect("key", slug)
    return shown_once(request, text)


@never_cache
@require_POST
def revoke(request: HttpRequest, slug: str) -> HttpResponse:
    """Revoke a key."""
    who = who_asks(request)
    row = get_object_or_404(key_ring.seen_by(who), prefix=slug)
    if key_ring.revoke(row, who.username):
        messages.success(request, f"{row.name} is revoked. Within 5 seconds it opens nothing any more.")
    else:
        messages.info(request, f"{row.name} was revoked before.")
    return redirect("key", slug)


def form_number(request: HttpRequest) -> uuid.UUID | None:
    """Return the number of the form that was sent, by which it makes one key alone; None where it has none."""
    try:
        return uuid.UUID(request.POST.get("form", ""))
    except ValueError:
        return None


def written(
    request: HttpRequest, typed_in: fields.Typed, number: uuid.UUID, problems: dict[str, list[str]] | None = None
) -> HttpResponse:
    """Render the form, with what was typed in it and what is wrong with that."""
    found = problems or {}
    own = fields.bound(form.FIELDS, typed_in, found)
    known = {field.name for field in own}
    context = {
        "fields": own,
        "form": number,
        "wrong": [field for field in own if field.problems],
        "wrong_elsewhere": [text for name, texts in found.items() if name not in known for text in texts],
    }
    return render(request, "pages/key_new.html", context)


def shown_once(request: HttpRequest, text: str) -> HttpResponse:
    """Render a new key. It stands in this answer and nowhere else: in no address, message or session."""
    row = ApiKey.objects.select_related("replaces").get(prefix=key_ring.prefix_of(text))
    address = request.build_absolute_uri("/").rstrip("/")
    context: dict[str, Any] = {
        "row": row,
        "key": text,
        "environment": first_event.environment(address, text),
        "trial": first_event.trial(address, text, timezone.now(), row.scopes, row.workloads, row.environments),
        "sends": "events:write" in row.scopes,
    }
    return render(request, "pages/key_made.html", context)
