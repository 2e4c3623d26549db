"""The filters of the list of events: their words and choices, and how they are read from an address. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.http import QueryDict

from dashboard.events.conditions import AT_LEAST, NONE, Filters
from dashboard.events.values import (
    MOST_LETTERS,
    Read,
    number,
    one_of,
    status,
    text,
    truth,
    whole,
    whole_or_none,
    words,
)
from fallbacks.boundary import BY_NAME, STATUS_WORDS
from fallbacks.models import Outcome
from fallbacks.verdict import RULES

MOST_VALUES = 20


@dataclass(frozen=True, slots=True)
class Field:
    """A filter. `word` stands before its value on the page, `asks` says what is understood."""

    name: str
    word: str
    read: Read
    asks: str
    # What there is to choose, where nothing else can be asked for.
    choices: Sequence[tuple[str, str]] = ()

    def said(self, value: str) -> str:
        """Return a value as it is shown."""
        return dict(self.choices).get(value, value)


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the address that was not understood, and what would be."""

    name: str
    value: str
    asks: str


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is set, in words, and the address without it."""

    name: str
    word: str
    value: str
    without: str
    wrong: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of the list. Where a value was not understood, nothing is listed: it would be more than asked."""

    filters: Filters
    workloads: Sequence[str]
    problems: Sequence[Problem] = ()
    unknown: Sequence[str] = ()
    chips: Sequence[Chip] = field(default=())

    @property
    def refused(self) -> list[str]:
        """Say of each value that was not understood what its filter takes."""
        return [f"“{each.value}” is no value of {each.name}. It takes {each.asks}." for each in self.problems]

    @property
    def strange(self) -> list[str]:
        """Name the filters that there are not."""
        return [f"There is no filter “{name}”." for name in self.unknown]


TRUTHS = (("true", "yes"), ("false", "no"), ("unknown", "not said"))
BROKEN = (("1", "any"), ("0", "none"))


def same(names: Iterable[str]) -> list[tuple[str, str]]:
    """Return choices that are shown as they are sent."""
    return [(name, name) for name in names]


def chosen(name: str, word: str, choices: Sequence[tuple[str, str]]) -> Field:
    keys = [key for key, _ in choices]
    return Field(name, word, one_of(keys), f"one of {', '.join(keys)}", choices)


def yes_or_no(name: str, word: str) -> Field:
    return Field(name, word, truth, "true, false or unknown", TRUTHS)


def at_least(name: str, word: str) -> Field:
    return Field(name, word, number, "a number from 0, such as 1500")


TEXT = f"a text of at most {MOST_LETTERS} letters"
# By groups, as the page offers them.
GROUPS: Mapping[str, Sequence[Field]] = {
    "What happened": (
        Field("reason", "Text has", words, f"words, {MOST_LETTERS} letters at most"),
        chosen("outcome", "Outcome", same(Outcome.values)),
        chosen("error_class", "Error class", same(BY_NAME)),
        Field("status", "Status", status, f"100 to 599, such as 5xx, or one of {', '.join(STATUS_WORDS)}"),
        Field("error_code", "Error code", text, TEXT),
        Field("attempts", "Tries", whole, "a whole number"),
    ),
    "Where": (
        Field("workload", "Workload", text, TEXT),
        Field("primary", "Primary", text, TEXT),
        Field("fallback", "Fallback", text, f"the name of a model, or {NONE}"),
        Field("payload_class", "Payload class", text, TEXT),
        Field("provider_feature", "Provider feature", text, TEXT),
        Field("attribute", "Attribute", text, "a name, or name=value"),
    ),
    "Policy and user": (
        chosen("broken", "Broken rules", BROKEN),
        chosen("rule", "Broke", same(RULES)),
        Field("policy_version", "Policy version", whole_or_none, f"a whole number, or {NONE}"),
        Field("who_acts", "Who acts", text, TEXT),
        Field("tier", "Tier", text, TEXT),
        yes_or_no("user_visible", "User sees it"),
        yes_or_no("user_notified", "User told"),
    ),
    "Ids": (
        Field("request_id", "Request id", text, TEXT),
        Field("trace_id", "Trace id", text, TEXT),
        Field("id", "Event id", text, TEXT),
    ),
    "At least": (
        at_least("primary_latency_ms", "Primary took, ms"),
        at_least("fallback_latency_ms", "Fallback took, ms"),
        at_least("input_tokens", "Input tokens"),
        at_least("cached_input_tokens", "Cached tokens"),
        at_least("output_tokens", "Output tokens"),
        at_least("cost_usd", "Cost, USD"),
    ),
}
FIELDS = {each.name: each for group in GROUPS.values() for each in group}
# Other parameters of the page, and those of pages that link to it.
OF_THE_PAGE = frozenset(
    {"range", "from", "to", "environment", "columns", "open", "after", "before", "format", "compare", "sort"}
)
# What does not outlive a change of the filters: it names a place in the list as it was.
PLACE = ("after", "before", "open", "format")


def asked(query: QueryDict) -> Asked:
    """Read the filters. Empty ones are none."""
    values: dict[str, list[str]] = {}
    problems, chips = [], []
    for name, field_ in FIELDS.items():
        every = [given for given in query.getlist(name) if given.strip()]
        if len(every) > MOST_VALUES:
            problems.append(Problem(name, every[MOST_VALUES][:MOST_LETTERS], f"{MOST_VALUES} values at most"))
        for given in every[:MOST_VALUES]:
            value = None if "\0" in given else field_.read(given.strip())
            chips.append(_chip(query, field_, given, value))
            if value is None:
                problems.append(Problem(name, given[:MOST_LETTERS].replace("\0", "�"), field_.asks))
            elif value not in values.setdefault(name, []):
                values[name].append(value)
    workloads = values.pop("workload", [])
    return Asked(
        Filters({name: tuple(found) for name, found in values.items()}),
        workloads,
        problems,
        sorted(set(query) - set(FIELDS) - OF_THE_PAGE),
        chips,
    )


def _chip(query: QueryDict, field_: Field, given: str, value: str | None) -> Chip:
    shown = given[:MOST_LETTERS].replace("\0", "�") if value is None else field_.said(value)
    least = "at least " if field_.name in AT_LEAST else ""
    return Chip(field_.name, field_.word, f"{least}{shown}", without(query, field_.name, given), value is None)


def without(query: QueryDict, name: str, value: str) -> str:
    """Return the address's query without one value of a field, from its first page."""
    rest = query.copy()
    rest.setlist(name, [each for each in query.getlist(name) if each != value])
    for place in PLACE:
        rest.pop(place, None)
    return f"?{rest.urlencode()}"


def cleaned(query: QueryDict) -> QueryDict | None:
    """Return the query without what a form sends of fields that nobody filled in; None where there is nothing such."""
    empty = [name for name in FIELDS if any(not value.strip() for value in query.getlist(name))]
    if not empty:
        return None
    rest = query.copy()
    for name in empty:
        kept = [value for value in query.getlist(name) if value.strip()]
        rest.setlist(name, kept) if kept else rest.pop(name)
    return rest
