"""From drafts to bytes: ids and times are filled in, each time anew, so that a draft can be sent many times."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from chaos.fuzz.drafts import Draft
from chaos.fuzz.storing import HALF_EMOJI
from chaos.fuzz.values import At, Fresh, Raw

SEPARATORS = {"loose": (", ", ": "), "crlf": (",\r\n\t", " :\r\n"), "padded": (" , ", " : ")}
AROUND = {"bom": ("\ufeff", ""), "padded": ("\n\t  ", "\r\n \n"), "crlf": ("\r\n", "\r\n")}


@dataclass
class Writer:
    """Writes bodies. `now` is the time that drafts count from, `ids` how many ids were given."""

    now: datetime
    ids: int = 0

    def body(self, draft: Draft) -> bytes:
        """Return a draft in bytes, which need be neither JSON nor UTF-8."""
        pen = Pen(self, draft.ascii, draft.layout == "cut", *SEPARATORS.get(draft.layout, (",", ":")))
        before, after = AROUND.get(draft.layout, ("", ""))
        items = [pen.text(item) for item in draft.items]
        items += items[:1] * draft.twice
        text = f"{before}{wrapped(draft, items, pen.comma)}{after}"
        return text.encode("utf-8", "surrogatepass")

    def fresh_id(self) -> str:
        """Return an id that nobody has: always of the same length, for mutations count in bytes."""
        self.ids += 1
        return f"fuzz-{self.ids:08}"

    def moment(self, at: At) -> str:
        return at.form.format(self.now + timedelta(seconds=at.seconds))


def wrapped(draft: Draft, items: list[str], comma: str) -> str:
    if draft.form == "one":
        return items[0] if items else ""
    if draft.form == "lines":
        # A line break within an item would cut it.
        lines = (item.replace("\r\n", " ") for item in items)
        return ("\r\n" if draft.layout == "crlf" else "\n").join(lines) + "\n" * (draft.layout == "padded")
    array = f"[{comma.join(items)}]"
    return array if draft.form == "array" else f'{{"{"counts" if draft.form == "counts" else "events"}":{array}}}'


@dataclass(frozen=True, slots=True)
class Pen:
    """Writes values as JSON in one hand."""

    writer: Writer
    ascii: bool
    # Half an emoji that is not escaped is no UTF-8, as some programs send it.
    cuts: bool
    comma: str
    colon: str

    def text(self, value: Any) -> str:
        if isinstance(value, tuple):
            return f"{{{self.comma.join(f'{self.plain(name)}{self.colon}{self.text(held)}' for name, held in value)}}}"
        if isinstance(value, Raw):
            return value.text
        if isinstance(value, Fresh):
            return f'"{self.writer.fresh_id()}"'
        if isinstance(value, At):
            return f'"{self.writer.moment(value)}"'
        return self.plain(value)

    def plain(self, value: Any) -> str:
        text = json.dumps(value, ensure_ascii=self.ascii)
        if self.ascii or self.cuts:
            return text
        return HALF_EMOJI.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
