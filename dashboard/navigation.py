"""The pages that there are, and which of them is open."""

from collections.abc import Container
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from dashboard import freshness
from dashboard import timezone as viewer


@dataclass(frozen=True, slots=True)
class Page:
    """One entry of the main navigation; `covers` are the names of the addresses that lie below it.

    Where it names a role, nobody else sees it. `key` opens it, pressed after g.
    """

    word: str
    name: str
    covers: tuple[str, ...] = ()
    role: str = ""
    key: str = ""


PAGES = (
    Page("Overview", "overview", ("workload",), key="o"),
    Page("Events", "event-list", ("lookup",), key="e"),
    Page("Violations", "violations", key="v"),
    Page("Policies", "policies", ("policy", "policy-new", "policy-edit", "models", "model-edit"), key="p"),
    Page("Error boundary", "boundary", key="b"),
    Page("Operations", "operations", role="admin"),
)


def navigation(request: HttpRequest) -> dict[str, object]:
    """Context processor: what the frame of every page needs. Asks the database for the roles, where they are shown."""
    # A page that says that the database is away has no frame, and must not ask.
    roles = SimpleLazyObject(lambda: request.user.roles() if request.user.is_authenticated else [])
    return {
        "own_roles": roles,
        "navigation": SimpleLazyObject(lambda: entries(request, roles)),
        "zone": shown_zone(),
        # Of the stream, and only where the page says it.
        "freshness": SimpleLazyObject(freshness.now),
    }


def entries(request: HttpRequest, roles: Container[str]) -> list[dict[str, str]]:
    """Return the entries of the main navigation that this person sees."""
    match = request.resolver_match
    here = match.url_name if match else None
    return [
        {
            "word": page.word,
            "key": page.key,
            "href": reverse(page.name),
            "current": "page" if here == page.name else "true" if here in page.covers else "",
        }
        for page in PAGES
        if not page.role or page.role in roles
    ]


def shown_zone() -> dict[str, str]:
    """Return the viewer's zone: its name, and how it is said."""
    zone = viewer.current()
    return {"name": zone.key, "said": viewer.said(zone, timezone.now())}
