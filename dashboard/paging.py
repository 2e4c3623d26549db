"""Places in lists of events, as they stand in an address: the key of an event in the order of all."""

from collections.abc import Mapping

from rest_framework.exceptions import ValidationError

from dashboard import parameters
from dashboard.events.rows import Key, key_of
from fallbacks.models import Event


def following(event: Event) -> str:
    """Return the token of an event: the page after it follows it, and `open` opens it."""
    return token(key_of(event))


def token(key: Key) -> str:
    return parameters.encode_cursor(key)


def place(query: Mapping[str, str], name: str) -> Key | None:
    """Read `after`, `before` or `open`; None where it is not there. Raises ValueError where it is cut off."""
    if name not in query:
        return None
    try:
        return parameters.decode_cursor(query[name])
    except ValidationError as error:
        raise ValueError(f"{name} is cut off") from error
