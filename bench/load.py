"""A client that costs little: requests made beforehand, connections kept, one loop over all of them."""

import json
import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, cast

HOST = "127.0.0.1"
SILENCE = 60.0  # seconds


@dataclass
class Load:
    """What was answered: how many requests by status, and in how many seconds."""

    seconds: float = 0.0
    answers: Counter[int] = field(default_factory=Counter)

    @property
    def count(self) -> int:
        return sum(self.answers.values())

    @property
    def rate(self) -> float:
        return self.count / self.seconds


class Unexpected(Exception):
    """The server answered something else than what is measured: a figure of it would be of something else."""


def request(path: str, body: Any, key: str = "") -> bytes:
    """Return the bytes of a POST."""
    data = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
    )
    return head.encode() + data


def send(port: int, requests: Sequence[bytes], connections: int = 8, status: int = 202) -> Load:
    """Send each request once over `connections` at a time. Raises Unexpected for an answer but `status`."""
    load, waiting, started = Load(), iter(requests), time.monotonic()
    with ExitStack() as lines, selectors.DefaultSelector() as selector:
        for _ in range(min(connections, len(requests))):
            line = lines.enter_context(socket.create_connection((HOST, port)))
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            selector.register(line, selectors.EVENT_READ, bytearray())
            line.sendall(next(waiting))
        while selector.get_map():
            ready = selector.select(SILENCE)
            if not ready:
                raise Unexpected(f"no answer within {SILENCE:.0f} s")
            for found, _ in ready:
                if _receive(found, load, status) and not _go_on(found, waiting):
                    selector.unregister(found.fileobj)
    load.seconds = time.monotonic() - started
    return load


def _socket(found: selectors.SelectorKey) -> socket.socket:
    return cast(socket.socket, found.fileobj)


def _go_on(found: selectors.SelectorKey, waiting: Iterator[bytes]) -> bool:
    following = next(waiting, None)
    if following is not None:
        _socket(found).sendall(following)
    return following is not None


def _receive(found: selectors.SelectorKey, load: Load, status: int) -> bool:
    """Take what came; True where the answer is whole."""
    buffer: bytearray = found.data
    data = _socket(found).recv(65536)
    if not data:
        raise Unexpected("the server closed a connection")
    buffer += data
    head, end, body = bytes(buffer).partition(b"\r\n\r\n")
    if not end or not _is_whole(head, body):
        return False
    answered = int(head[9:12])
    if answered != status:
        raise Unexpected(f"{answered} {body[:300]!r}")
    load.answers[answered] += 1
    buffer.clear()
    return True


def _is_whole(head: bytes, body: bytes) -> bool:
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    if fields.get(b"transfer-encoding") == b"chunked":
        return body.endswith(b"0\r\n\r\n")
    return len(body) >= int(fields.get(b"content-length", 0))
