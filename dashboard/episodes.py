"""Episodes as people read them: how long, how bad, why, whom it concerned, and who acts. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from dashboard.standings import who_acts
from fallbacks.episodes import sparse_episodes
from fallbacks.rates import together
from fallbacks.rulebook import Rulebook
from fallbacks.states import MINUTE, Episode, Limits, Minute, Minutes, State
from fallbacks.timebuckets import Window

NOTHING = Minute()
Classes = Mapping[datetime, Counter[str]]


@dataclass(frozen=True, slots=True)
class Told:
    """An episode and what is known of it. `end` is the last minute known where it goes on.

    `peak` is the highest share of requests that were not answered, or were answered by a fallback, over as many minutes
    as its states are judged by, and `peak_at` the last of these. None where there was no rate.
    """

    episode: Episode
    end: datetime
    so_far: Minute
    cause: str | None
    who_acts: str | None
    peak: float | None
    peak_at: datetime | None
    # Whether it had begun already where the span that is known begins.
    from_before: bool

    @property
    def state(self) -> State:
        return self.episode.worst

    @property
    def lasted(self) -> timedelta:
        return self.end - self.episode.start

    @property
    def around(self) -> Window:
        """The span in which the episode is best looked at: with something of what was before and after."""
        margin = max(10 * MINUTE, self.lasted / 4)
        return Window.around(self.episode.start - margin, self.end + margin)


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a workload over a span: its minutes near anything bad, and their events by class."""

    minutes: Minutes
    classes: Classes
    span: Window


def told(seen: Seen, limits: Limits, book: Rulebook, slug: str) -> list[Told]:
    """Return the episodes of a workload with what is known of each, the newest first."""
    found = sparse_episodes(seen.minutes, seen.span.start, seen.span.end, limits)
    return [one(each, seen, limits, book, slug) for each in reversed(found)]


def one(episode: Episode, seen: Seen, limits: Limits, book: Rulebook, slug: str) -> Told:
    """Return what is known of one episode."""
    end = episode.end or seen.span.end
    moments = each(episode.start, end)
    # What made its first minute bad lies in the minutes before it.
    before = each(episode.start - (limits.for_minutes - 1) * MINUTE, end)
    counted: Counter[str] = Counter()
    for at in before:
        counted.update(seen.classes.get(at, {}))
    cause = max(counted, key=lambda name: (counted[name], name)) if counted else None
    peak, peak_at = highest(moments, seen.minutes, limits, episode.worst)
    return Told(
        episode,
        end,
        whole(seen.minutes, moments),
        cause,
        who_acts(episode.worst, cause, book, slug),
        peak,
        peak_at,
        # Nearer to the edge than the gap that ends one, it may have gone on there.
        episode.start - seen.span.start < limits.for_minutes * MINUTE,
    )


def highest(
    moments: Sequence[datetime], minutes: Minutes, limits: Limits, worst: State
) -> tuple[float | None, datetime | None]:
    """Return the highest share that made an episode bad, and when."""
    # An episode may have thousands of minutes: they are added up once, and not anew for each.
    first = moments[0] - (limits.for_minutes - 1) * MINUTE
    known = [minutes.get(at, NOTHING).counts for at in each(first, moments[-1] + MINUTE)]
    requests = [0, *accumulate(counts.requests or 0 for counts in known)]
    bad = [0, *accumulate(counts.not_answered if worst == "failing" else counts.served for counts in known)]
    off = [0, *accumulate(counts.events for counts in known)]
    peak, peak_at = None, None
    for last, at in enumerate(moments, limits.for_minutes):
        before = last - limits.for_minutes
        of, left = requests[last] - requests[before], off[last] - off[before]
        share = (bad[last] - bad[before]) / of if of >= max(left, 1) else None
        if share is not None and (peak is None or share > peak):
            peak, peak_at = share, at
    return peak, peak_at


def whole(minutes: Minutes, moments: Sequence[datetime]) -> Minute:
    """Return these minutes as one."""
    known = [minutes[at] for at in moments if at in minutes]
    return Minute(together([minute.counts for minute in known]), sum(minute.silent for minute in known))


def each(start: datetime, end: datetime) -> list[datetime]:
    """Return the minutes of a span."""
    return [start + number * MINUTE for number in range(int((end - start) / MINUTE))]
