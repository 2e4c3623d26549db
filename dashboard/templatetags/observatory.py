"""What templates write with: icons, states, sparklines, bars, numbers, times, and what forms keep of an address."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from django import template
from django.conf import settings
from django.utils import timezone as clock
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from dashboard import timezone, words, zoom
from dashboard.events.filters import FIELDS
from dashboard.state_words import STATES
from fallbacks.timebuckets import Window

register = template.Library()
register.filter("num", words.number)
register.filter("pct", words.percent)
register.filter("points", words.points)
register.filter("money", words.money)

OUTCOMES = {
    "served": ("git-branch", "Answered by a fallback"),
    "failed": ("square-x", "Failed"),
    "blocked": ("hand-stop", "Blocked by policy"),
}
WIDTH, HEIGHT = 128, 30
BASE = HEIGHT - 2
# A line of tenths of a percent must not look like an outage: the top of a sparkline is at least this share.
LOWEST_TOP = 0.02


# So much of what somebody wrote stands on a page at once: one reason must not fill a card. To hide a few letters would
# be no help.
MOST_LETTERS, MOST_LINES = 280, 4
NOT_WORTH_HIDING = 60

# What pages are asked for, and follows from one into another. Nothing else may stand in a form by its name: one called
# `closest` would take the place of what scripts look for there.
KEPT = frozenset(
    {*FIELDS, "range", "from", "to", "environment", "compare", "state", "owner", "sort", "by", "all", "columns"}
)


@register.simple_tag(takes_context=True)
def kept_but(context: Mapping[str, Any], *names: str) -> SafeString:
    """What a form sends along of the address: all but what it asks for itself."""
    query = context["request"].GET
    pairs = [
        (name, value)
        for name, values in query.lists()
        if name in KEPT and name not in names
        for value in values
        if value
    ]
    return format_html_join("", '<input type="hidden" name="{}" value="{}">', pairs)


@register.filter
def initials(name: str) -> str:
    """Two letters for a name: DK for Dana Kim, DA for dana."""
    parts = name.split()
    return (f"{parts[0][0]}{parts[-1][0]}" if len(parts) > 1 else name[:2]).upper()


@register.simple_tag
@cache
def icon(name: str) -> SafeString:
    """An icon of Tabler's, drawn in the page, in the colour of the text. Its name is the template's own."""
    path = settings.NODE_MODULES / "@tabler" / "icons" / "icons" / "outline" / f"{name}.svg"
    drawing = re.search(r"<svg[^>]*>(.*)</svg>", path.read_text(), re.DOTALL)
    if drawing is None:
        raise ValueError(f"{path} is no icon")
    return format_html(
        '<svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75"'
        ' stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{}</svg>',
        # From a package that is pinned by its hash, not from anybody outside.
        mark_safe(" ".join(drawing[1].split())),  # noqa: S308
    )


@register.simple_tag
def state(name: str) -> SafeString:
    """What is so of a workload: icon, word and colour, never the colour alone."""
    shown = STATES[name]
    return format_html('<span class="state state-{}">{}{}</span>', shown.kind, icon(shown.icon), shown.word)


@register.simple_tag
def outcome(name: str) -> SafeString:
    """What became of a request: icon and word."""
    symbol, word = OUTCOMES[name]
    return format_html('<span class="outcome">{}{}</span>', icon(symbol), word)


@register.simple_tag
def quote(text: str, marks: bool = True) -> SafeString:
    """What somebody wrote, in its own lines and with quotation marks or without; of what is long the beginning, and all
    of it at a click. A block where it is long: it stands in no paragraph."""
    lines = text.splitlines()
    whole, begins = "\n".join(lines), "\n".join(lines[:MOST_LINES])
    if len(lines) <= MOST_LINES and len(begins) <= MOST_LETTERS + NOT_WORTH_HIDING:
        return _written(whole, marks)
    if len(begins) > MOST_LETTERS:
        # Not within a word, unless that is all there is.
        begins = begins[:MOST_LETTERS].rsplit(maxsplit=1)[0]
    return format_html(
        '<details class="long"><summary>{} <span class="all">Show all</span><span class="less">Show less</span>'
        "</summary>{}</details>",
        _written(f"{begins.rstrip()} …", marks),
        _written(whole, marks),
    )


def _written(text: str, marks: bool) -> SafeString:
    # Alone within the quotation marks: what turns writing round would turn the last of them.
    return format_html("<q><bdi>{}</bdi></q>" if marks else "<bdi>{}</bdi>", text)


@register.simple_tag
def when(moment: datetime, seconds: bool = False) -> SafeString:
    """A time in the viewer's zone, with UTC at hand."""
    return _time(moment, words.date_and_clock(moment, timezone.current(), clock.now(), seconds))


