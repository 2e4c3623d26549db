"""From the bytes of a body to its good items, and to what was wrong with each of the others."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, TypeVar

import msgspec

from fallbacks.keys import Key
from fallbacks.rows import EventRow, TrafficRow
from ingest import completing, wire
from ingest.wire import DEEPEST, FORMS, BadBody, BadItem, CountIn, EventIn

Item = TypeVar("Item", EventIn, CountIn)
Row = TypeVar("Row", EventRow, TrafficRow)
Piece = TypeVar("Piece", bound="msgspec.Raw | bytes")


@dataclass(slots=True)
class Checked(Generic[Row]):
    """The good items of a body, and what was wrong with the others."""

    good: list[Row] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)
    # The key covers none of the items: that is an answer of its own.
    all_forbidden: bool = True


@dataclass(frozen=True, slots=True)
class Pieces:
    """The items of a body, not read yet, so that one bad item spoils no other. `depth` is how deep they stand."""

    items: Sequence[msgspec.Raw | bytes]
    depth: int


def read_events(body: bytes, *, lines: bool, key: Key, now: datetime) -> Checked[EventRow]:
    """Return the events of a body: one object, an array, `{"events": [...]}`, or one object a line. Raises BadBody."""
    pieces = _lines(body) if lines else _pieces(body, "events", alone=True)
    texts = completing.Texts()
    try:
        return _check(pieces, _EVENT, lambda item: completing.event(item, key, now, texts))
    finally:
        texts.tell()


def read_traffic(body: bytes, *, key: Key, now: datetime) -> Checked[TrafficRow]:
    """Return the counts of a body, `{"counts": [...]}`. Raises BadBody."""
    return _check(_pieces(body, "counts", alone=False), _COUNT, lambda item: completing.count(item, key, now))


_EVENT = msgspec.json.Decoder(EventIn)
_COUNT = msgspec.json.Decoder(CountIn)
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


# An escaped backslash, a pair of surrogates, or one alone.
_SURROGATES = re.compile(
    rb"\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(?P<alone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)


def whole(body: bytes) -> bytes:
    """Return the body with each half of a surrogate pair replaced: a text cut in an emoji must not cost its event."""
    if b"\\u" not in body:
        return body  # nearly every body: nothing to look through
    return _SURROGATES.sub(lambda found: rb"\ufffd" if found["alone"] else found[0], body)


def _pieces(body: bytes, wrapper: str, *, alone: bool) -> Pieces:
    _refuse_bad_utf8(body)
    body = whole(body)
    try:
        if alone and body.lstrip()[:1] == b"[":
            return Pieces(_limited(_ARRAY.decode(body)), 1)
        outer = _OBJECT.decode(body)
        if alone and wrapper not in outer:
            return Pieces([body], 0)
        if list(outer) != [wrapper]:
            raise BadBody("wrong_type", f'Send {{"{wrapper}": [...]}} with no other field beside "{wrapper}".')
        return Pieces(_limited(_ARRAY.decode(outer[wrapper])), 2)
    except msgspec.ValidationError as error:
        forms = f'{{"{wrapper}": [...]}}' + (", an array of objects, or one object" if alone else "")
        raise BadBody("wrong_type", f"The body is JSON of the wrong type: send {forms}.") from error
    except msgspec.DecodeError as error:
        raise BadBody("not_json", f"The body is not JSON: {error}. Send JSON in UTF-8.") from error
    except RecursionError as error:
        raise _too_deep() from error


def _lines(body: bytes) -> Pieces:
    _refuse_bad_utf8(body)
    body = whole(body)
    return Pieces(_limited([line for line in body.split(b"\n") if line.strip()]), 0)


def _limited(items: Sequence[Piece]) -> Sequence[Piece]:
    if not items:
        raise BadBody("empty", "The body holds no items: send at least one.")
    if len(items) > wire.MOST_ITEMS:
        raise BadBody("too_many", f"Send at most {wire.MOST_ITEMS:,} items in a body: this has {len(items):,}.", 413)
    return items


def _refuse_bad_utf8(body: bytes) -> None:
    if not body.strip():
        raise BadBody("empty", "The body is empty: send JSON.")
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise BadBody("not_utf8", f"The body is not UTF-8 (byte {error.start}). Send JSON in UTF-8.") from error


def _too_deep() -> BadBody:
    return BadBody("too_deep", f"The JSON is nested too deeply: {DEEPEST} levels are the most.")


def _check(pieces: Pieces, decoder: msgspec.json.Decoder[Item], complete: Callable[[Item], Row]) -> Checked[Row]:
    checked: Checked[Row] = Checked()
    for index, item in enumerate(pieces.items):
        try:
            checked.good.append(complete(_decode(item, decoder)))
        except BadItem as bad:
            # A good item is shallow by its types, so only a bad one can be too deep.
            if _depth(bytes(item)) + pieces.depth > DEEPEST:
                raise _too_deep() from bad
            checked.rejected.append({"index": index, "field": bad.field, "error": bad.error})
            checked.all_forbidden &= bad.forbidden
    checked.all_forbidden &= not checked.good
    return checked


def _decode(item: msgspec.Raw | bytes, decoder: msgspec.json.Decoder[Item]) -> Item:
    try:
        return decoder.decode(item)
    except msgspec.ValidationError as error:
        raise _explain(str(error), decoder.type.__struct_fields__) from error
    except msgspec.DecodeError as error:
        raise BadItem(None, f"is not JSON: {error}") from error
    except RecursionError as error:
        raise _too_deep() from error


_NOT_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|[^\[\]{}"]+', re.DOTALL)


def _depth(item: bytes) -> int:
    """Return how deep the JSON is nested."""
    depth = deepest = 0
    for bracket in _NOT_BRACKETS.sub(b"", item):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
        if deepest > DEEPEST:
            break
    return deepest


_MISSING = re.compile(r"missing required field `(.+?)`")
_UNKNOWN = re.compile(
    r"contains unknown field `(.*)`(?: - at `\$\.(\w+)`)\Z|contains unknown field `(.*)`\Z", re.DOTALL
)
_AT = re.compile(r"`\$\.(\w+)")


def _explain(message: str, fields: Sequence[str]) -> BadItem:
    """Turn msgspec's words into ours: the field, and what it must be."""
    if found := _UNKNOWN.search(message):
        if found[2]:
            return BadItem(found[2], f"{found[1][:100]} is not a known field of it; must be {FORMS[found[2]]}")
        return BadItem(found[3][:100], f"is not a known field; the fields are {', '.join(fields)}")
    if found := _MISSING.search(message):
        return BadItem(found[1], f"is required: {FORMS[found[1]]}")
    if (found := _AT.search(message)) and found[1] in FORMS:
        return BadItem(found[1], f"must be {FORMS[found[1]]}")
    return BadItem(None, "must be an object with the fields " + ", ".join(fields))
