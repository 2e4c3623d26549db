"""Cells of a CSV file: what a spreadsheet would take for a formula is made text, and numbers stay numbers. Pure."""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

# What a formula may start with, by OWASP's list, and the wide forms that spreadsheets in East Asia take for the same.
STARTS = frozenset("=+-@\t\r\n＝＋－＠")
NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


def defused(text: str) -> str:
    """Return the text with an apostrophe before it, where a spreadsheet would calculate it."""
    return f"'{text}" if text[:1] in STARTS and not NUMBER.fullmatch(text) else text


def moment(value: datetime) -> str:
    """Write a time as of RFC 3339, in UTC."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


def nested(value: Any) -> str:
    """Write a list or an object as JSON; an empty one is an empty cell."""
    return msgspec.json.encode(value).decode() if value else ""


def unchanged(value: Any) -> Any:
    return value


# By type rather than by column: a million rows have some thirty cells each.
WRITTEN: dict[type, Callable[[Any], Any]] = {
    str: defused,
    type(None): lambda _: "",
    int: unchanged,
    float: unchanged,
    bool: lambda value: "true" if value else "false",
    Decimal: lambda value: f"{value.normalize():f}",
    datetime: moment,
    list: nested,
    tuple: nested,
    dict: nested,
}


def cells(values: Iterable[Any]) -> list[Any]:
    """Return a row's values as they stand in a file. Raises KeyError for a type that nobody has decided on."""
    return [WRITTEN[type(value)](value) for value in values]
