"""What reviewers said of a route's samples since it is what it is: by criterion, and of what failed last, why.

Samples are counted, not marks. One passes a criterion as it passes as a whole: where more of its reviewers say so than
not. Where as many say the one as the other it has neither passed nor failed: they are split. Of samples that are not
settled nothing is told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection

from fallbacks.routes import Standing

# The same samples as those of the pass rate: `routes.SCORED`.
COUNTED = """
WITH counted AS (
  SELECT s.id, s.passed, s.scored_at FROM sample s
  WHERE s.workload_id = %s AND s."primary" = %s AND s.fallback = %s AND s.scored_at >= %s AND s.occurred_at >= %s
)
"""
# Marks: so many samples passed, failed, and were not judged by a criterion, and of so many reviewers were split.
SAID = f"""
{COUNTED}, said AS (
  SELECT r.sample_id, r.reviewer_id, r.marks FROM review r JOIN counted c ON c.id = r.sample_id
), settled AS (
  SELECT mark.key, count(*) FILTER (WHERE mark.value = 'pass') AS yes, count(*) FILTER (WHERE mark.value = 'fail') AS no
  FROM said, jsonb_each_text(said.marks) AS mark GROUP BY said.sample_id, mark.key
)
SELECT key, count(*) FILTER (WHERE yes > no), count(*) FILTER (WHERE yes < no),
       count(*) FILTER (WHERE yes = no AND yes = 0), count(*) FILTER (WHERE yes = no AND yes > 0),
       (SELECT count(DISTINCT reviewer_id) FROM said)
FROM settled GROUP BY 1
"""  # noqa: S608  no word of it is anybody's
WHY = f"""
{COUNTED}
SELECT r.comment, coalesce(nullif(trim(u.first_name || ' ' || u.last_name), ''), u.username)
FROM counted c JOIN review r ON r.sample_id = c.id JOIN fallbacks_user u ON u.id = r.reviewer_id
WHERE NOT c.passed AND NOT r.passed AND r.comment <> '' ORDER BY c.scored_at DESC, r.id DESC LIMIT 1
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Criterion:
    """How many samples passed and failed a criterion; to `na` it did not apply, and of `split` reviewers are split."""

    name: str
    passed: int
    failed: int
    na: int
    split: int

    @property
    def judged(self) -> int:
        return self.passed + self.failed

    @property
    def besides(self) -> str:
        """Of how many samples neither is so, and why."""
        parts = [f"{self.na:,} not applicable"] if self.na else []
        parts += [f"reviewers split on {self.split:,}"] if self.split else []
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Marks:
    """The criteria, those of the policy first and in its order; and how many people have scored."""

    criteria: Sequence[Criterion]
    reviewers: int


@dataclass(frozen=True, slots=True)
class Why:
    """What a reviewer wrote of an answer that is not good enough."""

    comment: str
    by: str


def marks(at: Standing) -> Marks:
    """Return what was said of the route's samples. One query."""
    if at.stored.policy.fallback is None:
        return Marks([], 0)
    with connection.cursor() as cursor:
        cursor.execute(SAID, _counted(at))
        rows = cursor.fetchall()
    order = {name: place for place, name in enumerate(at.stored.policy.review.criteria)}
    found = sorted(
        (Criterion(*row[:5]) for row in rows), key=lambda each: (order.get(each.name, len(order)), each.name)
    )
    return Marks(found, rows[0][5] if rows else 0)


def why_it_failed(at: Standing) -> Why | None:
    """Return what was written of the newest sample that failed; None where none did. One query, where one did.

    For those who may read it: a comment may quote the answer.
    """
    if at.scored.passed == at.scored.count:
        return None
    with connection.cursor() as cursor:
        cursor.execute(WHY, _counted(at))
        row = cursor.fetchone()
    return Why(*row) if row else None


def _counted(at: Standing) -> list[Any]:
    policy = at.stored.policy
    return [at.stored.workload_id, policy.primary, policy.fallback, at.since, at.since]
