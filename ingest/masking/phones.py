"""Phone numbers: what has a +, or is valid in a country as it is written there.

In doubt it is one, but for a plain number without a 0 before it or a word like "phone": most of these are orders.
"""

import re
from collections.abc import Callable, Iterator, Sequence

import phonenumbers
from phonenumbers import NumberParseException, PhoneNumber

from ingest.masking.numbers import DIGITS, PARTED, RUN
from ingest.masking.signs import Span

# Where a number at home starts with 0, and where besides it may be at home.
WITH_ZERO = ("DE", "GB", "FR")
REGIONS = (*WITH_ZERO, "US", "ES", "IN")
# So many of a text are looked up in the plans of countries: what would be after them is masked without looking.
MOST_LOOKUPS = 200
# Of a number with its country; the plan of countries has none longer.
FEWEST, MOST = 8, 15

_WITH_COUNTRY = re.compile(rf"\+(?<![0-9].)[ (\[]{{0,2}}[0-9]{PARTED}{{6,}}+")
# As North America writes them, also those that are nobody's, such as 555-123-4567.
_AMERICAN = re.compile(
    r"[(0-9](?<![0-9-].)(?:(?<=1)[ .-](?:\([0-9]{3}\) ?|[0-9]{3}[ .-])|(?<=\()[0-9]{3}\) ?|[0-9]{2}[ .-])"
    r"[0-9]{3}[ .-][0-9]{4}(?![0-9]|-[0-9])"
)
_DATE = re.compile(
    r"[0-9](?<![0-9./-].)(?:[0-9]{3}([./-])[0-9]{1,2}\1[0-9]{1,2}|[0-9]?([./-])[0-9]{1,2}\2(?:[0-9]{4}|[0-9]{2}))"
    r"(?![0-9]|[./-][0-9])"
)
_DECIMAL = re.compile(r"[0-9]{1,2}\.[0-9]+")
# Where numbers that do not start with 0 are grouped so: digits by group.
_GROUPED = {(3, 7): "US", (1, 3, 7): "US", (3, 3, 3): "ES", (3, 2, 2, 2): "ES", (5, 5): "IN"}
# The last word before a number says what it is of.
_WORDS = re.compile(
    r"(?i)(?:(?<![a-z])|(?=phone))(?:(?P<phone>(?:tele)?(?:phone|fon)|tel(?![a-z])|mobile?|handy|cell(?![a-z])|call|fax|whatsapp|sms"
    r"|signal|dial|reach|my number|anruf|rückruf|móvil)|(?:order|invoice|ticket|case|ref|reference|id|sku|part|item"
    r"|serial|batch|article|customer|account|amount|total)s?(?![a-z])|bestell|auftrag|rechnung|kunde)"
)
_BEFORE = 24


def with_country(plain: str) -> Iterator[Span]:
    """What has its country before it: the longest that this country may have."""
    lookups = _Lookups()
    for found in _WITH_COUNTRY.finditer(plain) if "+" in plain else ():
        for end in _ends(found[0], 0, FEWEST, MOST):
            if lookups.possible(found[0][:end]):
                yield _with_bracket(plain, found.start()), found.start() + end
                break


def american(plain: str) -> Iterator[Span]:
    return (found.span() for found in _AMERICAN.finditer(plain))


def at_home(plain: str) -> Iterator[Span]:
    """What is a number in one of `REGIONS`, written as there."""
    lookups = _Lookups()
    plain = _DATE.sub(lambda found: "\0" * len(found[0]), plain)
    for found in RUN.finditer(plain):
        run, offset = found[0], found.start()
        of, done = _said(plain[max(0, offset - _BEFORE) : offset]), 0
        groups = _groups(plain, *found.span())
        for place, (start, _) in enumerate(groups):
            if start < done or _goes_on(run, start - 1):
                continue
            for end, regions in _ways_to_read(run, groups[place : place + MOST], of):
                if not _goes_on(run, end) and lookups.valid(run[start:end], regions):
                    yield _with_bracket(plain, offset + start), offset + end
                    done = end
                    break


def _groups(plain: str, start: int, end: int) -> Sequence[Span]:
    """Return the groups of digits of a run, from its start, without those that are part of a word or an amount."""
    groups = [found.span() for found in DIGITS.finditer(plain[start:end])]
    before, after = plain[start - 1 : start], plain[end : end + 1]
    if _is_letter(before) or before in _BEFORE_AMOUNT:
        groups = groups[1:]
    if (_is_letter(after) and after not in "xX") or after in _AFTER_AMOUNT:
        groups = groups[:-1]
    return groups


_BEFORE_AMOUNT, _AFTER_AMOUNT = frozenset("$€£¥_"), frozenset("$€%_")


def _is_letter(sign: str) -> bool:
    """Tell whether it is a letter of an alphabet that parts words by spaces."""
    return sign.isalpha() and sign < "\u0530"


def _ways_to_read(run: str, groups: Sequence[Span], of: str) -> Iterator[tuple[int, Sequence[str]]]:
    """Where a number may end that starts with the first of these groups, and where it would be at home."""
    (start, first), last = groups[0], groups[-1][1]
    if of == "phone":
        yield from ((end, REGIONS) for end in _ends(run[:last], start, 7, 13))
    elif run[start] == "0" and first > start + 1:
        fewest, most = (11, MOST) if run[start + 1] == "0" else (9, 13)
        for end in _ends(run[:last], start, fewest, most):
            if (end > first or of != "other") and not _DECIMAL.fullmatch(run, start, end):
                yield end, WITH_ZERO
    else:
        sizes = tuple(end - start for start, end in groups[:4])
        for many in range(len(sizes), 1, -1):
            if (region := _GROUPED.get(sizes[:many])) is not None:
                yield groups[many - 1][1], (region,)


def _ends(run: str, start: int, fewest: int, most: int) -> Iterator[int]:
    """Where a number of so many digits that starts there may end, the last first: where a group of digits does."""
    ends, digits = [], 0
    for group in DIGITS.finditer(run, start):
        if digits >= fewest and group[0][0] == "0" and len(group[0]) > 2:
            break  # the next number
        digits += len(group[0])
        if digits > most:
            break
        if digits >= fewest:
            ends.append(group.end())
    return reversed(ends)


def _goes_on(run: str, place: int) -> bool:
    """Tell whether the digits on both sides of a place are one number: such as that of an order."""
    return 0 < place < len(run) - 1 and run[place] in "-." and run[place - 1].isdigit() and run[place + 1].isdigit()


def _with_bracket(plain: str, start: int) -> int:
    return start - 1 if plain[start - 1 : start] == "(" and ")" in plain[start : start + 6] else start


def _said(before: str) -> str:
    """Return what the words before a number say that it is of: `phone`, `other` or nothing."""
    said = [found.lastgroup or "other" for found in _WORDS.finditer(before)]
    return said[-1] if said else ""


class _Lookups:
    """Asks the plans of countries, up to `MOST_LOOKUPS` times; after that everything is a number."""

    def __init__(self) -> None:
        self.left = MOST_LOOKUPS

    def possible(self, number: str) -> bool:
        return self._ask(number, None, phonenumbers.is_possible_number)

    def valid(self, number: str, regions: Sequence[str]) -> bool:
        return any(self._ask(number, region, phonenumbers.is_valid_number) for region in regions)

    def _ask(self, number: str, region: str | None, holds: Callable[[PhoneNumber], bool]) -> bool:
        self.left -= 1
        if self.left < 0:
            return True
        try:
            return holds(phonenumbers.parse(number, region))
        except NumberParseException:
            return False
