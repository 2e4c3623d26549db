"""Requests in bytes, with the answers that each may get."""

import base64
import random
import zlib
from dataclasses import dataclass

from chaos.fuzz import headers
from chaos.fuzz.headers import Authorization, ContentType, Encoding, Keys
from chaos.parcels import EVENTS

# All that the contract knows.
ANY = frozenset({202, 400, 401, 403, 405, 413, 415, 429})
# A line that is printed is to be copied by hand: what is longer is kept in a file.
LONGEST_LINE = 4_000
HOST = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Request:
    """One request: how it was made, its bytes, and the statuses that it may get.

    `ends`: less comes than was said, and then the end. `broken`: it may be the HTTP server that refuses it, in
    words of its own or by hanging up.
    """

    kind: str
    raw: bytes
    may: frozenset[int] = ANY
    ends: bool = False
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Envelope:
    """What stands around a body."""

    authorization: Authorization = headers.GOOD_KEY
    content_type: ContentType = headers.JSON
    encoding: Encoding = headers.PLAIN
    chunked: bool = False
    query: str = ""
    extras: tuple[str, ...] = ()

    def may(self, path: str) -> frozenset[int]:
        """Return which answers there may be, whatever the body is."""
        allowed = self.authorization.may
        unknown = not (self.content_type.known and self.encoding.known) or (self.content_type.lines and path != EVENTS)
        if unknown and 202 in allowed:
            return (allowed - headers.LOOKED_AT - headers.NOT_ALLOWED) | headers.NOT_KNOWN
        return allowed

    def head(self, path: str, keys: Keys) -> list[str]:
        """Return the lines of the head, but for the length of the body."""
        named = {
            "Authorization": self.authorization.header and self.authorization.header.format(**keys),
            "Content-Type": self.content_type.header,
            "Content-Encoding": self.encoding.header,
        }
        lines = [f"{name}: {text}" for name, text in named.items() if text is not None]
        return [f"POST {path}{self.query} HTTP/1.1", f"Host: {HOST}", *lines, *self.extras]


def sealed(kind: str, envelope: Envelope, path: str, packed: bytes, keys: Keys, dice: random.Random) -> Request:
    """Return the request with a body that is compressed already."""
    head = envelope.head(path, keys)
    if envelope.chunked:
        head, packed = [*head, "Transfer-Encoding: chunked"], in_chunks(packed, dice)
    else:
        head = [*head, f"Content-Length: {len(packed)}"]
    return Request(kind, joined(head, packed), envelope.may(path))


def joined(head: list[str], body: bytes) -> bytes:
    return "\r\n".join([*head, "\r\n"]).encode("latin-1") + body


def in_chunks(body: bytes, dice: random.Random) -> bytes:
    out, place = bytearray(), 0
    while place < len(body):
        piece = body[place : place + dice.choice((1, 7, 100, 70_000))]
        out += b"%x%s\r\n%s\r\n" % (len(piece), b";x=y" * dice.randrange(2), piece)
        place += len(piece)
    return bytes(out + b"0\r\n\r\n")


def to_line(request: Request, keys: Keys) -> str:
    """Return the request in printable characters, with the names of keys in place of keys."""
    raw = request.raw
    for name, key in keys.items():
        raw = raw.replace(key.encode(), b"{%s}" % name.encode())
    return ("e" if request.ends else "-") + base64.b64encode(zlib.compress(raw, 9)).decode()


def from_line(line: str, keys: Keys) -> Request:
    """Return the request of a line, with keys of this run."""
    raw = zlib.decompress(base64.b64decode(line[1:]))
    for name, key in keys.items():
        raw = raw.replace(b"{%s}" % name.encode(), key.encode())
    return Request("replayed", raw, ends=line.startswith("e"), broken=True)
