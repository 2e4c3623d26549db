"""How many samples wait to be scored, for the navigation of every page: as a process remembers it for some seconds."""

import threading
import time

from django.http import HttpRequest

from fallbacks import review_queue

# A page may ask as many queries as it may: most find the number here.
REMEMBERED_FOR = 5.0  # seconds
# More are not counted: nobody works through that many, and counting them would cost every page.
MOST = 1_000

_looking = threading.Lock()
_last = (float("-inf"), 0)
# Where a request keeps what its page has asked for itself.
_OF_PAGE = "fallbacks.samples_pending"


def count(request: HttpRequest) -> int:
    """Return how many samples wait, `MOST` where it is as many or more."""
    global _last
    if (of_page := request.META.get(_OF_PAGE)) is not None:
        return int(of_page)
    looked_at, found = _last
    if time.monotonic() - looked_at < REMEMBERED_FOR or not _looking.acquire(blocking=False):
        return found
    try:
        found = review_queue.open_samples()[:MOST].count()
    finally:
        _looking.release()
    _last = (time.monotonic(), found)
    return found


def remember(request: HttpRequest, found: int) -> None:
    """Remember a number that this request's page has just asked for itself.

    On that page it stays, though another thread may forget it meanwhile: the page asks for it once.
    """
    global _last
    request.META[_OF_PAGE] = min(found, MOST)
    _last = (time.monotonic(), min(found, MOST))


def forget() -> None:
    """Forget the number: this process has just changed it."""
    global _last
    _last = (float("-inf"), 0)
