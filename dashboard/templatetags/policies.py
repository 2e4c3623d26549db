"""What the pages of policies write with: marks of the boundary, rules, and the controls' other half of an address."""

from collections.abc import Iterable, Sequence

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from dashboard import doors
from dashboard.policies import field_words
from dashboard.policies import words as policy_words
from dashboard.rule_words import MEANING, MarkWords, acts, sentence
from dashboard.templatetags.observatory import icon
from dashboard.words import both, price
from fallbacks.canonical import Difference
from fallbacks.versions import Stored

register = template.Library()
register.filter("in_order", policy_words.in_order)
register.filter("share", field_words.share)
register.filter("acts", acts)
register.filter("may_open", doors.opens)
register.filter("sentence", sentence)
register.filter("dollars", price)


@register.simple_tag
def mark(words: MarkWords) -> SafeString:
    """Whether an error may fall back: icon and word, never the colour alone."""
    return format_html('<span class="state is-{}">{}{}</span>', words.kind, icon(words.icon), words.word)


@register.simple_tag
def rule(name: str) -> SafeString:
    """A rule that was broken, by the code that it is sent as; what it means is its title."""
    meaning = next((text for each, text in MEANING.items() if each == name), "")
    return format_html('<span class="tag is-failing" title="{}">{}{}</span>', meaning, icon("shield-x"), name)


@register.filter
def label(field: str) -> str:
    """What people read in the place of a field's code."""
    return field_words.LABELS.get(field, field)


@register.filter
def before(difference: Difference) -> str:
    """The value that a field had."""
    return field_words.written(difference.field, difference.before)


@register.filter
def after(difference: Difference) -> str:
    """The value that a field has."""
    return field_words.written(difference.field, difference.after)


@register.filter
def version(stored: Stored) -> str:
    """A version and who made it: v4, by dana."""
    return f"v{stored.version}, by {stored.made_by}"


@register.filter
def notice(name: str) -> str:
    """When users are told."""
    return policy_words.NOTICES.get(name, name)


@register.filter
def names(found: Iterable[str]) -> str:
    """A list of names, in their order: a, b and c."""
    return both(sorted(found)) or "none"


@register.filter
def in_turn(found: Sequence[str]) -> str:
    """A list as it is: a, b and c."""
    return both(found)


@register.simple_tag
def met(is_met: bool, word: str = "no") -> SafeString:
    """Whether a condition is met: icon and word, never the colour alone."""
    kind, symbol, said = ("normal", "circle-check", "yes") if is_met else ("degraded", "circle-dashed", word)
    return format_html('<span class="state is-{}">{}{}</span>', kind, icon(symbol), said)


@register.simple_tag
def part_bar(passed: int, of: int) -> SafeString:
    """A bar of what passed, and behind it of what failed."""
    good = passed / of * 100 if of else 0
    return format_html(
        '<svg class="bar" aria-hidden="true"><rect class="fill-normal" width="{}%" height="100%"/>'
        '<rect class="fill-failing" x="{}%" width="{}%" height="100%"/></svg>',
        f"{good:.2f}",
        f"{good:.2f}",
        f"{100 - good if of else 0:.2f}",
    )


@register.filter
def listed(found: Iterable[str]) -> str:
    """Names, in their order, for a table: a, b, c."""
    return ", ".join(sorted(found))
