"""Pages of a list of events: which event the next one follows, as it stands in an address."""

from collections.abc import Mapping
from datetime import datetime

from django.core.exceptions import BadRequest
from rest_framework.exceptions import ValidationError

from dashboard import parameters
from fallbacks.models import Event


def following(event: Event) -> str:
    """Return what the address of the page after this event holds."""
    return parameters.encode_cursor((event.occurred_at, event.workload_id, event.id))


def after(query: Mapping[str, str]) -> tuple[datetime, int, str] | None:
    """Read `after`: the key of the last event of the page before, None for the first page."""
    if "after" not in query:
        return None
    try:
        return parameters.decode_cursor(query["after"])
    except ValidationError as error:
        raise BadRequest("The address is cut off.") from error
