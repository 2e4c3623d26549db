"""How one workload stands now, whatever span a page shows: its state, since when, and what is so. Pure."""

from dataclasses import dataclass
from datetime import datetime

from dashboard.ongoing import begun
from dashboard.overview.calls import Call, call
from dashboard.standings import Followed, Seen, followed, limits_of
from dashboard.state_words import URGENT
from dashboard.workload import words as workload_words
from dashboard.workload.counts import Known
from fallbacks.episodes import sparse_episodes
from fallbacks.rulebook import Rulebook
from fallbacks.states import MINUTE, state, together


@dataclass(frozen=True, slots=True)
class Now:
    """How a workload stands: `state` is one of `state_words.STATES`. Where it needs someone there is a call, else
    `sentence` says what is so."""

    state: str
    since: datetime | None
    call: Call | None
    sentence: str


def now(slug: str, environment: str, known: Known, book: Rulebook, moment: datetime, going_on: datetime | None) -> Now:
    """Return how it stands at the moment, by the minutes before it. `going_on` is since when its episode goes on, where
    that is known already."""
    standing = stands(slug, environment, known, book, moment, going_on)
    found, limits = standing.standing, limits_of(book, slug)
    if found.state in URGENT:
        return Now(found.state, found.since, call(standing, book, moment), "")
    version = book.latest(slug)
    judged = together(known.minutes, moment.replace(second=0, microsecond=0), limits.for_minutes).counts
    primary = version.policy.primary if version else ""
    quiet = not known.day.events and known.day.requests is None
    return Now(
        "quiet" if quiet else "under_reported" if known.day.under_reported else found.state,
        None,
        None,
        workload_words.now(found, judged, known.day, limits, primary),
    )


def stands(
    slug: str, environment: str, known: Known, book: Rulebook, moment: datetime, going_on: datetime | None
) -> Followed:
    """Return its standing, as `standings.follow` does, from minutes that were read already."""
    limits = limits_of(book, slug)
    end = moment.replace(second=0, microsecond=0)
    found = state(known.minutes, moment, limits, known.day)
    ongoing = None
    if found in URGENT:
        if going_on is None:
            last = sparse_episodes(known.minutes, min(known.minutes), end + MINUTE, limits)[-1:]
            going_on = last[0].start if last else end
        ongoing = begun(going_on, known.minutes, end, limits, book.revision)
    seen = Seen(known.minutes, known.classes)
    return followed((slug, environment), found, book, seen, known.day, ongoing, end)
