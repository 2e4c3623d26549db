"""How each workload and environment stands now: its state, since when, why and who acts. From rollups of minutes."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from psycopg import sql

from dashboard.ongoing import Ongoing, begun, recall, remember
from dashboard.queries import Scope
from fallbacks import rulebook
from fallbacks.boundary import BY_NAME, WORKLOAD_OWNER
from fallbacks.rates import Counts
from fallbacks.rulebook import Rulebook
from fallbacks.states import BAD, DAY, MINUTE, Episode, Limits, Minute, Minutes, State, episodes, state, together
from fallbacks.timebuckets import Window
from fallbacks.verdict import mask

# A workload and one of its environments.
Place = tuple[str, str]
# How far back the beginning of an episode is looked for, and how far if it lies before that.
LOOK_BACK = (timedelta(hours=6), timedelta(days=7))
SILENT = mask(["silent"])


@dataclass(frozen=True, slots=True)
class Standing:
    """How one workload and environment stands.

    `requests` and `events` are of the minutes that its state is judged by: full ones, and the one under way where it is
    `silent`; of the last 24 hours where it is `no_traffic`. `cause` is the commonest error class of these events,
    `since` the start of its episode.
    """

    workload: str
    environment: str
    state: State
    since: datetime | None
    cause: str | None
    who_acts: str | None
    requests: int | None
    events: int


@dataclass(frozen=True, slots=True)
class Followed:
    """A standing, and what is behind it: the share of its requests that a fallback answers, and its episode so far."""

    standing: Standing
    degraded_rate: float | None
    so_far: Minute


@dataclass(slots=True)
class Seen:
    """What is known of a place: its minutes, and their events by class."""

    minutes: dict[datetime, Minute] = field(default_factory=dict)
    classes: dict[datetime, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))


def standings(now: datetime, scope: Scope) -> list[Standing]:
    """Return how everything stands that had events or traffic in the last 24 hours, by name."""
    return [followed.standing for followed in follow(now, scope, rulebook.recent())]


def follow(now: datetime, scope: Scope, book: Rulebook) -> list[Followed]:
    """Return the same, each with what is behind it. Three queries, and one for an episode that is older than hours."""
    days = last_day(now, scope)
    longest = max((limits_of(book, workload).for_minutes for workload, _ in days), default=1)
    end = now.replace(second=0, microsecond=0)
    window = Window(end - longest * MINUTE, end + MINUTE)
    seen = minutes(window, scope)
    states = {
        place: state(seen[place].minutes, now, limits_of(book, place[0]), counts) for place, counts in days.items()
    }
    going_on = since({place for place, found in states.items() if found in BAD}, book, seen, window)
    return [
        followed(place, found, book, seen[place], days[place], going_on.get(place), end)
        for place, found in sorted(states.items())
    ]


def followed(
    place: Place, found: State, book: Rulebook, seen: Seen, day: Counts, episode: Ongoing | None, end: datetime
) -> Followed:
    """Put together what is known of one place."""
    workload, environment = place
    length = limits_of(book, workload).for_minutes
    judged = together(seen.minutes, end, length).counts
    # Who was not told is not told in the minute that is under way, too.
    under_way = int(found == "silent")
    looked_at = together(seen.minutes, end + under_way * MINUTE, length + under_way)
    counts = day if found == "no_traffic" else looked_at.counts
    moments = [end - number * MINUTE for number in range(1 - under_way, length + 1)]
    classes = sum((seen.classes[moment] for moment in moments if moment in seen.classes), Counter[str]())
    cause = max(classes, key=lambda name: (classes[name], name)) if classes and found in BAD else None
    standing = Standing(
        workload,
        environment,
        found,
        episode.start if episode else None,
        cause,
        who_acts(found, cause, book, workload),
        counts.requests,
        counts.events,
    )
    return Followed(standing, judged.degraded_rate, episode.so_far(seen.minutes, end) if episode else Minute())


def who_acts(found: State, cause: str | None, book: Rulebook, workload: str) -> str | None:
    """Return who acts: as the boundary says of the cause; where a rule is broken, the workload's owner."""
    if found not in BAD:
        return None
    version = book.latest(workload)
    owner = (version.policy.owner if version else "") or WORKLOAD_OWNER
    error = BY_NAME.get(cause or "")
    return owner if found == "silent" or error is None or error.who_acts == WORKLOAD_OWNER else error.who_acts


