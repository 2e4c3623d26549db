"""From what people type to the JSON that it means, and back. Pure.

What cannot be read stays the text that it is, so that whoever reads the JSON can say what is wrong with it.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

from dashboard.policies.fields import Field, Kind, Typed
from fallbacks.reading import whole_number, with_line_feeds

MOST_DIGITS = 12


class Sent(Protocol):
    """What a browser sends."""

    def getlist(self, key: str) -> list[str]: ...


def typed_of(fields: Iterable[Field], body: Mapping[str, Any]) -> dict[str, Sequence[str]]:
    """Return what stands in the fields for a policy or model in JSON."""
    return {field.name: _written(field.kind, _at(body, field.name)) for field in fields}


def sent(fields: Iterable[Field], post: Sent) -> dict[str, Sequence[str]]:
    """Return what was typed."""
    return {field.name: [with_line_feeds(text) for text in post.getlist(field.name)] for field in fields}


def body(fields: Iterable[Field], typed: Typed) -> dict[str, Any]:
    """Return the JSON that is meant."""
    data: dict[str, Any] = {}
    for field in fields:
        head, _, tail = field.name.partition(".")
        value = _meant(field.kind, typed.get(field.name, ()))
        if tail:
            data.setdefault(head, {})[tail] = value
        else:
            data[head] = value
    return data


def merged(fields: Iterable[Field], base: Typed, mine: Typed, theirs: Typed) -> dict[str, Sequence[str]]:
    """Return what two people typed who started from `base`: of each field what was changed, of both changes mine."""
    return {
        field.name: theirs.get(field.name, ()) if _same(field, base, mine) else mine.get(field.name, ())
        for field in fields
    }


def _same(field: Field, one: Typed, other: Typed) -> bool:
    if field.kind == "many":
        return set(one.get(field.name, ())) == set(other.get(field.name, ()))
    return body([field], one) == body([field], other)


def _at(body: Mapping[str, Any], name: str) -> Any:
    head, _, tail = name.partition(".")
    value = body.get(head)
    return value.get(tail) if tail and isinstance(value, Mapping) else value


def _written(kind: Kind, value: Any) -> Sequence[str]:
    if value is None:
        return [""] if kind == "choice" else []
    match kind:
        case "many":
            return [str(each) for each in value]
        case "names":
            return [", ".join(map(str, value))]
        case "switch":
            return ["yes" if value else "no"]
        case "share":
            return [f"{(Decimal(str(value)) * 100).normalize():f}"]
        case _:
            return [str(value)]


def _meant(kind: Kind, values: Sequence[str]) -> Any:
    if kind == "many":
        return list(values)
    text = values[0] if values else ""
    match kind:
        case "names":
            return [name for each in re.split(r"[,\n]", text) if (name := each.strip())]
        case "switch":
            return {"yes": True, "no": False}.get(text)
        case "choice" | "known" | "amount":
            return text.strip() or None
        case "whole":
            return _whole(text.strip())
        case "share":
            return _share(text.strip())
        case _:
            return text.strip()


def _whole(text: str) -> int | str | None:
    number = whole_number(text, 10**MOST_DIGITS - 1)
    return text or None if number is None else number


def _share(text: str) -> float | str | None:
    try:
        share = Decimal(text.removesuffix("%").strip()[:MOST_DIGITS]) / 100
    # Also of a number that is too large to reckon with.
    except ArithmeticError:
        return text or None
    return float(share) if share.is_finite() else text
