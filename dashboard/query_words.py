"""What the query of an address asks for, in words: for lists of addresses that somebody saved or exported. Pure."""

from collections.abc import Iterator
from datetime import datetime
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from dashboard import words
from dashboard.events.filters import FIELDS
from dashboard.forms import RANGES


def said(query: str, zone: ZoneInfo, now: datetime) -> list[str]:
    """Return what each parameter asks for, such as "Last 7 days" and "Broke silent"."""
    pairs = parse_qsl(query)
    given = dict(pairs)
    return [*_span(given, zone, now), *(_word(name, value) for name, value in pairs if name not in ("range", *ENDS))]


ENDS = ("from", "to")


def _span(given: dict[str, str], zone: ZoneInfo, now: datetime) -> Iterator[str]:
    asked = given.get("range", "")
    if asked in RANGES:
        yield f"Last {RANGES[asked][2]}"
    elif asked == "custom":
        try:
            start, end = (datetime.fromisoformat(given[name]) for name in ENDS)
            yield " to ".join(words.span(start, end, zone, now))
        except (KeyError, ValueError):
            yield "A chosen span"
    elif asked:
        yield f"range {asked}"


def _word(name: str, value: str) -> str:
    field = FIELDS.get(name)
    return f"{field.word} {field.said(value)}" if field else f"{name} {value}"
