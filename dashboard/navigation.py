"""The pages that there are, and which of them is open."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from dashboard import timezone as viewer


@dataclass(frozen=True, slots=True)
class Page:
    """One entry of the main navigation; `covers` are the names of the addresses that lie below it."""

    word: str
    name: str
    covers: tuple[str, ...] = ()


PAGES = (Page("Overview", "overview", ("workload",)),)


def navigation(request: HttpRequest) -> dict[str, object]:
    """Context processor: what the frame of every page needs. Asks the database nothing."""
    match = request.resolver_match
    here = match.url_name if match else None
    zone = viewer.current()
    return {
        "navigation": [
            {
                "word": page.word,
                "href": reverse(page.name),
                "current": "page" if here == page.name else "true" if here in page.covers else "",
            }
            for page in PAGES
        ],
        "zone": {"name": zone.key, "said": viewer.said(zone, timezone.now())},
    }
