"""From nothing to the first own event: make a key, send an event with it, see it arrive."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import redis
from django.core import signing
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from django_htmx.http import HttpResponseClientRedirect, HttpResponseStopPolling

from dashboard import doors, first_event, queries, who_may
from dashboard.events import links as event_links
from dashboard.events import rows as event_rows
from dashboard.events.conditions import Filters
from dashboard.queries import Scope
from dashboard.views.keys import AGAIN, CUT_OFF, form_number
from dashboard.views.who_asks import who_asks
from fallbacks import key_ring, tally
from fallbacks.key_drafts import draft
from fallbacks.models import Event, Workload
from fallbacks.retention import NEWEST_TAKEN, OLDEST_TAKEN
from fallbacks.timebuckets import Window

KEY_NAME = "first-key"
SCOPES = ("events:write", "traffic:write")
# The clocks of two machines differ.
SKEW = timedelta(minutes=1)
MOST_NEW = 20
# A page that nobody looks at any more.
LONGEST_WAIT = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Watch:
    """What a page waits for, and what was so when it was opened. Signed, it goes along with each look."""

    since: float
    # Number of the newest workload; 0 where nothing has ever come in: then whatever comes is what is waited for.
    newest: int
    # Of the event that the command sends.
    request_id: str
    # At the door, by reason.
    rejected: dict[str, int] = field(default_factory=dict)

    @property
    def waited(self) -> timedelta:
        return timezone.now() - datetime.fromtimestamp(self.since, UTC)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def first_run(request: HttpRequest) -> HttpResponse:
    """Show the three steps; a POST makes the key, which this answer alone shows."""
    key, problem = made(request) if request.method == "POST" else ("", "")
    may_make = doors.opens(request.user, "first-run", "POST")
    address = request.build_absolute_uri("/").rstrip("/")
    request_id = first_event.new_request_id()
    watch = opened(request_id)
    context = {
        "key": key,
        "problem": problem,
        "form": uuid4(),
        "key_name": KEY_NAME,
        "may_make": may_make,
        "whom_to_ask": "" if may_make else who_may.whom_to_ask(),
        "address": address,
        "ways": first_event.ways(address, key or first_event.NO_KEY, request_id),
        "is_first": watch.newest == 0,
        **waiting(watch),
    }
    return render(request, "pages/first_run.html", context)


def made(request: HttpRequest) -> tuple[str, str]:
    """Make the key, and return its text; or none, and why not."""
    number = form_number(request)
    if number is None:
        return "", CUT_OFF
    asked = draft({"name": KEY_NAME, "scopes": list(SCOPES)}, timezone.now())
    who = who_asks(request)
    try:
        return key_ring.add(asked, who.username, who, form=number), ""
    except key_ring.MadeAlready:
        return "", AGAIN


@never_cache
@require_safe
def arrived(request: HttpRequest) -> HttpResponse:
    """Answer a waiting page: go on to the event, or wait on."""
    try:
        watch = Watch(**signing.loads(request.GET.get("watch", "")))
    except signing.BadSignature as error:
        raise BadRequest("The address is cut off.") from error
    if (event := found(watch)) is not None:
        return HttpResponseClientRedirect(event_links.around(event))
    if watch.waited > LONGEST_WAIT:
        return HttpResponseStopPolling(render(request, "partials/waiting.html", {"gave_up": True}).content)
    return render(request, "partials/waiting.html", waiting(watch))


def opened(request_id: str) -> Watch:
    """Return what a page that is opened now waits for."""
    newest = 0
    if queries.environments():
        newest = Workload.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    return Watch(timezone.now().timestamp(), newest, request_id, refused())


def found(watch: Watch) -> Event | None:
    """Return the event that is waited for: that of the command, or the latest of a workload that is new."""
    now = timezone.now()
    kept = Window.around(now - OLDEST_TAKEN, now + NEWEST_TAKEN)
    if not watch.newest:
        return first(event_rows.latest(kept, Scope(), Filters(), 1))
    new = list(Workload.objects.filter(pk__gt=watch.newest).values_list("slug", flat=True)[:MOST_NEW])
    since = Window.around(datetime.fromtimestamp(watch.since, UTC) - SKEW, now + NEWEST_TAKEN)
    sent = event_rows.latest(since, Scope(), Filters({"request_id": [watch.request_id]}), 1)
    return first(sent) or (first(event_rows.latest(kept, Scope(new), Filters(), 1)) if new else None)


def first(events: Sequence[Event]) -> Event | None:
    return events[0] if events else None


def waiting(watch: Watch) -> dict[str, Any]:
    """Return what a page shows while it waits: for how long it has, and what was refused meanwhile."""
    minutes, seconds = divmod(int(watch.waited.total_seconds()), 60)
    since = {reason: count - watch.rejected.get(reason, 0) for reason, count in refused().items()}
    return {
        "watch": signing.dumps(asdict(watch)),
        "waited": f"{minutes}:{seconds:02}",
        "long": minutes > 0,
        "rejected": [(reason, count) for reason, count in since.items() if count > 0],
    }


def refused() -> dict[str, int]:
    """Return what was refused at the door so far, by field or error code; nothing where that is not known."""
    try:
        return tally.door().rejected
    except redis.RedisError:
        return {}
