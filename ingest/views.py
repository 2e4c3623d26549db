"""The two addresses that services post to. Plain functions, no SQL: read, check, put on disk, answer."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from functools import wraps
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError

from fallbacks.keys import Key, KeysUnavailable
from ingest import backpressure, buffer, reading, tasks, wire
from ingest.authentication import Refused, authenticate
from ingest.decompression import BY_ENCODING
from ingest.reading import Checked

# When a client should come again: long enough for a restart of Redis, short enough to lose no minute.
RETRY_AFTER = 2
JSON_TYPES = ("", "application/json")
LINES = "application/x-ndjson"


# These answers pass by the middleware that sets such headers on all others.
HEADERS = {"Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'", "X-Frame-Options": "DENY"}


def answer(status: int, body: object) -> HttpResponse:
    """Return `body` as JSON."""
    return HttpResponse(msgspec.json.encode(body), status=status, content_type="application/json", headers=HEADERS)


def refusal(status: int, code: str, message: str, retry_after: int = RETRY_AFTER) -> HttpResponse:
    """Return an error in the one shape that all errors have."""
    response = answer(status, {"error": {"code": code, "message": message}})
    if status in (429, 503):
        response["Retry-After"] = str(retry_after)
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
        except buffer.Throttled as throttled:
            message = f"The key is over its rate: send the same again in {throttled.seconds} s."
            return refusal(429, "over_rate", message, throttled.seconds)
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
    key = admitted(request, "events:write")

    def check() -> Checked[Any]:
        lines = content_type(request, (*JSON_TYPES, LINES)) == LINES
        return reading.read_events(read(request), lines=lines, key=key, now=datetime.now(UTC))

    checked = tallied(key, check)
    tasks.ring_bells(buffer.append(key, events=checked.good, rejected=reasons(checked)))
    return taken(checked)


@plainly
def traffic(request: HttpRequest) -> HttpResponse:
    """Take counts of requests: `202` once they are on disk."""
    key = admitted(request, "traffic:write")

    def check() -> Checked[Any]:
        content_type(request, JSON_TYPES)
        return reading.read_traffic(read(request), key=key, now=datetime.now(UTC))

    checked = tallied(key, check)
    tasks.ring_bells(buffer.append(key, traffic=checked.good, rejected=reasons(checked)))
    return taken(checked)


def admitted(request: HttpRequest, scope: str) -> Key:
    """Return the request's key, where it may send and anything is taken now. Raises Refused or Full."""
    key = authenticate(request, scope)
    if backpressure.gate.look():
        raise buffer.Full
    return key


def tallied(key: Key, check: Callable[[], Checked[Any]]) -> Checked[Any]:
    """Return what `check` finds; a body that cannot be read is counted as one rejected item."""
    try:
        return check()
    except wire.BadBody as bad:
        buffer.append(key, rejected={bad.code: 1})
        raise


def reasons(checked: Checked[Any]) -> dict[str, int]:
    """Return how many items were rejected, by field; names that a sender made up are one."""
    known: dict[str | None, str] = {None: "not_an_object", **{name: name for name in wire.FORMS}}
    return dict(Counter(known.get(item["field"], "unknown_field") for item in checked.rejected))


def taken(checked: Checked[Any]) -> HttpResponse:
    """Answer for a body whose items were looked at one by one."""
    if checked.good:
        return answer(202, {"accepted": len(checked.good), "rejected": checked.rejected})
    if checked.all_forbidden:
        error = checked.rejected[0]["error"]
        return refusal(403, "not_covered", f"{error[:1].upper()}{error[1:]}.")
    return answer(400, {"accepted": 0, "rejected": checked.rejected})


def content_type(request: HttpRequest, known: tuple[str, ...]) -> str:
    """Return the content type of the body, which must be one of `known`."""
    kind = (request.content_type or "").lower()
    if kind not in known:
        names = " or ".join(name for name in known if name)
        raise wire.BadBody("content_type", f"Send the header `Content-Type: {names}`.", 415)
    return kind


def read(request: HttpRequest) -> bytes:
    """Return the body, decompressed, and never more of it than may be sent."""
    encoding = request.META.get("HTTP_CONTENT_ENCODING", "").strip().lower()
    if encoding not in BY_ENCODING:
        raise wire.BadBody("content_encoding", "Send `Content-Encoding: gzip` or `zstd`, or the body as it is.", 415)
    upload = Upload(request)
    body = BY_ENCODING[encoding](upload, wire.MOST_BYTES + 1)
    if len(body) > wire.MOST_BYTES:
        raise wire.BadBody("too_large", "Send at most 5 MiB in a body, decompressed: cut it into smaller ones.", 413)
    upload.refuse_cut_off()
    return body


class Upload:
    """The body of a request as it comes in, also where it comes in chunks and nobody knows how much it will be."""

    def __init__(self, request: HttpRequest) -> None:
        declared = request.META.get("CONTENT_LENGTH") or ""
        self.declared = int(declared) if declared.isdigit() else None
        # Django reads nothing of a body that comes in chunks: it looks for a declared length.
        self.source = request.META["wsgi.input"] if "HTTP_TRANSFER_ENCODING" in request.META else request
        self.count = 0

    def read(self, size: int, /) -> bytes:
        try:
            piece = bytes(self.source.read(size))
        except (UnreadablePostError, OSError) as error:
            raise wire.BadBody("cut_off", "The body was cut off: send it again.") from error
        self.count += len(piece)
        return piece

    def refuse_cut_off(self) -> None:
        """Raise BadBody where less came in than was declared."""
        if self.declared is not None and self.count < self.declared:
            raise wire.BadBody("cut_off", "The body was cut off: send it again.")
