"""What the pages of events write with: times to the millisecond, outcomes in one word, and sentences with weight."""

from collections.abc import Iterable
from datetime import UTC, datetime

from django import template
from django.utils import timezone as clock
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from dashboard import timezone, words
from dashboard.events import words as event_words
from dashboard.events.words import Piece
from dashboard.templatetags.observatory import OUTCOMES, icon

register = template.Library()


@register.simple_tag
def exact(moment: datetime) -> SafeString:
    """A time to the millisecond in the viewer's zone, with UTC at hand: many events happen within a second."""
    here = words.date_and_clock(moment, timezone.current(), clock.now(), seconds=True)
    universal, rest = moment.astimezone(UTC), f"{moment.microsecond // 1000:03}"
    title = f"{universal:%Y-%m-%d %H:%M:%S}.{rest} UTC"
    return format_html('<time datetime="{}" title="{}">{}.{}</time>', moment.isoformat(), title, here, rest)


@register.simple_tag
def in_utc(moment: datetime) -> str:
    """The time of day in UTC to the millisecond."""
    return f"{moment.astimezone(UTC):%H:%M:%S}.{moment.microsecond // 1000:03} UTC"


@register.simple_tag
def short_outcome(name: str) -> SafeString:
    """What became of a request: icon and the word that is sent. To be served is the usual case, and quiet."""
    kind = {"served": "muted", "failed": "is-failing"}.get(name, "")
    return format_html('<span class="outcome {}">{}{}</span>', kind, icon(OUTCOMES[name][0]), name)


@register.filter
def sentences(pieces: Iterable[Piece]) -> SafeString:
    """Sentences in which some words are strong."""
    forms = {True: "<b>{}</b>", False: "{}"}
    return format_html_join("", "{}", ((format_html(forms[piece.strong], piece.text),) for piece in pieces))


register.filter("happened", event_words.happened)
