"""The episodes of a workload's page: those of its span, in words, and where each leads. Pure."""

from dataclasses import dataclass
from datetime import datetime

from dashboard import words
from dashboard.episodes import Seen, Told, told
from dashboard.events.addresses import Events, of_window
from dashboard.overview.acting import said
from dashboard.standings import limits_of
from dashboard.state_words import PROVIDER
from dashboard.workload.counts import Known
from fallbacks.rulebook import Rulebook
from fallbacks.states import DAY, MINUTE
from fallbacks.timebuckets import Window

# More than these are no list to read: a shorter span shows them.
MOST = 50


@dataclass(frozen=True, slots=True)
class Row:
    """An episode: `asked` is how the span around it is asked for, `href` where its events are listed."""

    told: Told
    lasted: str
    cause: str
    asked: dict[str, str]
    href: str


def happened(known: Known, events: Events, book: Rulebook, now: datetime) -> list[Told]:
    """Return the episodes of the span that is shown, the newest first."""
    window = events.span.window
    running = now.replace(second=0, microsecond=0)
    # Of a span that ends now, the whole last day is known: an episode that goes on may have begun before it.
    start = min(window.start, running - DAY) if events.span.goes_on(now) else window.start
    span = Window(max(start, known.since or start), min(window.end, running + MINUTE))
    slug = events.workload
    found = told(Seen(known.minutes, known.classes, span), limits_of(book, slug), book, slug)
    return [each for each in found if each.end > window.start]


def going_on(found: list[Told], live: bool) -> datetime | None:
    """Return since when the last episode of a span goes on; None where it does not, or the span is past."""
    return found[0].episode.start if live and found and found[0].episode.end is None else None


def rows(found: list[Told], events: Events, book: Rulebook, now: datetime) -> list[Row]:
    """Return the rows of the table."""
    version = book.latest(events.workload)
    model = book.models.get(version.policy.primary) if version else None
    return [
        Row(
            told=each,
            lasted=words.duration(each.lasted),
            cause=f"{said(each.cause or '')}{f' at {model.provider}' if model and each.who_acts == PROVIDER else ''}",
            asked=of_window(Window.around(each.around.start, min(each.around.end, now))),
            href=events.within(Window(each.episode.start, each.end)),
        )
        for each in found
    ]
