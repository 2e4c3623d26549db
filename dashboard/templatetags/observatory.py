"""What templates write with: icons, states, sparklines, bars, numbers and times."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache

from django import template
from django.conf import settings
from django.utils import timezone as clock
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from dashboard import timezone, words
from fallbacks.timebuckets import Window

register = template.Library()
register.filter("num", words.number)
register.filter("pct", words.percent)
register.filter("points", words.points)

# What is missing where there is no rate: icon and word, never the colour alone.
STATES = {
    "no_traffic": ("circle-dotted", "No traffic reported"),
    "under_reported": ("exclamation-circle", "Traffic under-reported"),
}
OUTCOMES = {
    "served": ("git-branch", "Answered by a fallback"),
    "failed": ("square-x", "Failed"),
    "blocked": ("hand-stop", "Blocked by policy"),
}
WIDTH, HEIGHT = 194, 30
# A line of tenths of a percent must not look like an outage: the top of a sparkline is at least this share.
LOWEST_TOP = 0.02


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
    """What is so of a workload: icon and word."""
    symbol, word = STATES[name]
    return format_html('<span class="state state-none">{}{}</span>', icon(symbol), word)


@register.simple_tag
def outcome(name: str) -> SafeString:
    """What became of a request: icon and word."""
    symbol, word = OUTCOMES[name]
    return format_html('<span class="outcome">{}{}</span>', icon(symbol), word)


@register.simple_tag
def when(moment: datetime, seconds: bool = False) -> SafeString:
    """A time in the viewer's zone, with UTC at hand."""
    return _time(moment, words.date_and_clock(moment, timezone.current(), clock.now(), seconds))


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
def spark(shares: Sequence[float | None], label: str) -> SafeString:
    """A line of shares over time, from 0 up; where a share is not known the line has a gap."""
    known = [share for share in shares if share is not None]
    top = max([*known, LOWEST_TOP])
    step = WIDTH / max(len(shares) - 1, 1)
    base = HEIGHT - 2
    runs: list[list[tuple[float, float]]] = [[]]
    for index, share in enumerate(shares):
        if share is None:
            runs.append([])
        else:
            runs[-1].append((index * step, base - share / top * (HEIGHT - 5)))
    drawn = [run for run in runs if run]
    area = "".join(f"{_line(run)}V{base}H{run[0][0]:.1f}Z" for run in drawn)
    line = "".join(_line(run) if len(run) > 1 else f"{_line(run)}h.1" for run in drawn)
    last = format_html('<circle cx="{}" cy="{}" r="2.5"/>', *_at(drawn[-1][-1])) if drawn else ""
    return format_html(
        '<svg class="spark" viewBox="-3 0 {} {}" role="img" aria-label="{}"><path class="spark-area" d="{}"/>'
        '<path class="spark-line" d="{}"/>{}</svg>',
        WIDTH + 6,
        HEIGHT,
        f"{label}, at most {words.percent(max(known, default=None))}",
        area,
        line,
        last,
    )


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
