"""Who must act on what went wrong: events by team, from counts by workload and error class. Pure."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from dashboard.breakdowns import Broken, Values
from dashboard.violations import owner
from fallbacks.boundary import BY_NAME, WORKLOAD_OWNER
from fallbacks.rulebook import Rulebook

MOST_NAMED = 6
MOST_REASONS = 4
BROKE_POLICY = "broken rules"


@dataclass(frozen=True, slots=True)
class Actor:
    """A team, on how many events it acts, and on which, the commonest first."""

    who: str
    why: str
    events: int


def actors(cells: Mapping[Values, Broken], book: Rulebook) -> list[Actor]:
    """Return who acts on the most events first; `cells` start with workload and error class.

    As a verdict says: where a rule is broken it is the workload's owner, by its policy as it is now.
    """
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for (slug, name, *_), broken in cells.items():
        of_owner = owner(book, slug) or WORKLOAD_OWNER
        who = BY_NAME[name].who_acts if name in BY_NAME else WORKLOAD_OWNER
        found[of_owner][BROKE_POLICY] += broken.violations
        found[of_owner if who == WORKLOAD_OWNER else who][said(name)] += broken.events - broken.violations
    listed = [Actor(who, why(reasons), reasons.total()) for who, reasons in found.items()]
    return sorted((actor for actor in listed if actor.events), key=lambda actor: (-actor.events, actor.who))


def said(error_class: str) -> str:
    """Write an error class in words: rate limit."""
    return error_class.replace("_", " ") or "not classified"


def why(reasons: Counter[str]) -> str:
    """Write the commonest reasons."""
    return ", ".join(reason for reason, count in reasons.most_common(MOST_REASONS) if count)
