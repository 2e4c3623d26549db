"""A workload's policy and route as its page shows them: how far the route has come, what reviewers say, and until when
it is enabled. At most five queries."""

from dataclasses import dataclass
from datetime import datetime

from dashboard import review_results as review_words
from dashboard.overview.calls import soon_over
from dashboard.policies import route_words
from dashboard.policies import words as policy_words
from fallbacks import review_results, routes
from fallbacks.policy import Policy
from fallbacks.review_results import Passed, Waiting
from fallbacks.rulebook import Rulebook, Version
from fallbacks.verifications import Evidence
from fallbacks.versions import Stored


@dataclass(frozen=True, slots=True)
class Reviews:
    """What reviewers say of the route since it is what it is, and what waits for them now, in figures and words.

    `waiting_in_all` is how many samples wait of all workloads: asking for that costs the same.
    """

    scored: Passed
    interval: str
    waiting: Waiting
    waits: str
    waiting_in_all: int


@dataclass(frozen=True, slots=True)
class Route:
    """The policy in force, and its route. `since` is when the route was enabled, None where it is not.

    `evidence` is of a route that is not enabled: nobody asks of another how it came there. `ends` is when the
    enablement is over, told only when that is soon.
    """

    version: Version
    gist: str
    state: route_words.State
    since: datetime | None
    ends: datetime | None
    evidence: list[tuple[Evidence, str]]
    reviews: Reviews

    @property
    def policy(self) -> Policy:
        return self.version.policy


def route(slug: str, number: int, book: Rulebook, now: datetime) -> Route | None:
    """Return the route of workload `number`; None where it has no policy."""
    version = book.latest(slug)
    if version is None:
        return None
    policy = version.policy
    stored = Stored(number, slug, version.number, version.since, "", policy)
    standing = routes.standings([stored])[number]
    enabled = standing.enablement if standing.state == "enabled" else None
    words = [(each, route_words.found(each, now)) for each in standing.evidence if enabled is None]
    return Route(
        version=version,
        gist=policy_words.gist(policy),
        state=route_words.state(policy, standing.state),
        since=enabled.since if enabled else None,
        ends=soon_over(slug, book, now),
        evidence=words,
        reviews=reviews(slug, Passed(standing.scored.passed, standing.scored.count), now),
    )


def reviews(slug: str, scored: Passed, now: datetime) -> Reviews:
    waits = review_results.waiting_by_workload()
    waiting, in_all = waits.get(slug, Waiting()), sum(each.count for each in waits.values())
    return Reviews(scored, review_words.interval(scored), waiting, review_words.now(waiting, now), in_all)
