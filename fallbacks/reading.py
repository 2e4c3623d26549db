"""Reading what somebody sent as far as it can be read, so that all that is wrong with it is told at once. Pure."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar
from unicodedata import category

from fallbacks.plaindata import Unreadable
from fallbacks.refusals import Problem

Kind = TypeVar("Kind")
# Letters, by Unicode, that show nothing.
_BLANK = "\u115f\u1160\u2800\u3164\uffa0"
# Of the numbers of rows: more than there will ever be, and PostgreSQL can compare with it.
HIGHEST_ROW = 10**18 - 1


class Refused(Exception):
    """What was sent is not taken. `problems` holds at least one."""

    def __init__(self, found: Iterable[Problem]) -> None:
        self.problems = list(found)
        super().__init__("; ".join(f"{problem.field}: {problem.message}" for problem in self.problems))


def read(
    reader: Callable[[Mapping[str, Any]], Kind], data: Mapping[str, Any], stand_ins: Mapping[str, Any]
) -> tuple[Kind, list[Problem]]:
    """Read by a reader that raises Unreadable at the first field that it cannot read.

    What cannot be read is told, and a stand-in takes its place, with which nothing else should be wrong.
    """
    found: list[Problem] = []
    while True:
        try:
            return reader(data), found
        except Unreadable as bad:
            found.append(Problem(bad.field, f"It {bad.message}."))
            head, _, tail = bad.field.partition(".")
            value = {**data[head], tail: stand_ins[head][tail]} if tail else stand_ins[head]
            data = {**data, head: value}


def besides(unreadable: Iterable[Problem], found: Iterable[Problem]) -> Iterator[Problem]:
    """Yield problems but for those of what only stands in for something."""
    stood_in = {problem.field for problem in unreadable}
    for problem in found:
        if problem.field not in stood_in and problem.field.partition(".")[0] not in stood_in:
            yield problem


def unknown(
    data: Mapping[Any, Any], known: Iterable[str], passed_over: Iterable[str] = (), within: str = ""
) -> Iterator[Problem]:
    """Yield a problem for each field that is not known: a typo must not lose data quietly."""
    names = list(known)
    for name in data:
        if name not in names and name not in passed_over:
            yield Problem(within + _clipped(name), f"It is not a known field: the fields are {', '.join(names)}.")


def whole_number(text: str, most: int) -> int | None:
    """Return the number, from 0 to `most`, that a text is in plain digits; None where it is none.

    Texts with more digits than `most` are not read: Python refuses numbers of thousands of them.
    """
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(most))):
        return None
    return number if (number := int(text)) <= most else None


def storable(text: str) -> str:
    """Return the text with what PostgreSQL cannot store replaced: one bad byte must not cost all that it stands in."""
    return text.replace("\0", "\ufffd")


def with_line_feeds(text: str) -> str:
    """Return the text with one letter for each end of a line: browsers send two, and count one."""
    return text.replace("\r\n", "\n")


def says_something(text: str) -> bool:
    """Tell whether a reason is one: it has a letter or a digit, and not only blanks, dots or what nobody sees."""
    return any(letter.isalnum() for letter in text)


def is_plain(text: str) -> bool:
    """Tell whether a name shows as what it is: on one line, no sign that nobody sees or that turns it round."""
    return not any(letter in _BLANK or (category(letter)[0] in "CZ" and letter != " ") for letter in text)


def plain(text: str) -> str:
    """Return a name without the signs that `is_plain` does not allow, and each end of a line as a blank."""
    return " ".join("".join(letter for letter in text if letter.isspace() or is_plain(letter)).split())


def is_storable(text: str) -> bool:
    """Tell whether the database can store the text."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def refuse_unstorable(data: Mapping[str, Any]) -> None:
    """Raise Refused where the database could not store a text: nothing else could be said about that text either."""
    fields = dict.fromkeys(field for field, text in _texts(data) if not is_storable(text))
    if fields:
        message = "It holds U+0000 or half a surrogate pair, which cannot be stored: remove that."
        raise Refused([Problem(field, message) for field in fields])


def _texts(data: Mapping[Any, Any], within: str = "") -> Iterator[tuple[str, str]]:
    """Yield each text, names of fields included, with the field in which it stands."""
    for name, value in data.items():
        field = within + _clipped(name)
        yield field, str(name)
        if isinstance(value, Mapping) and not within:
            yield from _texts(value, f"{field}.")
        for text in value if isinstance(value, list) else [value]:
            if isinstance(text, str):
                yield field, text


def _clipped(name: Any) -> str:
    return str(name)[:100].replace("\0", "\ufffd").encode(errors="replace").decode()
