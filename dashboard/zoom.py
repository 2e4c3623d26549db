"""How the span around a chosen one is asked for: what zooming in by hand is undone with. Pure."""

from datetime import datetime, timedelta

from dashboard.events.addresses import of_window
from dashboard.forms import LONGEST, Span
from fallbacks.timebuckets import Window

MINUTE = timedelta(minutes=1)


def wider(span: Span, now: datetime) -> dict[str, str]:
    """Return the span around a chosen one, twice as long, as it stands in an address; empty where there is none."""
    window = span.window
    half = window.length / 2
    if span.key != "custom" or 2 * window.length > LONGEST:
        return {}
    return of_window(Window.around(window.start - half, min(window.end + half, Window.last(MINUTE, now).end)))
