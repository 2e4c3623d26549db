"""Which events an export holds: those that the list of events shows at the same query."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.http import HttpRequest

from dashboard.events import counts as event_counts
from dashboard.events import filters as event_filters
from dashboard.events.conditions import Filters
from dashboard.events.counts import Known
from dashboard.queries import Scope
from dashboard.views.controls import Asked, asked
from fallbacks.timebuckets import Window


@dataclass(frozen=True)
class Wanted:
    """A list of events to be exported: as its page shows it. Where a filter's value was not understood, nothing is.

    `problems` say which, `notes` what else was not understood.
    """

    ask: Asked
    filters: Filters
    scope: Scope
    known: Known
    chips: Sequence[event_filters.Chip]
    problems: Sequence[str]
    notes: Sequence[str]
    query: str

    @property
    def window(self) -> Window:
        return self.ask.span.window

    @property
    def total(self) -> int | None:
        """How many there are, where that can be told before they are written."""
        return self.known.matching if self.known.exact else None

    @property
    def named(self) -> tuple[str, ...]:
        """What the file is named after: workloads where they are few, and the environment."""
        slugs = list(self.scope.workloads or [])
        return (*(slugs if len(slugs) < 3 else [f"{len(slugs)}-workloads"]), self.ask.environment)

    @property
    def what(self) -> str:
        """Such as "events of support-chat, production": no filter's value, which may be a text of a service."""
        return f"events of {', '.join(self.named)}"


def of_events(request: HttpRequest) -> Wanted:
    """Read the list from the address. Two queries."""
    ask = asked(request)
    found = event_filters.asked(request.GET)
    scope = Scope(found.workloads or None, ask.environment)
    kept = request.GET.copy()
    for name in event_filters.PLACE:
        kept.pop(name, None)
    return Wanted(
        ask,
        found.filters,
        scope,
        event_counts.known(ask.span.window, scope, found.filters),
        found.chips,
        found.refused,
        [*ask.problems, *found.strange],
        kept.urlencode(),
    )
