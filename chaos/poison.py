"""Poison: entries in the stream that ingest would not write, made from entries that it did write.

A real entry is read back from the stream and its values are exchanged, whatever its shape is; so this knows
nothing of how ingest lays one out but that it is msgpack in the field `body`.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
import redis

from chaos.parcels import Item

FIELD = b"body"
FAR = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


@dataclass(frozen=True)
class Template:
    """A real entry of one event, and the stream in which it was."""

    stream: str
    entry: Any
    item: Item

    def row(self, item: Item, **other: Any) -> Any:
        """Return the entry's event with the values of `item`, and with `other` values in place of its own."""
        old, new = self.item, item
        exchange: dict[Any, Any] = {
            old.key.id: other.get("id", new.key.id),
            moment(old): other.get("occurred_at", moment(new)),
            # Never that of `item`: with another outcome goes another fallback.
            old.outcome: other.get("outcome", old.outcome),
            old.json["reason"]: other.get("reason", "between poison"),
        }
        return walk(self.find(self.entry), exchange)

    def holding(self, rows: list[Any]) -> bytes:
        """Return the bytes of an entry like the template's with these events in it."""
        event = self.find(self.entry)

        def put(value: Any) -> Any:
            if isinstance(value, list):
                return rows if any(part is event for part in value) else [put(part) for part in value]
            if isinstance(value, dict):
                return {name: put(part) for name, part in value.items()}
            return value

        return msgspec.msgpack.encode(put(self.entry))

    def find(self, value: Any) -> Any:
        """Return the part of the entry that is its event: what holds the id itself."""
        parts = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
        if self.item.key.id in [part for part in parts if isinstance(part, str)]:
            return value
        return next((found for part in parts if (found := self.find(part)) is not None), None)


def moment(item: Item) -> datetime:
    return datetime.fromisoformat(item.json["occurred_at"]).astimezone(UTC)


def walk(value: Any, exchange: dict[Any, Any]) -> Any:
    """Return the value with every part that is a key of `exchange` exchanged."""
    if isinstance(value, list):
        return [walk(part, exchange) for part in value]
    if isinstance(value, dict):
        return {name: walk(part, exchange) for name, part in value.items()}
    return exchange.get(value, value) if isinstance(value, str | datetime) else value


def templates(client: redis.Redis, items: list[Item]) -> list[Template]:
    """Find the entry of each item, which is alone in it, in the streams of `client`."""
    found = []
    for name in client.scan_iter(_type="stream"):
        entries: Any = client.xrange(name)
        for _, fields in entries:
            entry = msgspec.msgpack.decode(fields[FIELD])
            tried = (Template(name.decode(), entry, item) for item in items)
            found += [template for template in tried if template.find(entry) is not None]
    return found


@dataclass(frozen=True, slots=True)
class Poison:
    """Fields of an entry, the mark by which what is kept aside is known again."""

    fields: dict[bytes, bytes]
    mark: bytes


Make = Callable[[Template, Item, str], Poison]


def garbage(_: Template, __: Item, mark: str) -> Poison:
    return Poison({FIELD: b"\xc1 " + mark.encode()}, mark.encode())


def other_type(_: Template, __: Item, mark: str) -> Poison:
    return Poison({FIELD: msgspec.msgpack.encode({"stranger": mark})}, mark.encode())


def other_field(_: Template, __: Item, mark: str) -> Poison:
    # Nothing of it reaches the drain: it is known by its place in the stream alone.
    return Poison({b"stranger": mark.encode()}, b"")


def cut_off(template: Template, item: Item, mark: str) -> Poison:
    return Poison({FIELD: template.holding([template.row(item, id=mark)])[:-3]}, mark.encode())


def not_utf8(template: Template, item: Item, mark: str) -> Poison:
    body = template.holding([template.row(item, id=mark, reason="not text")])
    return Poison({FIELD: body.replace(b"not text", b"\xff\xfe\xfd text")}, mark.encode())


def refused(**values: Any) -> Make:
    """Return what makes an entry of an event with values that PostgreSQL refuses."""

    def make(template: Template, item: Item, mark: str) -> Poison:
        bad = template.row(item, **{"id": mark} | values)
        return Poison({FIELD: template.holding([bad])}, mark.encode())

    return make


def long_id(template: Template, item: Item, mark: str) -> Poison:
    return refused(id=mark + secrets.token_hex(6_000))(template, item, mark)


KINDS: dict[str, Make] = {
    "bytes that are nothing": garbage,
    "another type": other_type,
    "another field": other_field,
    "an entry cut off": cut_off,
    "bytes that are not UTF-8": not_utf8,
    "an outcome that is none": refused(outcome="nonsense"),
    "a NUL in a text": refused(reason="nul \0 byte"),
    "a time after which no day comes": refused(occurred_at=FAR),
    "an id longer than an index holds": long_id,
}


def among(template: Template, good: list[Item], poison: Poison) -> Poison:
    """Put the poison's event between good ones, in one entry; where it is no event, leave it alone."""
    try:
        entry = msgspec.msgpack.decode(poison.fields[FIELD])
    except (KeyError, msgspec.MsgspecError, UnicodeError):
        return poison
    bad = next((row for row in rows_of(entry) if poison.mark.decode() in str(row)), None)
    if bad is None:
        return poison
    middle = len(good) // 2
    rows = [template.row(item) for item in good]
    return Poison({FIELD: template.holding([*rows[:middle], bad, *rows[middle:]])}, poison.mark)


def rows_of(value: Any) -> list[Any]:
    """Return the parts of an entry that hold values themselves."""
    parts = list(value.values()) if isinstance(value, dict) else value if isinstance(value, list) else []
    own = [value] if any(isinstance(part, str) for part in parts) and isinstance(value, list) else []
    return own + [row for part in parts for row in rows_of(part)]
