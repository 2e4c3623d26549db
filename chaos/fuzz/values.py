"""What any field may be fuzzed with: texts, numbers, JSON that is none, and places for ids and times."""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st


@dataclass(frozen=True, slots=True)
class Fresh:
    """An id that no other item has."""


@dataclass(frozen=True, slots=True)
class At:
    """A time so many seconds from now, written in one of several forms."""

    seconds: float
    form: str = "{:%Y-%m-%dT%H:%M:%S.%f}+00:00"


@dataclass(frozen=True, slots=True)
class Raw:
    """These characters in place of a value, which may be no JSON."""

    text: str


Values = st.SearchStrategy[Any]

# --- Texts ---------------------------------------------------------------------------------------------
# What has hurt databases, COPY, JSON and terminals before.
NASTY: tuple[str, ...] = ("\0", "a\0b", "\ud83d", "a\ude00", "\ud83d\ude00", "\\N", "\\.", "\\", '"', "\t\r\n", "\x85")
NASTY += ("\ufeff", "\ufffd", "\uffff", "\U0010ffff", "\u202e", "\u2028", "%s%(x)s", "'; --", "{}", "NULL", " ", "ﷺ")
NASTY += ("\x1a", "\x7f", "\\u0000", "\x1b[2J", "${x}", "<script>")
WIDE = ("a", "\u00e4", "\0", "\U0001f9ea", "\ud800")
ABSURD: tuple[str, ...] = (
    "1" * 5000,
    "-" + "9" * 400,
    "1e400",
    "-1E-400",
    "1e99999999999999999999",
    "-0",
    "-0.0",
    "1.0",
)
ABSURD += ("NaN", "-Infinity", "0x1F", "+1", "tru", "", "'a'", '"\\x41"', '"\\ud83d"', '"\\u00"', '"a', "/**/1")
ABSURD += ("[" * 29 + "]" * 29, "[" * 40 + "]" * 40, '{"a":' * 31 + "1" + "}" * 31, "[" * 3000, '{"a":1,"a":2}')
ABSURD += ("01", "1.", ".5")


def texts(longest: int, shortest: int = 0) -> Values:
    """Texts of a field that takes `shortest` to `longest` characters."""
    edges = [sign * size for sign in WIDE for size in {shortest or 1, longest}]
    fitting = [text for text in NASTY if shortest <= len(text) <= longest]
    some = st.text(st.characters(exclude_categories=()), min_size=shortest, max_size=min(longest, 16))
    return some | st.sampled_from(fitting) | st.sampled_from(edges)


def whole(lowest: int, highest: int) -> Values:
    """Whole numbers of a field that takes `lowest` to `highest`."""
    return st.integers(lowest, highest) | st.sampled_from((lowest, highest))


ANYTHING: Values = (
    st.sampled_from((None, True, False, 0, -1, 1.5, 2**31, 2**63, -(2**63) - 1, 10**30, "", [], {}, [[]], [None]))
    | st.sampled_from([Raw(text) for text in ABSURD])
    | st.sampled_from(["a" * size for size in (65, 129, 257, 501, 16_385)])
    | texts(40)
    | st.lists(texts(5), max_size=18)
    | st.dictionaries(texts(5), texts(5), max_size=18)
)
