"""What services post, from the request to the answer. Plain functions, no SQL: read, check, put on disk, answer."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import wraps
from typing import Any

from fallbacks.keys import Key, KeysUnavailable
from ingest import backpressure, buffer, reading, tasks, wire
from ingest.answers import Answer, answer, refusal
from ingest.authentication import Refused, authenticate
from ingest.decompression import BY_ENCODING
from ingest.reading import Checked

log = logging.getLogger(__name__)

JSON_TYPES = ("", "application/json")
LINES = "application/x-ndjson"

# A WSGI environment: what a server knows of a request.
Environ = Mapping[str, Any]
Receive = Callable[[Environ], Answer]


def plainly(receive: Receive) -> Receive:
    """Turn what is raised into the answers that it stands for."""

    @wraps(receive)
    def wrapped(environ: Environ) -> Answer:
        try:
            return receive(environ)
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
        except Exception:
            log.exception("a request failed")
            return refusal(
                500, "server_error", "This is our fault, and it is in our log. Nothing was taken: send it again."
            )

    return wrapped


@plainly
def events(environ: Environ) -> Answer:
    """Take events: `202` once they are on disk."""
    key = admitted(environ, "events:write")

    def check() -> Checked[Any]:
        lines = content_type(environ, (*JSON_TYPES, LINES)) == LINES
        return reading.read_events(read(environ), lines=lines, key=key, now=datetime.now(UTC))

    checked = tallied(key, check)
    if checked.good:
        tasks.ring_bells(buffer.append(key, events=checked.good, rejected=reasons(checked)))
    return taken(checked)


@plainly
def traffic(environ: Environ) -> Answer:
    """Take counts of requests: `202` once they are on disk."""
    key = admitted(environ, "traffic:write")

    def check() -> Checked[Any]:
        content_type(environ, JSON_TYPES)
        return reading.read_traffic(read(environ), key=key, now=datetime.now(UTC))

    checked = tallied(key, check)
    if checked.good:
        tasks.ring_bells(buffer.append(key, traffic=checked.good, rejected=reasons(checked)))
    return taken(checked)


def admitted(environ: Environ, scope: str) -> Key:
    """Return the request's key, where it may send and anything is taken now. Raises Refused or Full."""
    key = authenticate(environ, scope)
    if backpressure.gate.look():
        raise buffer.Full
    return key


def tallied(key: Key, check: Callable[[], Checked[Any]]) -> Checked[Any]:
    """Return what `check` finds. Where nothing of it is good, that is counted here; a body not read is one item."""
    try:
        checked = check()
    except wire.BadBody as bad:
        count(key, {bad.code: 1})
        raise
    if not checked.good:
        count(key, reasons(checked))
    return checked


def count(key: Key, rejected: Mapping[str, int]) -> None:
    """Let items be paid for and tallied of which none is to be stored: while nothing can be, they are as bad."""
    with suppress(buffer.Full):
        buffer.append(key, rejected=rejected)


def reasons(checked: Checked[Any]) -> dict[str, int]:
    """Return how many items were rejected, by field; names that a sender made up are one."""
    known: dict[str | None, str] = {None: "not_an_object", **{name: name for name in wire.FORMS}}
    return dict(Counter(known.get(item["field"], "unknown_field") for item in checked.rejected))


def taken(checked: Checked[Any]) -> Answer:
    """Answer for a body whose items were looked at one by one."""
    if checked.good:
        return answer(202, {"accepted": len(checked.good), "rejected": checked.rejected})
    if checked.all_forbidden:
        error = checked.rejected[0]["error"]
        return refusal(403, "not_covered", f"{error[:1].upper()}{error[1:]}.")
    return answer(400, {"accepted": 0, "rejected": checked.rejected})


def content_type(environ: Environ, known: tuple[str, ...]) -> str:
    """Return the content type of the body, which must be one of `known`."""
    kind: str = environ.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if kind not in known:
        names = " or ".join(name for name in known if name)
        raise wire.BadBody("content_type", f"Send the header `Content-Type: {names}`.", 415)
    return kind


def read(environ: Environ) -> bytes:
    """Return the body, decompressed, and never more of it than may be sent."""
    encoding = environ.get("HTTP_CONTENT_ENCODING", "").strip().lower()
    if encoding not in BY_ENCODING:
        raise wire.BadBody("content_encoding", "Send `Content-Encoding: gzip` or `zstd`, or the body as it is.", 415)
    upload = Upload(environ)
    body = BY_ENCODING[encoding](upload, wire.MOST_BYTES + 1)
    if len(body) > wire.MOST_BYTES:
        raise wire.BadBody("too_large", "Send at most 5 MiB in a body, decompressed: cut it into smaller ones.", 413)
    upload.refuse_cut_off()
    return body


class Upload:
    """The body of a request as it comes in, also where it comes in chunks and nobody knows how much it will be."""

    def __init__(self, environ: Environ) -> None:
        declared = environ.get("CONTENT_LENGTH") or ""
        chunked = "HTTP_TRANSFER_ENCODING" in environ
        # What is neither declared nor in chunks is no body.
        self.declared = int(declared) if declared.isdigit() else None if chunked else 0
        self.source = environ["wsgi.input"]
        self.count = 0

    def read(self, size: int, /) -> bytes:
        if self.declared is not None:
            size = min(size, self.declared - self.count)
        try:
            piece = bytes(self.source.read(size)) if size else b""
        except OSError as error:
            raise wire.BadBody("cut_off", "The body was cut off: send it again.") from error
        self.count += len(piece)
        return piece

    def refuse_cut_off(self) -> None:
        """Raise BadBody where less came in than was declared."""
        if self.declared is not None and self.count < self.declared:
            raise wire.BadBody("cut_off", "The body was cut off: send it again.")
