"""The list of events: what was found, of how many, and where to go on in either direction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from dashboard import paging, words
from dashboard.events import counts as event_counts
from dashboard.events import links as event_links
from dashboard.events import rows as event_rows
from dashboard.events.conditions import Filters
from dashboard.events.counts import Known
from dashboard.events.rows import Key, Page
from dashboard.forms import RANGES
from dashboard.queries import Scope
from fallbacks import retention
from fallbacks.models import Event
from fallbacks.timebuckets import Window

A_PAGE = 50
NOTHING = Page([])


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the list the page is: after an event, before one, or at its beginning."""

    after: Key | None = None
    before: Key | None = None

    @property
    def is_first(self) -> bool:
        return self.after is None and self.before is None


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of the list. `newer` and `older` are tokens, empty where there is nothing that way.

    `searched_to`: the search has ended at this time for the sake of the others who wait, and goes on at `further`.
    """

    page: Page
    known: Known
    place: Place
    filtered: bool

    @property
    def events(self) -> Sequence[Event]:
        return self.page.events

    @property
    def backwards(self) -> bool:
        return self.place.before is not None

    @property
    def newer(self) -> str:
        there = self.page.more if self.backwards else not self.place.is_first
        return paging.following(self.events[0]) if self.events and there else ""

    @property
    def older(self) -> str:
        there = True if self.backwards else self.page.more
        return paging.following(self.events[-1]) if self.events and there else ""

    @property
    def searched_to(self) -> datetime | None:
        return self.page.searched_to[0] if self.page.searched_to else None

    @property
    def further(self) -> str:
        return paging.token(self.page.searched_to) if self.page.searched_to else ""

    @property
    def is_all(self) -> bool:
        """Whether the page holds all that match."""
        return self.place.is_first and not self.page.more and not self.page.searched_to

    @property
    def count(self) -> str:
        """Return how many match, of how many: as far as that is known without looking at each."""
        if not self.filtered:
            # Of a time whose minutes are gone, rollups are exact to the hour.
            return events(len(self.events) if self.is_all and self.events else self.known.total)
        if self.is_all or self.known.exact:
            many = matching(len(self.events) if self.is_all else self.known.matching)
        elif self.known.matching < self.known.total:
            many = f"At most {matching(self.known.matching)}"
        else:
            return f"Those that match of {events(self.known.total)}"
        return f"{many}, of {words.number(self.known.total)}"


def events(count: int) -> str:
    return f"{words.number(count) if count else 'No'} event{'s' if count > 1 else ''}"


def matching(count: int) -> str:
    """Say how many match."""
    return f"{events(count)} match{'es' if count in (0, 1) else ''}"


def listed(window: Window, scope: Scope, filters: Filters, place: Place) -> Listing:
    """Return a page of the list. Two queries; three where newer pages have come to their end."""
    known = event_counts.known(window, scope, filters)
    found = _page(window, scope, filters, place, known)
    if place.before is not None and not found.more and not found.searched_to:
        # The newest are there: the first page, filled up.
        place = Place()
        found = _page(window, scope, filters, place, known)
    return Listing(found, known, place, bool(filters.values))


def _page(window: Window, scope: Scope, filters: Filters, place: Place, known: Known) -> Page:
    part = known.narrowed(window, place.after, place.before)
    if part is None:
        return NOTHING
    return event_rows.page(part, scope, filters, A_PAGE, after=place.after, before=place.before)


def nothing(window: Window, scope: Scope) -> Listing:
    """Return a list of nothing, where it is not known what is asked for."""
    return Listing(NOTHING, event_counts.known(window, scope, Filters()), Place(), filtered=False)


@dataclass(frozen=True, slots=True)
class Near:
    """The newest event that matches in all the time that is kept, and the range that would show it."""

    event: Event
    range: str
    word: str

    @property
    def link(self) -> str:
        """Where it is seen, if no range reaches so far."""
        return event_links.around(self.event)


def nearest(scope: Scope, filters: Filters, now: datetime) -> Near | None:
    """Return the newest event that matches at any time; None where a bounded search finds none. Two queries."""
    window = Window(kept_since(now), Window.last(timedelta(minutes=1), now).end)
    part = event_counts.known(window, scope, filters).narrowed(window)
    found = event_rows.latest(part, scope, filters, 1) if part else []
    if not found:
        return None
    for key, (length, word, _) in RANGES.items():
        if found[0].occurred_at >= Window.last(length, now).start:
            return Near(found[0], key, word)
    return Near(found[0], "", "")


def kept_since(now: datetime) -> datetime:
    """Return from when on events are kept."""
    return datetime.combine(retention.oldest_day_kept(now), time(), UTC)
