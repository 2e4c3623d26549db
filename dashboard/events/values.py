"""Values of filters as they stand in an address: each is read into one form, or not understood. Pure."""

import re
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation

from dashboard.events.conditions import NONE
from fallbacks.boundary import STATUS_WORDS

# Longer than any value of an event but its reason.
MOST_LETTERS = 200
# A number is less than this, and has so many decimals at most.
MOST, MOST_DECIMALS = Decimal(10) ** 18, 20
# Reads one value: returns its one form, or None where it is not understood.
Read = Callable[[str], str | None]
TRUE_WORDS = {"true": "true", "yes": "true", "1": "true", "false": "false", "no": "false", "0": "false"}


def text(value: str) -> str | None:
    return value if 0 < len(value) <= MOST_LETTERS else None


def words(value: str) -> str | None:
    return " ".join(value.split()) or None if len(value) <= MOST_LETTERS else None


def status(value: str) -> str | None:
    lower = value.lower()
    return lower if lower in STATUS_WORDS or re.fullmatch(r"[1-5]([0-9]{2}|xx)", lower) else None


def whole(value: str) -> str | None:
    # As many digits as a bigint has for certain.
    return str(int(value)) if re.fullmatch(r"[0-9]{1,18}", value) else None


def whole_or_none(value: str) -> str | None:
    return NONE if value == NONE else whole(value)


def number(value: str) -> str | None:
    try:
        read = Decimal(value)
    except InvalidOperation:
        return None
    # Before it is written out: a handful of letters may stand for a billion digits.
    if not read.is_finite() or not 0 <= read < MOST or int(read.as_tuple().exponent) < -MOST_DECIMALS:
        return None
    return f"{read:f}"


def one_of(choices: Iterable[str]) -> Read:
    known = frozenset(choices)
    return lambda value: value if value in known else None


def truth(value: str) -> str | None:
    return "unknown" if value == "unknown" else TRUE_WORDS.get(value)