def limits_of(book: Rulebook, workload: str) -> Limits:
    """Return when the workload counts as degraded, by its policy as it is now."""
    version = book.latest(workload)
    return Limits(version.policy.degraded_above, version.policy.for_minutes) if version else Limits()


def since(
    places: Collection[Place], book: Rulebook, fresh: Mapping[Place, Seen], known: Window
) -> dict[Place, Ongoing]:
    """Return the episodes that go on at the end of `known`, of which `fresh` has the minutes.

    One that is older than a week began at least then. What was found lately is not looked for again.
    """
    end = known.end - MINUTE
    found: dict[Place, Ongoing] = {}
    for place in places:
        limits, episode = limits_of(book, place[0]), recall(place)
        if episode is not None and episode.holds(end, limits, known.start, book.revision):
            found[place] = remember(place, episode.later(fresh[place].minutes, end, limits))
    open_ = set(places) - set(found)
    for length in LOOK_BACK:
        if not open_:
            break
        start = end - length
        # The first minutes are judged with those before them.
        before = max(limits_of(book, workload).for_minutes for workload, _ in open_) * MINUTE
        seen = minutes(Window(start - before, end + MINUTE), Scope({workload for workload, _ in open_}))
        for place in list(open_):
            limits, held = limits_of(book, place[0]), seen[place].minutes
            last = latest(held, start, end + MINUTE, limits)
            episode = begun(last.start if last else end, held, end, limits, book.revision)
            found[place] = remember(place, episode)
            # One that began nearer to the edge may go on beyond it: a gap as long as the patience ends it.
            if episode.start - start >= limits.for_minutes * MINUTE:
                open_.remove(place)
    return found


def latest(minutes: Minutes, start: datetime, end: datetime, limits: Limits) -> Episode | None:
    found = episodes(minutes, start, end, limits)
    return found[-1] if found else None


DAYS = """
SELECT w.slug, environment, sum(requests)::bigint, sum(served)::bigint, sum(failed)::bigint, sum(blocked)::bigint
FROM rollup_hour JOIN workload w ON w.id = workload_id WHERE {condition} GROUP BY 1, 2
"""
# Requests and outcomes of each minute, and its events by class.
MINUTES = """
SELECT w.slug, environment, bucket, NULL, requests, served, failed, blocked, 0
FROM rollup_minute JOIN workload w ON w.id = workload_id WHERE {condition}
UNION ALL
SELECT w.slug, environment, bucket, error_class, NULL, sum(events)::bigint, NULL, NULL,
       coalesce(sum(events) FILTER (WHERE rules & {silent} <> 0), 0)::bigint
FROM breakdown_minute JOIN workload w ON w.id = workload_id WHERE {condition} GROUP BY 1, 2, 3, 4
"""


def last_day(now: datetime, scope: Scope) -> dict[Place, Counts]:
    """Return the counts of the last 24 hours, to the hour."""
    rows = asked(DAYS, Window(now - DAY, now + MINUTE), scope)
    return {(slug, environment): Counts(*counts) for slug, environment, *counts in rows}


def minutes(window: Window, scope: Scope) -> Mapping[Place, Seen]:
    """Return the minutes of every place that has any. One query."""
    found: dict[Place, Seen] = defaultdict(Seen)
    for slug, environment, bucket, name, *counts, silent in asked(MINUTES, window, scope):
        seen = found[slug, environment]
        if name is None:
            minute = Minute(Counts(*counts))
        else:
            seen.classes[bucket][name] += counts[1]
            if not silent:
                continue
            minute = Minute(silent=silent)
        # Most minutes have no answer that was silent: of those nothing is added up.
        known = seen.minutes.get(bucket)
        seen.minutes[bucket] = minute if known is None else known + minute
    return found


def asked(statement: str, window: Window, scope: Scope) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(condition=scope.condition(window), silent=sql.Literal(SILENT)))
        return list(cursor.fetchall())
