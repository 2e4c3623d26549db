"""What a request asked for, read from its bytes by Python's own means and by nothing of the product's."""

import gzip
import io
import json
import zlib
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import zstandard

from chaos.fuzz.answers import unchunked
from chaos.parcels import TRAFFIC

READ: dict[str, Callable[[bytes], bytes]] = {
    **dict.fromkeys(("", "identity"), bytes),
    **dict.fromkeys(("gzip", "x-gzip"), gzip.decompress),
    "zstd": lambda data: zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data), read_across_frames=True).read(),
}


class Unread(Exception):
    """This reader cannot tell what a request asked for, though the product may."""


def items(raw: bytes) -> tuple[str, list[Any]]:
    """Return the path of a request and its items, read as JSON. Raises Unread."""
    head, _, rest = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    # A header that is not ASCII is left out by the HTTP server.
    named = {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in lines if line.isascii())}
    try:
        path = first.split(" ")[1].partition("?")[0]
        body = unchunked(rest) if "transfer-encoding" in named else rest[: int(named.get("content-length", 0))]
        text = READ[named.get("content-encoding", "").lower()](body or b"").decode()
        if named.get("content-type", "").lower().startswith("application/x-ndjson"):
            return path, [line_of(line) for line in text.split("\n") if line.strip()]
        whole = read(text)
    except (LookupError, ValueError, OSError, EOFError, RecursionError, zlib.error, zstandard.ZstdError) as error:
        raise Unread(f"{type(error).__name__}: {error}") from error
    wrapper = "counts" if path == TRAFFIC else "events"
    if isinstance(whole, dict) and wrapper in whole:
        whole = whole[wrapper]
    return path, whole if isinstance(whole, list) else [whole]


def read(text: str) -> Any:
    """Return JSON with exact numbers."""
    return _DECODER.decode(text.strip(" \t\r\n"))


def line_of(text: str) -> Any:
    """Return what a line holds, None where it is no JSON: it must have been refused then."""
    try:
        return read(text)
    except (ValueError, RecursionError):
        return None


def whole_number(text: str) -> int | str:
    return int(text) if len(text) < 4_000 else text  # no int() is that long


def number(text: str) -> Decimal | str:
    try:
        return Decimal(text)
    except ArithmeticError:
        return text


_DECODER = json.JSONDecoder(parse_int=whole_number, parse_float=number)
