"""Files of rows, piece by piece: CSV for spreadsheets, JSON for programs. Both say it where they are cut off.

A server that has sent half of an answer can only end it, and a browser takes that for all there was. So a CSV file
that is cut off has a last line that says so, and a JSON document is not closed: no program reads it as whole.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import msgspec

from dashboard.exports.cells import cells

Row = Sequence[Any]


class File(Protocol):
    """What is written of a file: its head, any number of pieces, and its foot or why it is cut off."""

    suffix: str
    kind: str

    def head(self) -> bytes: ...

    def piece(self, rows: Iterable[Row]) -> bytes: ...

    def foot(self) -> bytes: ...

    def cut_off(self, why: str) -> bytes: ...


class Csv:
    """RFC 4180, in UTF-8. It starts with a byte order mark: without it Excel takes letters for another alphabet's."""

    suffix = "csv"
    kind = "text/csv; charset=utf-8"

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = columns

    def head(self) -> bytes:
        return b"\xef\xbb\xbf" + self.piece([self.columns])

    def piece(self, rows: Iterable[Row]) -> bytes:
        text = io.StringIO(newline="")
        csv.writer(text).writerows(map(cells, rows))
        return text.getvalue().encode()

    def foot(self) -> bytes:
        return b""

    def cut_off(self, why: str) -> bytes:
        return self.piece([[f"This file is cut off: {why}"]])


class Json:
    """The shape of the API's lists, all on one page: `{"results": [...], "next": null}`, a row a line."""

    suffix = "json"
    kind = "application/json"

    def __init__(self, columns: Sequence[str]) -> None:
        self.columns = columns
        self.encode = msgspec.json.Encoder(decimal_format="number").encode
        self.between = b"\n"

    def head(self) -> bytes:
        return b'{"results": ['

    def piece(self, rows: Iterable[Row]) -> bytes:
        lines = [self.encode(dict(zip(self.columns, row, strict=True))) for row in rows]
        if not lines:
            return b""
        text = self.between + b",\n".join(lines)
        self.between = b",\n"
        return text

    def foot(self) -> bytes:
        return b'\n], "next": null}\n'

    def cut_off(self, why: str) -> bytes:
        return self.between + self.encode({"cut_off": why}) + b"\n"


FORMATS: dict[str, type[Csv] | type[Json]] = {"csv": Csv, "json": Json}
