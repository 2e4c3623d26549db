"""A route's history, from the audit log: what turned it, and of verifications and scores the newest. One query."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.audit import words
from dashboard.words import both
from fallbacks.models import AuditEntry

TURNS = (
    "policy put",
    "enablement requested",
    "request withdrawn",
    "route enabled",
    "route rejected",
    "route suspended",
    "route expired",
    "route sent back",
)
# Of each kind so many: tests run every night and samples are scored every day, and would hide what was decided.
MOST: Mapping[str, int] = {"turns": 20, "verification received": 8, "sample scored": 3}


@dataclass(frozen=True)
class Line:
    """One or more entries of one person that say the same; time, number and hash are the newest's.

    `at` is None where somebody tampered with it.
    """

    icon: str
    actor: str
    did: str
    quoted: str
    at: datetime | None
    number: int
    hash: str


def entries(workload: str) -> list[AuditEntry]:
    """Return the newest entries that tell a route's way, the newest first."""
    of = AuditEntry.objects.filter(workload=workload).order_by("-number")
    parts = [of.filter(action__in=TURNS)[: MOST["turns"]]]
    parts += [of.filter(action=action)[:most] for action, most in MOST.items() if action != "turns"]
    return sorted(parts[0].union(*parts[1:], all=True), key=lambda entry: -entry.number)


def lines(found: Sequence[AuditEntry]) -> list[Line]:
    """Return the entries in words, with payload classes that somebody verified one after the other put together."""
    return [line(together) for together in _runs(found)]


def line(together: Sequence[AuditEntry]) -> Line:
    """Return entries of one kind as a line."""
    newest = together[0]
    said = words.told(newest)
    did = said.did
    if len(together) > 1:
        classes = {words.text(words.details_of(entry), "payload_class") for entry in together}
        did = f"verified {both(sorted(classes))} of {words.pair(words.details_of(newest))}"
    return Line(
        words.icon(newest.action), newest.actor, did, said.quoted, newest.at, newest.number, words.short(newest.hash)
    )


def _runs(found: Sequence[AuditEntry]) -> Iterator[list[AuditEntry]]:
    run: list[AuditEntry] = []
    for entry in found:
        if run and not _alike(run[-1], entry):
            yield run
            run = []
        run.append(entry)
    if run:
        yield run


def _alike(one: AuditEntry, other: AuditEntry) -> bool:
    if (one.action, one.actor) != ("verification received", other.actor) or other.action != one.action:
        return False
    first, second = (words.details_of(entry) for entry in (one, other))
    same = words.pair(first) == words.pair(second)
    return same and first.get("passed") is True and second.get("passed") is True


def newest(found: Sequence[AuditEntry], action: str) -> AuditEntry | None:
    """Return the newest entry of an action."""
    return next((entry for entry in found if entry.action == action), None)
