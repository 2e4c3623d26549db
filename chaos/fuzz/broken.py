"""Requests that are wrong as HTTP: cut off, with lengths that are none, with heads whose bytes were mutated."""

import random

from chaos.fuzz import headers
from chaos.fuzz.headers import Keys
from chaos.fuzz.mutations import mutate
from chaos.fuzz.requests import Envelope, Request, joined

LENGTHS = ("x", "-1", "+5", "9" * 30, "", "5\r\nContent-Length: 6", "3\r\nTransfer-Encoding: chunked")
CODINGS = ("gzip", "x, chunked", "chunked, chunked", "\xff")
BAD_CHUNKS = (b"zz\r\n", b"-1\r\n", b"ffffffffffffffffff\r\n", b"\r\n\r\n")
METHODS = ("PUT", "PATCH", "DELETE", "GET", "OPTIONS")
# Those who show no key are told so first.
BY_METHOD = headers.NO_KEY | headers.NOT_ALLOWED | headers.METHOD
BAD = frozenset({400})


def request(envelope: Envelope, path: str, body: bytes, keys: Keys, dice: random.Random) -> Request:
    """Return a request that is broken in one of several ways."""
    head = envelope.head(path, keys)
    way = dice.choice(("cut", "cut", "length", "coding", "chunk", "chunk", "head", "head", "method"))
    if way == "cut":
        lines = [*head, f"Content-Length: {len(body) + dice.choice((1, 100, 10**6))}"]
        return Request("cut off", joined(lines, body), BAD, ends=True, broken=True)
    if way == "length":
        # What comes is no item, so that nothing can be taken of it before the end is seen.
        lines = [*head, f"Content-Length: {dice.choice(LENGTHS)}"]
        return Request("odd length", joined(lines, b"5\r\n" + body), ends=True, broken=True)
    if way == "coding":
        lines = [*head, f"Transfer-Encoding: {dice.choice(CODINGS)}"]
        return Request("odd length", joined(lines, b"5\r\n" + body), ends=True, broken=True)
    if way == "chunk":
        return chunked([*Envelope().head(path, keys), "Transfer-Encoding: chunked"], body, dice)
    if way == "head":
        # The path stays: others are not meant. So does the length: the server might wait for more.
        first, *lines = head
        good = first.encode() + b"\r\n" + mutate(joined(lines, b"")[:-4], dice, b": x")
        return Request("mutated head", b"%s\r\nContent-Length: %d\r\n\r\n%s" % (good, len(body), body), broken=True)
    whole = joined([*head, f"Content-Length: {len(body)}"], body)
    return Request("other method", whole.replace(b"POST", dice.choice(METHODS).encode(), 1), BY_METHOD)


def chunked(head: list[str], body: bytes, dice: random.Random) -> Request:
    """Return a body in chunks of which one is bad, or the last is not there."""
    body += b"["  # no JSON as far as it comes: nothing is taken of it before the end is seen
    if dice.random() < 0.5:
        return Request("odd chunks", joined(head, b"%x\r\n%s" % (len(body) + 5, body)), BAD, ends=True, broken=True)
    chunks = b"%x\r\n%s\r\n" % (len(body), body) + dice.choice(BAD_CHUNKS)
    return Request("odd chunks", joined(head, chunks), BAD, broken=True)
