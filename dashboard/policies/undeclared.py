"""Routes that no policy declares, as traffic shows them: each can become a draft. Pure."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from dashboard.breakdowns import Broken, Values
from fallbacks.boundary import BY_NAME
from fallbacks.rulebook import Rulebook

# A page with more of them than this is read by nobody; those with the most events come first.
MOST_ROUTES = 8


@dataclass(frozen=True, slots=True)
class Route:
    """A pair of models in traffic that the workload's policy does not name.

    `fallback` is empty where none was used. `version` and `declared` are the policy's, None and empty without one.
    """

    workload: str
    primary: str
    fallback: str
    events: int
    triggers: tuple[str, ...]
    version: int | None
    declared: str

    @property
    def query(self) -> str:
        """What a form for the policy is filled in with."""
        known = [("primary", self.primary), ("fallback", self.fallback)]
        if self.version is None:
            known.insert(0, ("workload", self.workload))
        return urlencode([*known, *(("triggers", name) for name in self.triggers)])

    @property
    def next_version(self) -> int:
        return (self.version or 0) + 1


def routes(cells: Mapping[Values, Broken], book: Rulebook) -> list[Route]:
    """Return the routes that were not declared when they were taken and are not now, those with most events first.

    `cells` are by `violations.DIMENSIONS`. `triggers` are the classes after which a fallback answered and may. A
    primary that failed alone is no route of its own where it has one.
    """
    events: dict[tuple[str, str, str], int] = defaultdict(int)
    classes: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for (slug, primary, fallback, error, rule), broken in cells.items():
        if rule == "undeclared_route":
            events[slug, primary, fallback] += broken.events
            classes[slug, primary, fallback].add(error)
    with_fallback = {(slug, primary) for slug, primary, fallback in events if fallback}
    found = []
    for (slug, primary, fallback), count in events.items():
        version = book.latest(slug)
        policy = version.policy if version else None
        if policy and policy.primary == primary and (not fallback or policy.fallback == fallback):
            continue
        if not fallback and (slug, primary) in with_fallback:
            continue
        triggers = sorted(name for name in classes[slug, primary, fallback] if may_be_named(name)) if fallback else []
        declared = f"{policy.primary} → {policy.fallback or 'none'}" if policy else ""
        found.append(
            Route(slug, primary, fallback, count, tuple(triggers), version.number if version else None, declared)
        )
    return sorted(found, key=lambda route: (-route.events, route.workload, route.primary, route.fallback))


def may_be_named(error_class: str) -> bool:
    """Tell whether a policy may name the class as a trigger."""
    return error_class in BY_NAME and BY_NAME[error_class].fallback != "never"
