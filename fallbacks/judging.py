"""Judging: the verdict of each event, by the policy that was in force when it occurred."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, NamedTuple

from django.db import DataError

from fallbacks.rows import EventRow
from fallbacks.rulebook import Rulebook
from fallbacks.verdict import Facts, judge, mask


class Judged(NamedTuple):
    """A verdict as it is stored with its event. `rules` are bits; no version where the workload has no policy."""

    error_class: str
    rules: int
    policy_version: int | None
    who_acts: str
    notice_due: bool


# All that a verdict depends on, but for the time. What an event used is a list, which nothing can be remembered by.
FACTS = (
    "primary",
    "fallback",
    "status",
    "error_code",
    "attempts",
    "outcome",
    "user_visible",
    "user_notified",
    "tier",
    "payload_class",
)
_key = attrgetter("workload", *FACTS)
# Senders choose some of these words freely.
MOST_REMEMBERED = 50_000


@dataclass(slots=True)
class Judge:
    """Judges events by one rulebook, and remembers verdicts: most events of an outage are alike."""

    book: Rulebook
    remembered: dict[Any, Judged] = field(default_factory=dict)

    def verdicts(self, rows: Iterable[EventRow]) -> list[Judged]:
        """Return the verdict of each row. Raises DataError where a status is none, as the database would."""
        remembered, turns, found = self.remembered, self.book.turns, []
        for row in rows:
            key: Any = _key(row)
            if row.workload in turns or row.provider_features:
                key = key, self.book.era(row.workload, row.occurred_at), tuple(row.provider_features or ())
            verdict = remembered.get(key)
            if verdict is None:
                verdict = self._judge(row)
                if len(remembered) >= MOST_REMEMBERED:
                    remembered.clear()
                remembered[key] = verdict
            found.append(verdict)
        return found

    def _judge(self, row: EventRow) -> Judged:
        version = self.book.in_force(row.workload, row.occurred_at)
        enabled = self.book.is_enabled(row.workload, row.primary, row.fallback, row.occurred_at)
        facts = Facts(
            **{name: getattr(row, name) for name in FACTS}, provider_features=frozenset(row.provider_features or ())
        )
        try:
            verdict = judge(facts, version.policy if version else None, self.book.models, enabled=enabled)
        except ValueError as error:
            raise DataError(*error.args) from error
        return Judged(
            verdict.error_class,
            mask(verdict.rules),
            version.number if version else None,
            verdict.who_acts,
            verdict.notice_due,
        )


_judge: Judge | None = None


def judge_by(book: Rulebook) -> Judge:
    """Return the process's judge by this rulebook."""
    global _judge
    if _judge is None or _judge.book is not book:
        _judge = Judge(book)
    return _judge
