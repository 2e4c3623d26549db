"""What the pages of reviews write with."""

import re
from datetime import timedelta
from itertools import pairwise

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from dashboard import words
from dashboard.reviews.marking import KEYS
from dashboard.reviews.words import MARKS
from dashboard.templatetags.observatory import icon

register = template.Library()

ICONS = {"pass": ("check", "normal"), "fail": ("x", "failing"), "na": ("minus", "none")}


@register.simple_tag
def said_mark(value: str) -> SafeString | str:
    """A mark that was made: icon, word and colour."""
    if value not in ICONS:
        return words.MISSING
    symbol, kind = ICONS[value]
    return format_html('<span class="state is-{}">{}{}</span>', kind, icon(symbol), MARKS[value])


_BREAK = SafeString("<wbr>")
# A run without blanks that is no word any more, and where it may be cut: before a plain letter or sign, so that nothing
# is parted that is drawn as one.
_RUN = re.compile(r"\S{65,}")
_CUT = re.compile(r"\S{64,96}?(?<!\u200d)(?=[\w!-~])")


@register.filter
def breakable(text: str) -> SafeString:
    """Write a text so that a browser breaks it at once: in 16 KiB without a blank it may look for each line anew."""
    ends = [0, *(end for match in _RUN.finditer(text) for end in match.span()), len(text)]
    pieces = [text[start:end] for start, end in pairwise(ends)]
    return format_html_join("", "{}", ((_cut(piece) if number % 2 else piece,) for number, piece in enumerate(pieces)))


def _cut(run: str) -> SafeString:
    ends = [0, *(match.end() for match in _CUT.finditer(run)), len(run)]
    cut = format_html_join(_BREAK, "{}", ((run[start:end],) for start, end in pairwise(ends)))
    # Writing of which a browser knows the words is broken at them.
    return format_html('<span class="run">{}</span>', cut) if run.isascii() else cut


@register.filter
def minutes(seconds: int) -> str:
    """Write how long something is left: 27 min."""
    return words.duration(timedelta(seconds=seconds))


@register.filter
def with_keys(count: int) -> int:
    """Return how many of so many criteria have a key."""
    return min(count, KEYS)
