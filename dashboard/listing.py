"""Lists by name, in pages: what the API asks for, and what the page answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from fallbacks.reading import is_storable

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
    limit, after = query.get("limit", str(MOST)), query.get("cursor", "")
    if not (len(limit) <= len(str(MOST)) and limit.isascii() and limit.isdigit() and 1 <= int(limit) <= MOST):
        raise ValidationError({"limit": [f"must be a whole number from 1 to {MOST}"]})
    if not is_storable(after):
        raise ValidationError({"cursor": ["is cut off: take `next` of the page before as it is"]})
    return Asked(after, int(limit))


def answered(request: Request, page: Asked, names: Sequence[str], shown: Sequence[Any]) -> dict[str, Any]:
    """Return the page. `names` are of what was found, one more than the page has where there is more."""
    following = None
    if len(names) > page.limit:
        query = request.query_params.copy()
        query["cursor"] = names[page.limit - 1]
        following = request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
    return {"results": shown[: page.limit], "next": following}
