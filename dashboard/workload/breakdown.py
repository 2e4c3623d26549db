"""What went wrong with a workload's requests, as bars: by class, outcome, rule or pair, and by who must act. Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from dashboard.breakdowns import Broken, Values
from dashboard.events.addresses import Events, Filters
from dashboard.overview.acting import actors
from dashboard.rule_words import MEANING
from dashboard.violations import owner
from fallbacks.boundary import BY_NAME, WORKLOAD_OWNER
from fallbacks.rulebook import Rulebook

# How counts of a window are read for what is made here. By rule, an event counts under each that it broke.
DIMENSIONS = ("workload", "error_class", "primary", "fallback", "outcome")
USUAL = "error_class"
TABS = {"error_class": "Class", "outcome": "Outcome", "rule": "Rule", "pair": "Pair"}
OUTCOMES = {"served": "answered by a fallback", "failed": "failed", "blocked": "blocked by policy"}
# As the list of events calls a field that is empty.
NO_FALLBACK = "none"
# More bars than these are a list, which the events themselves are.
MOST = 12


@dataclass(frozen=True, slots=True)
class Bar:
    """So many events have something in common: its name, what is to be said of it, and where they are listed."""

    name: str
    more: str
    count: int
    href: str
    kind: str = "accent"


# What the events of a bar have in common, and by which filters they are found.
Common = tuple[str, str, Filters]


def bars(by: str, cells: Mapping[Values, Broken], book: Rulebook, events: Events) -> list[Bar]:
    """Return a bar for each thing in common, the longest first. `cells` are by `DIMENSIONS`, by rule by that alone."""
    if by == "rule":
        counts = {rule: broken.events for (rule,), broken in cells.items() if rule}
        meaning: dict[str, str] = {str(rule): text for rule, text in MEANING.items()}
        made = [
            Bar(rule, meaning.get(rule, ""), count, events.of({"rule": rule}), "failing")
            for rule, count in counts.items()
        ]
        return sorted(made, key=lambda bar: (-bar.count, bar.name))
    found: Counter[tuple[str, ...]] = Counter()
    for (_, error_class, primary, fallback, outcome), broken in cells.items():
        key = {"error_class": (error_class,), "outcome": (outcome,)}.get(by, (primary, fallback))
        found[key] += broken.events
    made = [one(by, key, count, book, events) for key, count in found.items() if count]
    return sorted(made, key=lambda bar: (-bar.count, bar.name))


def one(by: str, key: tuple[str, ...], count: int, book: Rulebook, events: Events) -> Bar:
    """Return the bar of what these events have in common."""
    if by == "error_class":
        (name,) = key
        error = BY_NAME.get(name)
        who = error.who_acts if error else ""
        of = owner(book, events.workload) or WORKLOAD_OWNER
        return Bar(name or "not classified", of if who == WORKLOAD_OWNER else who, count, events.of({by: name}))
    if by == "outcome":
        (name,) = key
        return Bar(OUTCOMES[name].capitalize(), "", count, events.of({by: name}), name)
    primary, fallback = key
    name = f"{primary} → {fallback}" if fallback else f"{primary}, no fallback"
    return Bar(name, "", count, events.of({"primary": primary, "fallback": fallback or NO_FALLBACK}))


def by_pair(cells: Mapping[Values, Broken]) -> list[tuple[str, str, Broken]]:
    """Return the counts with the pair of models that each is of."""
    return [(primary, fallback, broken) for (_, _, primary, fallback, _), broken in cells.items()]


def acting(cells: Mapping[Values, Broken], book: Rulebook, events: Events) -> list[Bar]:
    """Return a bar for each team that must act."""
    return [
        Bar(f"{each.who[:1].upper()}{each.who[1:]}", each.why, each.events, events.of({"who_acts": each.who}))
        for each in actors(cells, book)
    ]
