"""Drafts of keys: what somebody asks for, or all that speaks against it, field by field. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fallbacks.reading import Refused, is_plain, refuse_unstorable, says_something, unknown
from fallbacks.refusals import Problem
from fallbacks.scopes import SCOPES
from fallbacks.slugs import is_slug

MOST_NAME = 100
MOST_SLUGS = 100
MOST_DAYS = 36_500
HIGHEST_RATE = 1_000_000_000
FIELDS = ("name", "scopes", "workloads", "environments", "expires_at", "rate")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a key is for. Empty workloads or environments: all. No end: never. No rate: what the settings say."""

    name: str
    scopes: frozenset[str]
    workloads: frozenset[str]
    environments: frozenset[str]
    expires_at: datetime | None
    rate: int | None


def draft(data: Mapping[str, Any], now: datetime) -> Draft:
    """Return the key that is asked for; what is null is absent. Raises Refused with all its problems.

    `expires_at` is a datetime or a text in RFC 3339.
    """
    refuse_unstorable(data)
    sent = {name: value for name, value in data.items() if value is not None}
    end = _moment(sent.get("expires_at"))
    if found := [*unknown(data, FIELDS), *_of_name(sent), *_of_lists(sent), *_of_end(sent, end, now), *_of_rate(sent)]:
        raise Refused(found)
    return Draft(
        name=sent["name"].strip(),
        scopes=frozenset(sent["scopes"]),
        workloads=frozenset(sent.get("workloads", ())),
        environments=frozenset(sent.get("environments", ())),
        expires_at=end,
        rate=sent.get("rate"),
    )


def beyond(wanted: Draft, own: Draft) -> Iterator[Problem]:
    """Yield a problem for each thing that a key would have and that the key which makes it has not."""
    if more := sorted(wanted.scopes - own.scopes):
        yield Problem("scopes", f"The key that makes it lacks {', '.join(more)}: leave that out.")
    for field in ("workloads", "environments"):
        bound, asked = getattr(own, field), getattr(wanted, field)
        if bound and not (asked and asked <= bound):
            yield Problem(field, f"The key that makes it is for {', '.join(sorted(bound))} alone: choose of these.")
    if own.expires_at is not None and (wanted.expires_at is None or wanted.expires_at > own.expires_at):
        yield Problem("expires_at", f"The key that makes it ends at {own.expires_at.isoformat()}: choose no later end.")
    if own.rate is not None and (wanted.rate is None or wanted.rate > own.rate):
        yield Problem("rate", f"The key that makes it has a rate of {own.rate}: choose no higher one.")


def _of_name(sent: Mapping[str, Any]) -> Iterator[Problem]:
    name = sent.get("name")
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= MOST_NAME:
        advice = "such as the service that will hold it"
        yield Problem("name", f"Give the key a name of 1 to {MOST_NAME} characters on one line, {advice}.")
    elif not (is_plain(name.strip()) and says_something(name)):
        yield Problem("name", "Use letters that everybody sees, on one line: in logs and lists the key is told by it.")


def _of_lists(sent: Mapping[str, Any]) -> Iterator[Problem]:
    for field in ("scopes", "workloads", "environments"):
        found = sent.get(field, [])
        if not isinstance(found, (list, tuple)) or not all(isinstance(each, str) for each in found):
            yield Problem(field, "It must be a list of texts.")
        elif field == "scopes":
            yield from _of_scopes(found)
        elif len(found) > MOST_SLUGS:
            yield Problem(field, f"Name {MOST_SLUGS} at most, or none for all.")
        else:
            wrong = next((slug for slug in found if not is_slug(slug)), None)
            if wrong is not None:
                yield Problem(field, f"{wrong[:64]!r} is not a slug: use 1 to 64 characters from a-z 0-9 - _ .")


def _of_scopes(found: list[str] | tuple[str, ...]) -> Iterator[Problem]:
    wrong = next((scope for scope in found if scope not in SCOPES), None)
    if wrong is not None:
        yield Problem("scopes", f"{wrong[:64]!r} is not a scope. Choose from: {', '.join(SCOPES)}.")
    elif not found:
        yield Problem("scopes", f"Choose at least one of: {', '.join(SCOPES)}.")


def _of_end(sent: Mapping[str, Any], end: datetime | None, now: datetime) -> Iterator[Problem]:
    if "expires_at" not in sent:
        return
    if end is None:
        yield Problem(
            "expires_at", "It must be a time with an offset, such as 2027-01-31T12:00:00Z, or null for never."
        )
    elif not now < end <= now + timedelta(days=MOST_DAYS):
        yield Problem("expires_at", "Choose a time ahead, at most 100 years, or null for never.")


def _of_rate(sent: Mapping[str, Any]) -> Iterator[Problem]:
    rate = sent.get("rate", 1)
    if not isinstance(rate, int) or isinstance(rate, bool) or not 1 <= rate <= HIGHEST_RATE:
        yield Problem("rate", f"Choose a whole number from 1 to {HIGHEST_RATE:,}, or none for the usual rate.")


def _moment(value: Any) -> datetime | None:
    """Return the time that is meant; None where it is none."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    return value if isinstance(value, datetime) and value.tzinfo is not None else None
