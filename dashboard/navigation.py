"""The pages that there are, and which of them is open."""

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from dashboard import doors, freshness, words
from dashboard import timezone as viewer
from dashboard.reviews import pending
from fallbacks.models import User


@dataclass(frozen=True, slots=True)
class Page:
    """One entry of the main navigation; `covers` are the names of the addresses that lie below it.

    Who may not open it does not see it, or (`otherwise`) is led elsewhere. `key` opens it, pressed after g. `waiting`
    tells how much waits there.
    """

    word: str
    name: str
    covers: tuple[str, ...] = ()
    key: str = ""
    waiting: Callable[[HttpRequest], int] | None = None
    otherwise: str = ""

    def leads(self, user: User | AnonymousUser) -> str:
        """Return the name of the address that somebody is led to; empty where there is none for them."""
        return next((name for name in (self.name, self.otherwise) if name and doors.opens(user, name)), "")


PAGES = (
    Page("Overview", "overview", ("workload",), key="o"),
    Page("Events", "event-list", ("lookup",), key="e"),
    Page("Violations", "violations", key="v"),
    Page("Reviews", "reviews", ("review-sample", "review-results"), "r", pending.count, "review-results"),
    Page("Policies", "policies", ("policy", "policy-new", "policy-edit", "route", "models", "model-edit"), key="p"),
    Page("Error boundary", "boundary", key="b"),
    Page("Operations", "operations"),
)


def navigation(request: HttpRequest) -> dict[str, object]:
    """Context processor: what the frame of every page needs. Asks the database for the roles, where they are shown."""
    # A page that says that the database is away has no frame, and must not ask.
    roles = SimpleLazyObject(lambda: request.user.roles() if request.user.is_authenticated else [])
    return {
        "own_roles": roles,
        "navigation": SimpleLazyObject(lambda: entries(request)),
        "zone": shown_zone(),
        # Of the stream, and only where the page says it.
        "freshness": SimpleLazyObject(freshness.now),
    }


def entries(request: HttpRequest) -> list[dict[str, str]]:
    """Return the entries of the main navigation that this person sees."""
    match = request.resolver_match
    here = match.url_name if match else None
    return [
        {
            "word": page.word,
            "key": page.key,
            "href": reverse(name),
            "current": "page" if here == name else "true" if here in page.covers else "",
            "waiting": how_many(page.waiting(request)) if page.waiting and name == page.name else "",
        }
        for page in PAGES
        if (name := page.leads(request.user))
    ]


def how_many(count: int) -> str:
    """Write how much waits: 36, 999+, and nothing for none."""
    return f"{pending.MOST - 1}+" if count >= pending.MOST else words.number(count) if count else ""


def shown_zone() -> dict[str, str]:
    """Return the viewer's zone: its name, and how it is said."""
    zone = viewer.current()
    return {"name": zone.key, "said": viewer.said(zone, timezone.now())}
