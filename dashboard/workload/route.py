"""A workload's policy and route as its page shows them: how far the route has come. At most four queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.policies import route_words
from dashboard.policies import words as policy_words
from fallbacks import enablement
from fallbacks.policy import Policy
from fallbacks.rulebook import Rulebook, Version
from fallbacks.verifications import Evidence
from fallbacks.versions import Stored


@dataclass(frozen=True, slots=True)
class Route:
    """The policy in force, and its route. `since` is when the route was enabled, None where it is not.

    `evidence` is of a route that is not enabled: nobody asks of another how it came there.
    """

    version: Version
    gist: str
    state: route_words.State
    since: datetime | None
    evidence: list[tuple[Evidence, str]]

    @property
    def policy(self) -> Policy:
        return self.version.policy


def route(slug: str, number: int, book: Rulebook, now: datetime) -> Route | None:
    """Return the route of workload `number`; None where it has no policy."""
    version = book.latest(slug)
    if version is None:
        return None
    policy = version.policy
    spans = book.enabled.get((slug, policy.primary, policy.fallback or ""), ())
    since = next((start for start, until in spans if start <= now and (until is None or now < until)), None)
    name: enablement.RouteState = "enabled" if since else "proposed"
    known: Sequence[Evidence] = ()
    if since is None and policy.fallback is not None:
        stored = Stored(number, slug, version.number, version.since, "", policy)
        standing = enablement.standings([stored])[number]
        name, known = standing.state, standing.evidence
    words = [(each, route_words.found(each, now)) for each in known]
    return Route(version, policy_words.gist(policy), route_words.state(policy, name), since, words)
