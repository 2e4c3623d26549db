"""The audit log as its page reads it: filtered, the newest first, in pages by number."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, get_args

from django.db.models import QuerySet
from django.utils import timezone

from dashboard.audit import words
from fallbacks.audit import Action
from fallbacks.models import AuditEntry
from fallbacks.reading import HIGHEST_ROW, is_storable, whole_number

ACTIONS: tuple[str, ...] = tuple(sorted(get_args(Action)))
PAGE = 50
# Rows of a piece of a file.
PIECE = 1_000
COLUMNS = ("number", "at", "actor", "action", "workload", "subject", "details", "previous", "hash")
# No index knows who did what: counting on would cost more than it tells.
MOST_COUNTED = 10_000


@dataclass(frozen=True)
class Filters:
    """What is asked of the log; empty lets everything through. `problems` say what was not understood."""

    actor: str = ""
    action: str = ""
    workload: str = ""
    start: datetime | None = None
    end: datetime | None = None
    # As they were typed, to be shown again.
    typed: Mapping[str, str] = field(default_factory=dict)
    problems: Sequence[str] = ()

    @property
    def any(self) -> bool:
        return bool(self.actor or self.action or self.workload or self.start or self.end)

    @property
    def shown_from(self) -> str:
        """The start as an input of date and time has it."""
        return _shown(self.start)

    @property
    def shown_to(self) -> str:
        """The end as an input of date and time has it."""
        return _shown(self.end)

    def through(self) -> QuerySet[AuditEntry]:
        """Return the entries that they let through, the newest first."""
        exact = {name: value for name in ("actor", "action", "workload") if (value := getattr(self, name))}
        found = AuditEntry.objects.filter(**exact).order_by("-number")
        if self.start is not None:
            found = found.filter(at__gte=self.start)
        if self.end is not None:
            found = found.filter(at__lt=self.end)
        return found


def _shown(moment: datetime | None) -> str:
    return f"{timezone.localtime(moment):%Y-%m-%dT%H:%M}" if moment else ""


def asked(query: Mapping[str, str]) -> Filters:
    """Read the filters. A time without an offset is the viewer's."""
    given = {name: query.get(name, "").strip() for name in ("actor", "action", "workload", "from", "to")}
    problems: list[str] = []

    def understood(name: str, read: Callable[[str], Any], problem: str, nothing: Any) -> Any:
        if not given[name]:
            return nothing
        try:
            return read(given[name])
        except (ValueError, OverflowError):
            problems.append(problem)
            return nothing

    no_time = "The {} needs a date and a time: it is left out."
    return Filters(
        understood("actor", _text, "No actor has such a name: all are shown.", ""),
        understood("action", _action, "There is no such action: all are shown.", ""),
        understood("workload", _text, "No workload has such a name: all are shown.", ""),
        understood("from", _moment, no_time.format("start"), None),
        understood("to", _moment, no_time.format("end"), None),
        given,
        problems,
    )


def _text(given: str) -> str:
    if not is_storable(given):
        raise ValueError
    return given


def _action(given: str) -> str:
    if given not in ACTIONS:
        raise ValueError
    return given


def _moment(given: str) -> datetime:
    moment = datetime.fromisoformat(given)
    found = (timezone.make_aware(moment) if timezone.is_naive(moment) else moment).astimezone(UTC)
    # It is shown again in the viewer's zone, where the first and the last day of all may not be.
    timezone.localtime(found)
    return found


@dataclass(frozen=True)
class Entry:
    """An entry with its words."""

    row: AuditEntry

    @property
    def icon(self) -> str:
        return words.icon(self.row.action)

    @property
    def who(self) -> str:
        return words.who(self.row.actor, {})

    @property
    def told(self) -> words.Told:
        return words.told(self.row)

    @property
    def hash(self) -> str:
        return words.short(self.row.hash)

    @property
    def previous(self) -> str:
        return words.short(self.row.previous)

    @property
    def is_first(self) -> bool:
        return self.row.number == 1


@dataclass(frozen=True)
class Page:
    """Some entries, and the numbers after which the pages beside start; None where there is none."""

    entries: Sequence[Entry]
    older: int | None
    newer: int | None


def number(query: Mapping[str, str], name: str) -> int | None:
    """Read the number of an entry from the address; None where it is none."""
    return whole_number(query.get(name, ""), HIGHEST_ROW)


def page(filters: Filters, before: int | None, after: int | None) -> Page:
    """Return the entries before a number, or else the ones after it, or else the newest. One query."""
    rows = filters.through()
    if before is not None:
        found = list(rows.filter(number__lt=before)[: PAGE + 1])
        newer = before - 1
    elif after is not None:
        nearest = list(rows.filter(number__gt=after).order_by("number")[: PAGE + 1])
        found = nearest[PAGE - 1 :: -1] if len(nearest) > PAGE else nearest[::-1]
        shown = [Entry(row) for row in found]
        return Page(shown, after + 1, found[0].number if len(nearest) > PAGE else None)
    else:
        found, newer = list(rows[: PAGE + 1]), None
    shown = [Entry(row) for row in found[:PAGE]]
    return Page(shown, found[PAGE - 1].number if len(found) > PAGE else None, newer)


def matching(filters: Filters) -> str:
    """Say how many entries the filters let through: 12, 1,200, over 10,000. One query."""
    count = filters.through().order_by()[: MOST_COUNTED + 1].count()
    return f"over {MOST_COUNTED:,}" if count > MOST_COUNTED else f"{count:,}"


def batches(filters: Filters) -> Iterator[list[list[Any]]]:
    """Yield what the filters let through as rows of a file, in pieces, the newest first."""
    before: int | None = None
    while True:
        rows = filters.through() if before is None else filters.through().filter(number__lt=before)
        found = [list(row) for row in rows.values_list(*COLUMNS)[:PIECE]]
        if found:
            yield found
        if len(found) < PIECE:
            return
        before = found[-1][0]
