"""Where one event leads: the list around it, and its workload around its time."""

from datetime import timedelta
from urllib.parse import urlencode

from django.urls import reverse

from dashboard import paging
from fallbacks.models import Event

AROUND = timedelta(minutes=30)


def around(event: Event, *, opened: bool = True) -> str:
    """Return the address of its workload's list that begins with this event, with the event open."""
    # The list follows the place just before the event, which is its first row then, however many are of one instant.
    place = (event.occurred_at, event.workload_id, f"{event.id}\x01")
    query = {**_span(event), "workload": event.workload.slug, "after": paging.token(place)}
    if opened:
        query["open"] = paging.following(event)
    return f"{reverse('event-list')}?{urlencode(query)}"


def workload(event: Event) -> str:
    """Return the address of its workload's page around the event's time."""
    return f"{reverse('workload', args=[event.workload.slug])}?{urlencode(_span(event))}"


def _span(event: Event) -> dict[str, str]:
    start, end = event.occurred_at - AROUND, event.occurred_at + AROUND
    return {
        "range": "custom",
        "from": start.isoformat(timespec="minutes"),
        "to": end.isoformat(timespec="minutes"),
        "environment": event.environment,
    }
