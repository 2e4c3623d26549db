"""The two addresses that services post to. Plain functions, no SQL: read, check, put on disk, answer."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError

from fallbacks.keys import KeysUnavailable
from ingest import buffer, tasks, wire
from ingest.authentication import Refused, authenticate

# When a client should come again: long enough for a restart of Redis, short enough to lose no minute.
RETRY_AFTER = "2"
JSON_TYPES = ("", "application/json")
LINES = "application/x-ndjson"


def answer(status: int, body: object) -> HttpResponse:
    """Return `body` as JSON."""
    return HttpResponse(msgspec.json.encode(body), status=status, content_type="application/json")


def refusal(status: int, code: str, message: str) -> HttpResponse:
    """Return an error in the one shape that all errors have."""
    response = answer(status, {"error": {"code": code, "message": message}})
    if status == 503:
        response["Retry-After"] = RETRY_AFTER
    if status == 401:
        response["WWW-Authenticate"] = "Bearer"
    return response


View = Callable[[HttpRequest], HttpResponse]


def plainly(view: View) -> View:
    """Turn what a view raises into the answers that it stands for."""

    @wraps(view)
    def wrapped(request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            response = refusal(405, "method_not_allowed", "Send a POST.")
            response["Allow"] = "POST"
            return response
        try:
            return view(request)
        except Refused as refused:
            return refusal(refused.status, refused.code, refused.message)
        except wire.BadBody as bad:
            return refusal(bad.status, bad.code, bad.message)
        except KeysUnavailable:
            return refusal(503, "keys_unavailable", "The key cannot be looked up just now: send the same again.")
        except buffer.Full:
            return refusal(503, "buffer_unavailable", "The buffer takes nothing just now: send the same again.")

    wrapped.csrf_exempt = True  # type: ignore[attr-defined]
    wrapped.login_required = False  # type: ignore[attr-defined]
    return wrapped


@plainly
def events(request: HttpRequest) -> HttpResponse:
    """Take events: `202` once they are on disk."""
    key = authenticate(request, "events:write")
    kind = content_type(request, (*JSON_TYPES, LINES))
    checked = wire.read_events(read(request), lines=kind == LINES, key=key, now=datetime.now(UTC))
    if checked.good:
        tasks.ring_bells(buffer.append(events=checked.good))
    return taken(len(checked.good), checked.rejected, checked.all_forbidden)


@plainly
def traffic(request: HttpRequest) -> HttpResponse:
    """Take counts of requests: `202` once they are on disk."""
    key = authenticate(request, "traffic:write")
    content_type(request, JSON_TYPES)
    checked = wire.read_traffic(read(request), key=key, now=datetime.now(UTC))
    if checked.good:
        tasks.ring_bells(buffer.append(traffic=checked.good))
    return taken(len(checked.good), checked.rejected, checked.all_forbidden)


def taken(accepted: int, rejected: list[dict[str, Any]], all_forbidden: bool) -> HttpResponse:
    """Answer for a body whose items were looked at one by one."""
    if accepted:
        return answer(202, {"accepted": accepted, "rejected": rejected})
    if all_forbidden:
        return refusal(403, "not_covered", f"{rejected[0]['error'].capitalize()}.")
    return answer(400, {"accepted": 0, "rejected": rejected})


def content_type(request: HttpRequest, known: tuple[str, ...]) -> str:
    """Return the content type of the body, which must be one of `known` and not be compressed."""
    kind = (request.content_type or "").lower()
    if kind not in known:
        names = " or ".join(name for name in known if name)
        raise wire.BadBody("content_type", f"Send the header `Content-Type: {names}`.", 415)
    if request.META.get("HTTP_CONTENT_ENCODING", "identity").lower() not in ("", "identity"):
        raise wire.BadBody("content_encoding", "Send the body uncompressed.", 415)
    return kind


def read(request: HttpRequest) -> bytes:
    """Return the body, and never more of it than may be sent."""
    try:
        body = request.read(wire.MOST_BYTES + 1)
    except (UnreadablePostError, OSError) as error:
        raise wire.BadBody("cut_off", "The body was cut off: send it again.") from error
    if len(body) > wire.MOST_BYTES:
        raise wire.BadBody("too_large", "Send at most 5 MiB in a body: cut it into smaller ones.", 413)
    return body
