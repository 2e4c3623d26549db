"""Lists by name, in pages: what the API asks for, and what the page answers."""

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from fallbacks.reading import is_storable, whole_number

MOST = 500


@dataclass(frozen=True, slots=True)
class Asked:
    """Which page of a list: what comes after the name `after`, and `limit` of it at most."""

    after: str
    limit: int


def asked(request: Request) -> Asked:
    """Read `cursor` and `limit`. Raises ValidationError, for any other parameter too."""
    query = request.query_params
    if unknown := sorted(set(query) - {"cursor", "limit"}):
        raise ValidationError({unknown[0]: ["is not a known parameter; there are cursor, limit"]})
    limit = whole_number(query.get("limit", str(MOST)), MOST)
    if not limit:
        raise ValidationError({"limit": [f"must be a whole number from 1 to {MOST}"]})
    return Asked(_name(query["cursor"]) if "cursor" in query else "", limit)


def answered(request: Request, page: Asked, names: Sequence[str], shown: Sequence[Any]) -> dict[str, Any]:
    """Return the page. `names` are of what was found, one more than the page has where there is more."""
    following = None
    if len(names) > page.limit:
        query = request.query_params.copy()
        query["cursor"] = _cursor(names[page.limit - 1])
        following = request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
    return {"results": shown[: page.limit], "next": following}


def _cursor(name: str) -> str:
    """Return the cursor of the page that comes after a name: no name by itself, so that a made-up one is noticed."""
    return base64.urlsafe_b64encode(msgspec.json.encode([name])).decode()


def _name(cursor: str) -> str:
    try:
        (name,) = msgspec.json.decode(base64.urlsafe_b64decode(cursor), type=tuple[str])
        if not is_storable(name):
            raise ValueError
    except (binascii.Error, ValueError) as error:
        raise ValidationError({"cursor": ["is cut off: take `next` of the page before as it is"]}) from error
    return name
