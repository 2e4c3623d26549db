"""Episodes that go on: what is remembered of them, so that a page that is watched looks for their beginning once."""

from collections.abc import Hashable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from fallbacks.states import MINUTE, Limits, Minute, Minutes

# What comes late, and would have been the beginning, is seen after so long at the latest.
REMEMBERED = timedelta(minutes=5)
# The last minutes are still being counted.
UNSETTLED = 2 * MINUTE


@dataclass(frozen=True, slots=True)
class Ongoing:
    """An episode that goes on: its start, and its minutes before `settled` as one.

    It was looked for at the minute `found`, and seen going on at `seen`, by the rules of `revision`.
    """

    start: datetime
    settled: datetime
    before: Minute
    found: datetime
    seen: datetime
    revision: int

    def later(self, minutes: Minutes, end: datetime, limits: Limits) -> "Ongoing":
        """Return it as it is at `end`, from the minutes since it was settled."""
        until = max(self.settled, end - min(UNSETTLED, limits.for_minutes * MINUTE))
        return replace(self, before=self.before + whole(minutes, self.settled, until), settled=until, seen=end)

    def so_far(self, minutes: Minutes, end: datetime) -> Minute:
        """Return all of its minutes as one, the one under way included."""
        return self.before + whole(minutes, self.settled, end + MINUTE)

    def holds(self, end: datetime, limits: Limits, known_since: datetime, revision: int) -> bool:
        """Tell whether an episode that goes on at `end` is this one, and enough is known to follow it."""
        return (
            self.revision == revision
            and timedelta() <= end - self.found < REMEMBERED
            # After so long without it would be another one.
            and end - self.seen <= limits.for_minutes * MINUTE
            and known_since <= self.settled
        )


def begun(start: datetime, minutes: Minutes, end: datetime, limits: Limits, revision: int) -> Ongoing:
    """Return the episode that goes on since `start`."""
    return Ongoing(start, start, Minute(), end, end, revision).later(minutes, end, limits)


def whole(minutes: Minutes, start: datetime, end: datetime) -> Minute:
    """Return the minutes from `start` to `end` (outside) as one."""
    return sum((minute for moment, minute in minutes.items() if start <= moment < end), Minute())


_remembered: dict[Hashable, Ongoing] = {}
# The minute of the last look for what is over: a page remembers many at once.
_looked_at = datetime.min.replace(tzinfo=UTC)


def remember(place: Hashable, episode: Ongoing) -> Ongoing:
    """Remember the episode that goes on at a place, and forget those that nobody has seen for long.

    Services name the places, as many as they like.
    """
    global _looked_at
    if episode.seen > _looked_at:
        _looked_at = episode.seen
        for known, other in list(_remembered.items()):
            if episode.seen - other.seen > REMEMBERED:
                _remembered.pop(known, None)
    _remembered[place] = episode
    return episode


def recall(place: Hashable) -> Ongoing | None:
    """Return what is remembered."""
    return _remembered.get(place)


def forget() -> None:
    """Look for the beginning of every episode again."""
    global _looked_at
    _looked_at = datetime.min.replace(tzinfo=UTC)
    _remembered.clear()
