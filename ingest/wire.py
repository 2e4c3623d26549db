"""What services may send: fields, forms and limits, and what is said of an item that is not so."""

import re
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from msgspec import Meta

from fallbacks.keys import Key
from fallbacks.models import Outcome
from fallbacks.recording import EventRow, TrafficRow

MOST_BYTES = 5 * 1024 * 1024
MOST_ITEMS = 10_000
OLDEST = timedelta(days=30)
NEWEST = timedelta(minutes=10)
WORDS = frozenset({"timeout", "connection_error", "unavailable"})

Slug = Annotated[str, Meta(pattern=r"\A[a-z0-9._-]{1,64}\Z")]
ModelName = Annotated[str, Meta(min_length=1, max_length=128)]
Identifier = Annotated[str, Meta(min_length=1, max_length=64)]
Moment = Annotated[datetime, Meta(tz=True)]


class EventIn(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One event as it is sent."""

    workload: Slug
    primary: ModelName
    fallback: ModelName | None
    status: int | str
    reason: Annotated[str, Meta(min_length=1, max_length=500)]
    id: Identifier | None = None
    occurred_at: Moment | None = None
    environment: Slug = "production"
    outcome: str | None = None


class CountIn(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One count of traffic as it is sent."""

    workload: Slug
    start: Moment
    seconds: Annotated[int, Meta(ge=1, le=3600)]
    requests: Annotated[int, Meta(ge=0, le=10**12)]
    environment: Slug = "production"
    model: ModelName | None = None
    id: Identifier | None = None


# What each field must be, in the words of an answer.
FORMS = {
    "workload": "a slug of 1 to 64 characters from a-z 0-9 - _ .",
    "environment": "a slug of 1 to 64 characters from a-z 0-9 - _ .",
    "primary": "a model name of 1 to 128 characters",
    "fallback": "a model name of 1 to 128 characters, or null where none was used",
    "model": "a model name of 1 to 128 characters, or absent",
    "status": "an HTTP status from 100 to 599, or one of timeout, connection_error, unavailable",
    "reason": "a text of 1 to 500 characters",
    "id": "a text of 1 to 64 printable characters",
    "occurred_at": "a time as of RFC 3339 with its offset, such as 2026-11-17T14:00:00Z",
    "start": "a time as of RFC 3339 with its offset, such as 2026-11-17T14:00:00Z",
    "outcome": "one of served, failed, blocked",
    "seconds": "a whole number from 1 to 3600",
    "requests": "a whole number from 0",
}


class BadBody(Exception):
    """The body as a whole cannot be read. `code` and `message` are for the answer, `status` is its HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class BadItem(Exception):
    """One item cannot be taken because of `field`."""

    def __init__(self, field: str | None, error: str, *, forbidden: bool = False) -> None:
        super().__init__(error)
        self.field = field
        self.error = error
        self.forbidden = forbidden


Item = TypeVar("Item", EventIn, CountIn)
Row = TypeVar("Row", EventRow, TrafficRow)


@dataclass(slots=True)
class Checked(Generic[Row]):
    """The good items of a body, and what was wrong with the others."""

    good: list[Row] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)
    # The key covers none of the items: that is an answer of its own.
    all_forbidden: bool = True


def read_events(body: bytes, *, lines: bool, key: Key, now: datetime) -> Checked[EventRow]:
    """Return the events of a body: one object, an array, `{"events": [...]}`, or one object a line. Raises BadBody."""
    items = _split_lines(body) if lines else _split(body, "events", alone=True)
    return _check(items, _EVENT, lambda item: _event(item, key, now))


def read_traffic(body: bytes, *, key: Key, now: datetime) -> Checked[TrafficRow]:
    """Return the counts of a body, `{"counts": [...]}`. Raises BadBody."""
    return _check(_split(body, "counts", alone=False), _COUNT, lambda item: _count(item, key, now))


_EVENT = msgspec.json.Decoder(EventIn)
_COUNT = msgspec.json.Decoder(CountIn)
_ARRAY = msgspec.json.Decoder(list[msgspec.Raw])
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])


def _split(body: bytes, wrapper: str, *, alone: bool) -> Sequence[msgspec.Raw | bytes]:
    """Cut a JSON body into its items without reading them yet, so that one bad item spoils no other."""
    _refuse_bad_utf8(body)
    try:
        if body.lstrip()[:1] == b"[" and alone:
            return _limit(_ARRAY.decode(body))
        outer = _OBJECT.decode(body)
        if wrapper not in outer and alone:
            return [body]
        if list(outer) != [wrapper]:
            raise BadBody("wrong_type", f'Send {{"{wrapper}": [...]}} with no other field beside "{wrapper}".')
        return _limit(_ARRAY.decode(outer[wrapper]))
    except msgspec.ValidationError as error:
        forms = f'{{"{wrapper}": [...]}}' + (", an array of objects, or one object" if alone else "")
        raise BadBody("wrong_type", f"The body is JSON of the wrong type: send {forms}.") from error
    except msgspec.DecodeError as error:
        raise BadBody("not_json", f"The body is not JSON: {error}. Send JSON in UTF-8.") from error
    except RecursionError as error:
        raise BadBody("too_deep", "The JSON is nested too deeply: 32 levels are the most.") from error


def _split_lines(body: bytes) -> Sequence[bytes]:
    _refuse_bad_utf8(body)
    return _limit([line for line in body.split(b"\n") if line.strip()])


Piece = TypeVar("Piece")


def _limit(items: Sequence[Piece]) -> Sequence[Piece]:
    if not items:
        raise BadBody("empty", "The body holds no items: send at least one.")
    if len(items) > MOST_ITEMS:
        raise BadBody("too_many", f"Send at most {MOST_ITEMS:,} items in a body: this one has {len(items):,}.", 413)
    return items


def _refuse_bad_utf8(body: bytes) -> None:
    if not body.strip():
        raise BadBody("empty", "The body is empty: send JSON.")
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise BadBody("not_utf8", f"The body is not UTF-8 (byte {error.start}). Send JSON in UTF-8.") from error


def _check(
    items: Sequence[msgspec.Raw | bytes], decoder: msgspec.json.Decoder[Item], complete: Callable[[Item], Row]
) -> Checked[Row]:
    checked: Checked[Row] = Checked()
    for index, item in enumerate(items):
        try:
            checked.good.append(complete(_decode(item, decoder)))
        except BadItem as bad:
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
        raise BadItem(None, "is nested too deeply: 32 levels are the most") from error


_MISSING = re.compile(r"missing required field `(.+?)`")
_UNKNOWN = re.compile(r"contains unknown field `(.*)`", re.DOTALL)
_AT = re.compile(r"at `\$\.(\w+)")


def _explain(message: str, fields: Sequence[str]) -> BadItem:
    """Turn msgspec's words into ours: the field, and what it must be."""
    if found := _UNKNOWN.search(message):
        name = found[1][:100]
        return BadItem(name, f"is not a known field; the fields are {', '.join(fields)}")
    if found := _MISSING.search(message):
        return BadItem(found[1], f"is required: {FORMS[found[1]]}")
    if (found := _AT.search(message)) and found[1] in FORMS:
        return BadItem(found[1], f"must be {FORMS[found[1]]}")
    return BadItem(None, "must be an object with the fields " + ", ".join(fields))


def _event(sent: EventIn, key: Key, now: datetime) -> EventRow:
    _refuse_uncovered(sent.workload, sent.environment, key)
    if sent.fallback == sent.primary:
        raise BadItem(
            "fallback",
            "must be another model than primary; the same model over another provider is named as a route,"
            " such as azure/gpt-4o",
        )
    if sent.id is not None and sent.occurred_at is None:
        raise BadItem("occurred_at", "is required beside id: the two together make a retry harmless")
    return EventRow(
        workload=sent.workload,
        occurred_at=_recent("occurred_at", sent.occurred_at, now) if sent.occurred_at else now,
        id=_printable(sent.id) if sent.id else uuid.uuid4().hex,
        received_at=now,
        environment=sent.environment,
        primary=_storable(sent.primary),
        fallback=_storable(sent.fallback) if sent.fallback else None,
        status=_status(sent.status),
        reason=_storable(sent.reason),
        outcome=_outcome(sent),
    )


def _count(sent: CountIn, key: Key, now: datetime) -> TrafficRow:
    _refuse_uncovered(sent.workload, sent.environment, key)
    return TrafficRow(
        workload=sent.workload,
        id=_printable(sent.id) if sent.id else uuid.uuid4().hex,
        start=_recent("start", sent.start, now),
        seconds=sent.seconds,
        received_at=now,
        environment=sent.environment,
        model=_storable(sent.model) if sent.model else None,
        requests=sent.requests,
    )


def _refuse_uncovered(workload: str, environment: str, key: Key) -> None:
    if key.covers(workload, environment):
        return
    name, value = (
        ("workload", workload) if key.workloads and workload not in key.workloads else ("environment", environment)
    )
    raise BadItem(name, f"this key is not for {name} {value}: use a key that is", forbidden=True)


def _recent(name: str, moment: datetime, now: datetime) -> datetime:
    if moment < now - OLDEST:
        raise BadItem(name, f"must be at most 30 days old; {moment.isoformat()} is older")
    if moment > now + NEWEST:
        raise BadItem(name, f"must be at most 10 minutes ahead; {moment.isoformat()} is further: check the clock")
    return moment


def _status(sent: int | str) -> str:
    text = str(sent)
    if text in WORDS or (len(text) == 3 and text.isascii() and text.isdigit() and "100" <= text <= "599"):
        return text
    raise BadItem("status", f"must be {FORMS['status']}")


def _outcome(sent: EventIn) -> str:
    if sent.outcome is None:
        return Outcome.SERVED if sent.fallback else Outcome.FAILED
    if sent.outcome not in Outcome.values:
        raise BadItem("outcome", f"must be {FORMS['outcome']}")
    if sent.outcome == Outcome.SERVED and sent.fallback is None:
        raise BadItem("outcome", "served needs a fallback: name the model that answered")
    return sent.outcome


def _printable(text: str) -> str:
    if not text.isprintable():
        raise BadItem("id", f"must be {FORMS['id']}")
    return text


def _storable(text: str) -> str:
    """Return the text with what PostgreSQL cannot store replaced: one bad byte must not cost an event."""
    return text.replace("\0", "\ufffd") if "\0" in text else text
