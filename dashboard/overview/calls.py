"""Which workloads need someone now: one sentence each, and where it leads. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.forms import RANGES
from dashboard.overview.rows import URGENCY
from dashboard.standings import Followed
from dashboard.state_words import URGENT, Facts, acting, why
from dashboard.violations import owner
from fallbacks.boundary import WORKLOAD_OWNER
from fallbacks.routes import NOTICE
from fallbacks.rulebook import Rulebook

# More than this is a table and no list of calls; the table has them all.
MOST = 10


@dataclass(frozen=True, slots=True)
class Call:
    """A workload that needs someone. It reads: `slug` has been `state` since `since` (`lasts`): `why`. `who` `acts`

    `todo` is where it leads: to the `route`, to the `answers` (`silent` many) of the last `span`, or to the `episode`.
    """

    slug: str
    state: str
    since: datetime | None
    lasts: timedelta
    why: str
    who: str
    acts: str
    todo: str
    silent: int
    span: str


@dataclass(frozen=True, slots=True)
class Ending:
    """A route whose enablement is over soon."""

    slug: str
    owner: str
    ends: datetime


def ending(workloads: Iterable[str], book: Rulebook, now: datetime) -> list[Ending]:
    """Return the routes of these workloads' policies whose enablement is over soon, the first to end first."""
    found = [
        Ending(slug, owner(book, slug) or WORKLOAD_OWNER, ends)
        for slug in workloads
        if (ends := soon_over(slug, book, now))
    ]
    return sorted(found, key=lambda each: (each.ends, each.slug))[:MOST]


def soon_over(slug: str, book: Rulebook, now: datetime) -> datetime | None:
    """Return when the enablement of the workload's route is over, where that is within the time of notice."""
    version = book.latest(slug)
    if version is None:
        return None
    ends = book.enabled_until(slug, version.policy.primary, version.policy.fallback, now)
    return ends if ends is not None and ends <= now + NOTICE else None


def calls(followed: Iterable[Followed], book: Rulebook, now: datetime) -> list[Call]:
    """Return the calls, the most urgent first, and of equal ones that which has lasted longest."""
    found = [call(each, book, now) for each in followed if each.standing.state in URGENT]
    return sorted(found, key=lambda each: (-URGENCY[each.state], -each.lasts, each.slug))


def call(followed: Followed, book: Rulebook, now: datetime) -> Call:
    standing = followed.standing
    slug, state = standing.workload, standing.state
    facts = Facts(state, standing.cause, followed.degraded_rate, followed.so_far, is_enabled(slug, book, now))
    lasts = now - (standing.since or now)
    who, acts = acting(standing.who_acts or "", owner(book, slug))
    return Call(
        slug=slug,
        state=state,
        since=standing.since,
        lasts=max(lasts, timedelta()),
        why=why(slug, facts, book),
        who=who,
        acts=acts,
        todo=todo(state, followed, enabled=facts.enabled),
        silent=followed.so_far.silent,
        span=next((key for key, (length, *_) in RANGES.items() if lasts < length), "30d"),
    )


def todo(state: str, followed: Followed, *, enabled: bool) -> str:
    """Return what there is to look at: what policy refused is decided on at the route."""
    if state == "silent":
        return "answers"
    return "route" if state == "failing" and followed.so_far.counts.blocked and not enabled else "episode"


def is_enabled(slug: str, book: Rulebook, now: datetime) -> bool:
    """Tell whether the route of a workload's policy is enabled for users now."""
    version = book.latest(slug)
    return version is not None and book.is_enabled(slug, version.policy.primary, version.policy.fallback, now)
