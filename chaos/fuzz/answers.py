"""Answers as they come off a connection."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; status 0 where nothing did, `said` then says why. Names of headers are in small letters."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    said: str = ""

    def json(self) -> Any:
        """Return the body as JSON, None where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    @property
    def closes(self) -> bool:
        """Whether nothing more comes on its connection."""
        return self.headers.get("connection", "").lower() == "close"


def parse(data: bytes, ended: bool) -> Answer | None:
    """Return the answer that `data` holds, None where more is to come. Answers that only say "go on" are left out."""
    head, blank, body = data.partition(b"\r\n\r\n")
    if not blank:
        return None
    status = int(head[9:12])
    if status < 200:
        return parse(body, ended)
    headers = dict(line.lower().split(": ", 1) for line in head.decode("latin-1").split("\r\n")[1:] if ": " in line)
    if headers.get("transfer-encoding") == "chunked":
        whole = unchunked(body)
    elif "content-length" in headers:
        size = int(headers["content-length"])
        whole = body[:size] if len(body) >= size else None
    else:
        whole = body if ended or status == 204 else None
    return None if whole is None else Answer(status, whole, headers)


def unchunked(data: bytes) -> bytes | None:
    """Return what chunks hold, None where the last of them is not there."""
    out = bytearray()
    while True:
        size, line_end, rest = data.partition(b"\r\n")
        if not line_end:
            return None
        length = int(size.split(b";")[0], 16)
        if not length:
            return bytes(out)
        if len(rest) < length + 2:
            return None
        out += rest[:length]
        data = rest[length + 2 :]
