"""Drafts of bodies, drawn by hypothesis: what is in them, with ids and times still to be filled in."""

from dataclasses import dataclass
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from chaos.fuzz import fields, headers
from chaos.fuzz.requests import Envelope
from chaos.fuzz.values import ANYTHING, Fresh, Values, texts
from chaos.parcels import EVENTS, TRAFFIC

# An item is a tuple of pairs rather than a dictionary: a field may be there twice.
Item = tuple[tuple[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """A body to be. `form` says how its items are wrapped; `ascii` whether its texts are escaped; `good` if all may be.

    If `twice`, it ends with the item that it begins with.
    """

    path: str
    good: bool
    items: tuple[Any, ...]
    form: str
    ascii: bool
    layout: str
    twice: bool


LAYOUTS = (*("tight",) * 7, *("loose",) * 3, *("crlf",) * 2, *("padded",) * 2, "bom", "cut")
BARE = ("one", "array", "wrapped", "lines")
COUNTS = (*("counts",) * 9, "array", "wrapped", "one")
SELDOM = (False,) * 9 + (True,)


def mostly(usual: Values, other: Values) -> Values:
    """Draw of the one four times as often as of the other: `one_of` takes no weights."""
    return st.integers(0, 4).flatmap(lambda number: usual if number else other)


def item(required: dict[str, Values], optional: dict[str, Values], most: int) -> Values:
    """Draw a good item: all that is required, and up to `most` of what is optional."""
    names = st.lists(st.sampled_from(sorted(optional)), max_size=most, unique=True)
    chosen = names.flatmap(lambda found: st.tuples(*(st.tuples(st.just(name), optional[name]) for name in found)))
    return st.builds(lambda base, more: (*base.items(), *more), st.fixed_dictionaries(required), chosen)


def spoiled(good: Values) -> Values:
    """Draw an item with one thing wrong, seldom more."""
    return st.builds(put, good, st.lists(WRONGS, min_size=1, max_size=2)) | st.builds(drop, good, st.integers(0, 30))


def put(item: Item, wrongs: list[tuple[str, Any]]) -> Item:
    """Return the item with values in place of its own; what it has not is added, and some are there twice."""
    for name, value in wrongs:
        if name.endswith("+"):
            item = (*item, (name[:-1], value))
        else:
            item = (*((have, old) for have, old in item if have != name), (name, value))
    return item


def drop(item: Item, place: int) -> Item:
    place %= len(item)
    return item[:place] + item[place + 1 :]


NAMES = sorted({*fields.REQUIRED, *fields.IDENTITY, *fields.OPTIONAL, *fields.COUNT, *fields.COUNT_OPTIONAL})
WRONGS = (
    st.sampled_from(NAMES).flatmap(lambda name: st.tuples(st.just(name), fields.ODD.get(name, ANYTHING) | ANYTHING))
    | st.tuples(st.sampled_from([f"{name}+" for name in NAMES]), ANYTHING)
    | st.tuples(texts(130), ANYTHING)
)
EVENT = item(fields.REQUIRED | fields.IDENTITY, fields.OPTIONAL, 6)
# To these the product gives the id, and to some of them the time.
NAMELESS = item(fields.REQUIRED, fields.OPTIONAL | {"occurred_at": fields.TIMES}, 3)
NAMED_COUNT = item(fields.COUNT | {"id": st.just(Fresh())}, fields.COUNT_OPTIONAL, 2)
NAMELESS_COUNT = item(fields.COUNT, fields.COUNT_OPTIONAL, 2)
GOOD_EVENT = mostly(EVENT, NAMELESS)
GOOD_COUNT = mostly(NAMED_COUNT, NAMELESS_COUNT)
ANY_EVENT = GOOD_EVENT | spoiled(EVENT) | ANYTHING
ANY_COUNT = GOOD_COUNT | spoiled(NAMED_COUNT) | ANYTHING


def bodies(path: str, good: Values, anything: Values, forms: tuple[str, ...]) -> Values:
    """Draw drafts: half of them of good items alone, so that many bodies are taken whole."""

    def of(items: Values, are_good: bool) -> Values:
        rest = (st.sampled_from(forms), st.booleans(), st.sampled_from(LAYOUTS), st.sampled_from(SELDOM))
        return st.builds(Draft, st.just(path), st.just(are_good), items.map(tuple), *rest)

    return of(st.lists(good, min_size=1, max_size=5), True) | of(st.lists(anything, max_size=6), False)


EVENT_BODIES = bodies(EVENTS, GOOD_EVENT, ANY_EVENT, BARE)
COUNT_BODIES = bodies(TRAFFIC, GOOD_COUNT, ANY_COUNT, COUNTS)
DRAFTS = mostly(EVENT_BODIES, COUNT_BODIES)
ENVELOPES = st.just(Envelope()) | st.builds(
    Envelope,
    st.just(headers.GOOD_KEY) | st.sampled_from(headers.AUTHORIZATIONS),
    st.just(headers.JSON) | st.sampled_from(headers.JSON_TYPES + headers.ODD_TYPES),
    st.just(headers.PLAIN) | st.sampled_from(headers.GOOD_ENCODINGS + headers.ODD_ENCODINGS),
    st.booleans(),
    st.just("") | st.sampled_from(headers.QUERIES),
    st.lists(st.sampled_from(headers.EXTRAS), max_size=3, unique=True).map(tuple),
)
Drawn = tuple[Draft, Envelope]


def draw(number: int, count: int) -> list[Drawn]:
    """Return `count` drafts with envelopes, or a few less: the same ones for the same number."""
    found: list[Drawn] = []

    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.tuples(DRAFTS, ENVELOPES))
    def collect(drawn: Drawn) -> None:
        found.append(drawn)

    collect()
    return found
