"""The same sign in other clothes: digits of other alphabets and widths, and signs that nobody sees."""

import re
import unicodedata
from collections.abc import Iterator, Sequence

# From the first sign to behind the last.
Span = tuple[int, int]

# Neither seen nor of any width: they would only break a number apart.
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\u20e3\ufe00-\ufe0f\ufeff]"
)
# Letters, digits and signs as wide as Chinese ones stand in one row with the plain ones, so far apart.
_WIDE, _APART = range(0xFF01, 0xFF5F), 0xFEE0
_LAST_DIGIT = 0x1FBF9
_OTHER = {
    " ": "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000",
    "-": "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\ufe58\ufe63",
    ".": "\u2024\u3002\ufe52\uff61",
    "@": "\ufe6b",
    "+": "\ufe62",
}


def _in_plain() -> Iterator[tuple[str, str]]:
    """Each sign, and the plain one that it stands for."""
    for code in range(0x80, _LAST_DIGIT + 1):
        if (sign := chr(code)).isdecimal():
            yield sign, str(unicodedata.decimal(sign))
    yield from ((chr(code), chr(code - _APART)) for code in _WIDE)
    yield from ((sign, plain) for plain, signs in _OTHER.items() for sign in signs)


_PLAIN = dict(_in_plain())
# Apart: a set with signs beyond U+FFFF is many times slower to look for, and few texts have any.
_CLOTHED = re.compile("[" + "".join(sign for sign in _PLAIN if sign <= "\uffff") + "]")
_BEYOND = re.compile("[" + "".join(sign for sign in _PLAIN if sign > "\uffff") + "]")
_ANY_BEYOND = re.compile("[\U00010000-\U0010ffff]")


def folded(text: str) -> tuple[str, Sequence[int] | None]:
    """Return the text in plain signs, and where each of them stood; None where each stands where it stood."""
    if text.isascii():
        return text, None
    places = None
    if _UNSEEN.search(text):
        unseen = {found.start() for found in _UNSEEN.finditer(text)}
        places = [place for place in range(len(text)) if place not in unseen]
        text = _UNSEEN.sub("", text)
    text = _CLOTHED.sub(_plain, text)
    return (_BEYOND.sub(_plain, text) if _ANY_BEYOND.search(text) else text), places


def _plain(found: re.Match[str]) -> str:
    return _PLAIN[found[0]]
