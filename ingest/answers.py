"""Answers to what services post, before any framework: a status, headers and JSON."""

from collections.abc import Callable
from functools import cache, wraps
from typing import NamedTuple

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

# When a client should come again: long enough for a restart of Redis, short enough to lose no minute.
RETRY_AFTER = 2

Headers = list[tuple[str, str]]


class Answer(NamedTuple):
    """What goes back."""

    status: int
    headers: Headers
    body: bytes

    def response(self) -> HttpResponse:
        """Return the same as Django's views do."""
        return HttpResponse(self.body, status=self.status, headers=dict(self.headers))


@cache
def usual_headers() -> Headers:
    """Return the headers of every answer: these pass by the middleware that sets them elsewhere."""
    headers = {
        "Content-Type": "application/json",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "X-Frame-Options": settings.X_FRAME_OPTIONS,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": settings.SECURE_REFERRER_POLICY,
        "Cross-Origin-Opener-Policy": settings.SECURE_CROSS_ORIGIN_OPENER_POLICY,
    }
    if settings.SECURE_HSTS_SECONDS:
        headers["Strict-Transport-Security"] = f"max-age={settings.SECURE_HSTS_SECONDS}; includeSubDomains; preload"
    return list(headers.items())


def only_read(view: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Let a view answer GET and HEAD alone. What else comes is told so, without a form's token: it changes nothing."""

    @csrf_exempt
    @wraps(view)
    def wrapped(request: HttpRequest) -> HttpResponse:
        return view(request) if request.method in ("GET", "HEAD") else not_taken("GET, HEAD", "Send a GET.")

    return wrapped


def not_taken(allowed: str, message: str) -> HttpResponse:
    """Return the refusal of a method that an address does not take."""
    response = refusal(405, "method_not_allowed", message).response()
    response["Allow"] = allowed
    return response


def answer(status: int, body: object, *more: tuple[str, str]) -> Answer:
    """Return `body` as JSON."""
    text = msgspec.json.encode(body)
    return Answer(status, [*usual_headers(), ("Content-Length", str(len(text))), *more], text)


def refusal(status: int, code: str, message: str, retry_after: int = RETRY_AFTER) -> Answer:
    """Return an error in the one shape that all errors have."""
    more = []
    if status in (429, 503):
        more.append(("Retry-After", str(retry_after)))
    if status == 401:
        more.append(("WWW-Authenticate", "Bearer"))
    return answer(status, {"error": {"code": code, "message": message}}, *more)
