"""IBANs and card numbers: what has check digits."""

import re
from collections.abc import Iterator, Sequence
from functools import cache

from stdnum import iban, luhn, numdb

from ingest.masking.signs import Span

# A sign or some that may part the digits of a number.
PARTED = r"(?:[ \t.\-/()\[\]]{0,3}[0-9])"
# Seven digits or more that belong together, however they are parted.
RUN = re.compile(rf"[0-9](?<![0-9][0-9]){PARTED}{{6,}}+")
DIGITS = re.compile(r"[0-9]+")


def ibans(plain: str) -> Iterator[Span]:
    done = 0
    for head in _IBAN_HEAD.finditer(plain):
        shape = _rest_of_iban(head[0][:2].upper())
        if head.start() < done or shape is None or not (rest := shape.match(plain, head.end())):
            continue
        if iban.is_valid(head[0] + rest[0], check_country=False):
            yield head.start(), rest.end()
            done = rest.end()


_IBAN_HEAD = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2}[0-9]{2}(?=[ -]?[A-Za-z0-9])")


@cache
def _rest_of_iban(country: str) -> re.Pattern[str] | None:
    """Return the form of what follows a country and its check digits; None where there is no such country."""
    (_, info), *_ = numdb.get("iban").info(country)
    length = sum(map(int, re.findall(r"\d+", info.get("bban", ""))))
    return re.compile(rf"(?:[ -]?[A-Za-z0-9]){{{length}}}(?![A-Za-z0-9])") if length else None


# The first digits of those who issue cards, and how many digits their cards have.
_ISSUERS = re.compile(
    "4(?:.{15}|.{18})|5[1-5].{14}|2[2-7].{14}|3[47].{13}|3[0689].{12}|35.{14}|6(?:.{15}|.{17,18})|5[0678].{14,17}"
)
_FEWEST, _MOST = 14, 19


def cards(plain: str) -> Iterator[Span]:
    """The longest that begins and ends where a group of digits does."""
    for run in RUN.finditer(plain):
        groups = [found.span() for found in DIGITS.finditer(run[0])]
        if len(groups) > 9 and all(end - start == 1 for start, end in groups):
            # Digit by digit: one group.
            groups = [(0, len(run[0]))]
        numbers = ["".join(DIGITS.findall(run[0], start, end)) for start, end in groups]
        first = 0
        while first < len(groups):
            last = _last_of_card(numbers, first)
            if last is not None:
                yield run.start() + groups[first][0], run.start() + groups[last][1]
            first = first + 1 if last is None else last + 1


def _last_of_card(groups: Sequence[str], first: int) -> int | None:
    """Return the group that a card number ends with which starts with the group `first`; None where none does."""
    digits, last, found = groups[first], first, None
    while digits[0] in "23456" and len(digits) <= _MOST:
        if len(digits) >= _FEWEST and _ISSUERS.fullmatch(digits) and luhn.is_valid(digits):
            found = last
        last += 1
        if last == len(groups):
            break
        digits += groups[last]
    return found