@register.simple_tag
def change(points: float | None) -> SafeString:
    """A change in percentage points. Where it is too small to see it has no arrow and is grey."""
    text = words.points(points)
    if points is None:
        return format_html('<span class="faint">{}</span>', text)
    if abs(points) < words.CHANGE_WORTH_AN_ARROW:
        return format_html('<span class="muted">{}</span>', text)
    up = points > 0
    arrow = icon("arrow-up-right" if up else "arrow-down-right")
    return format_html('<span class="{}">{} {}</span>', "strong" if up else "", arrow, text)


@register.simple_tag
def lasting(since: datetime, now: datetime) -> str:
    """How long something has lasted."""
    return words.duration(now - since)


@register.simple_tag
def span_of(length: timedelta | None) -> str:
    """How long something took: 5 h 12 min; a dash where that is not known."""
    return words.MISSING if length is None else words.duration(length)


@register.simple_tag
def when_beside(moment: datetime, other: datetime) -> SafeString:
    """A time that stands beside another: of the same day, the clock alone."""
    zone = timezone.current()
    if moment.astimezone(zone).date() == other.astimezone(zone).date():
        return _time(moment, words.clock(moment, zone))
    return when(moment)


@register.simple_tag
def span(window: Window) -> SafeString:
    """A span of time in the viewer's zone."""
    first, last = words.span(window.start, window.end, timezone.current(), clock.now())
    return format_html("{} to {}", _time(window.start, first), _time(window.end, last))


def _time(moment: datetime, text: str) -> SafeString:
    return format_html(
        '<time datetime="{}" title="{}">{}</time>', moment.isoformat(), words.universal(moment.astimezone(UTC)), text
    )


@register.simple_tag
def spark(shares: Sequence[float | None], label: str, kind: str = "none", limit: float | None = None) -> SafeString:
    """A line of shares over time, from 0 up; where a share is not known the line has a gap.

    `kind` is the state whose colour it has, `limit` the share above which a state is not normal, as a dotted line.
    """
    known = [share for share in shares if share is not None]
    top = max([*known, LOWEST_TOP if limit is None else limit * 1.15, 1e-9])
    step = WIDTH / max(len(shares) - 1, 1)
    runs: list[list[tuple[float, float]]] = [[]]
    for index, share in enumerate(shares):
        if share is None:
            runs.append([])
        else:
            runs[-1].append((index * step, _height(share / top)))
    drawn = [run for run in runs if run]
    area = "".join(f"{_line(run)}V{BASE}H{run[0][0]:.1f}Z" for run in drawn)
    line = "".join(_line(run) if len(run) > 1 else f"{_line(run)}h.1" for run in drawn)
    last = format_html('<circle cx="{}" cy="{}" r="2.5"/>', *_at(drawn[-1][-1])) if drawn else ""
    dotted = "" if limit is None else format_html('<path class="spark-limit" d="M0 {}H{}"/>', _y(limit / top), WIDTH)
    return format_html(
        '<svg class="spark spark-{}" viewBox="-3 0 {} {}" role="img" aria-label="{}">{}'
        '<path class="spark-area" d="{}"/><path class="spark-line" d="{}"/>{}</svg>',
        kind,
        WIDTH + 6,
        HEIGHT,
        f"{label}, at most {words.percent(max(known, default=None))}",
        dotted,
        area,
        line,
        last,
    )


def _height(part: float) -> float:
    """Return how far down a part of the top lies."""
    return BASE - part * (HEIGHT - 5)


def _y(part: float) -> str:
    return f"{_height(part):.1f}"


def _line(run: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(" ".join(_at(point)) for point in run)


def _at(point: tuple[float, float]) -> tuple[str, str]:
    return f"{point[0]:.1f}", f"{point[1]:.1f}"


@register.simple_tag
def bar(part: int, of: int, kind: str = "accent") -> SafeString:
    """A bar as long as `part` is of `of`. What is there at all is seen."""
    share = part / of * 100 if of else 0
    return format_html(
        '<svg class="bar" aria-hidden="true"><rect class="fill-{}" width="{}%" height="100%"/></svg>',
        kind,
        f"{max(share, 0.6) if part else 0:.2f}",
    )


@register.simple_tag
def share(part: int, of: int) -> str:
    """Which share of all a part is: 81.2 %."""
    return words.percent(part / of if of else None, 1)


@register.simple_tag
def span_bar(low: float, high: float, top: float, kind: str = "accent") -> SafeString:
    """From one figure to a higher one, as a line from a full to an open dot, on a scale from 0 to `top`."""
    first, last = (f"{min(value / top, 1) * 100 if top else 0:.1f}%" for value in (low, high))
    return format_html(
        '<svg class="span span-{}" aria-hidden="true"><line class="span-rail" x1="0" x2="100%" y1="50%" y2="50%"/>'
        '<line x1="{}" x2="{}" y1="50%" y2="50%"/><circle cx="{}" cy="50%" r="5"/>'
        '<circle class="hollow" cx="{}" cy="50%" r="5"/></svg>',
        kind,
        first,
        last,
        first,
        last,
    )


@register.simple_tag
def wider(ask: Any) -> dict[str, str]:
    """The span around a chosen one, as it stands in an address."""
    return zoom.wider(ask.span, ask.now)
