"""Where the axis of time has its ticks: on round times of the viewer's clock. Pure."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from fallbacks.timebuckets import Window

TICKS = 12
TICK_MINUTES = (5, 10, 15, 30, 60, 120, 180, 240, 360, 720)
TICK_DAYS = (1, 2, 3, 5, 7, 14, 28, 56)


def ticks(window: Window, zone: ZoneInfo) -> list[tuple[datetime, str]]:
    """Return at most about a dozen round times of the viewer's clock within the window, with their words."""
    # Counted on the wall clock: summer time must not move the ticks off the round hours.
    start, end = (moment.astimezone(zone).replace(tzinfo=None) for moment in (window.start, window.end))
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    step = next(
        (
            step
            for step in map(_tick, (*TICK_MINUTES, *(days * 1440 for days in TICK_DAYS)))
            if (end - start) / step <= TICKS
        ),
        _tick(TICK_DAYS[-1] * 1440),
    )
    first = midnight + -(-(start - midnight) // step) * step
    times = [first + number * step for number in range((end - first) // step + 1)]
    by_day = step >= timedelta(days=1)
    return [
        (
            time.replace(tzinfo=zone),
            f"{time.day} {time:%b}" if by_day or not (time.hour or time.minute) else f"{time:%H:%M}",
        )
        for time in times
    ]


def _tick(minutes: int) -> timedelta:
    return timedelta(minutes=minutes)
