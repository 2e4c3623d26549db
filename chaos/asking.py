"""One request, as a careful client makes it: a connection of its own, a timeout, never an exception."""

import contextlib
import http.client
import json
import time
from dataclasses import dataclass
from typing import Any

# Longer than the product may take to say 503.
PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; status 0 where nothing did, `said` then says why. Times are monotonic."""

    status: int
    body: bytes
    started: float
    ended: float
    said: str = ""

    def json(self) -> Any:
        """Return the body as JSON, None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


def ask(
    port: int,
    method: str,
    path: str,
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    timeout: float = PATIENCE,
) -> Answer:
    """Send one request to the product on this machine."""
    started = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        # A body that is too large is answered before all of it is read.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.request(method, path, body, headers or {})
        with connection.getresponse() as answer:
            return Answer(answer.status, answer.read(), started, time.monotonic())
    except (OSError, http.client.HTTPException) as error:
        return Answer(0, b"", started, time.monotonic(), f"{type(error).__name__}: {error}")
    finally:
        connection.close()
