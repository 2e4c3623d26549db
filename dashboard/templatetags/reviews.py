"""What the pages of reviews write with."""

from datetime import timedelta

from django import template
from django.utils.html import format_html
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


@register.filter
def minutes(seconds: int) -> str:
    """Write how long something is left: 27 min."""
    return words.duration(timedelta(seconds=seconds))


@register.filter
def with_keys(count: int) -> int:
    """Return how many of so many criteria have a key."""
    return min(count, KEYS)
