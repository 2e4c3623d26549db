"""Times in the zone of whoever looks: the browser names it in a cookie, UTC otherwise."""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from django.http import HttpRequest, HttpResponse
from django.utils import timezone

COOKIE = "timezone"


class ViewerTimezone:
    """Middleware: the cookie's zone holds for one request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with timezone.override(named(request.COOKIES.get(COOKIE, ""))):
            return self.get_response(request)


def named(name: str) -> ZoneInfo:
    """Return the zone `name`, or UTC where there is none of that name."""
    return ZoneInfo(name if name in _names() else "UTC")


@cache
def _names() -> frozenset[str]:
    # Asking ZoneInfo itself would open a file by a name that anybody may send.
    return frozenset(available_timezones())


def current() -> ZoneInfo:
    """Return the viewer's zone."""
    zone = timezone.get_current_timezone()
    return zone if isinstance(zone, ZoneInfo) else ZoneInfo("UTC")


def said(zone: ZoneInfo, moment: datetime) -> str:
    """Return the zone as people say it, such as `Berlin (UTC+1)`: the offset is that of `moment`."""
    city = zone.key.rpartition("/")[2].replace("_", " ")
    offset = moment.astimezone(zone).utcoffset()
    minutes = int(offset.total_seconds() // 60) if offset else 0
    if not minutes:
        return city if city == "UTC" else f"{city} (UTC)"
    hours, rest = divmod(abs(minutes), 60)
    sign = "+" if minutes > 0 else "−"
    return f"{city} (UTC{sign}{hours}{f':{rest:02}' if rest else ''})"
