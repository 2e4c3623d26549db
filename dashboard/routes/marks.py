"""What reviewers said of a route's samples since it is what it is: by criterion, of those that are settled."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from fallbacks.routes import Standing

SAID = """
WITH said AS (
  SELECT r.reviewer_id, r.marks FROM review r JOIN sample s ON s.id = r.sample_id
  WHERE s.workload_id = %s AND s."primary" = %s AND s.fallback = %s AND s.scored_at >= %s AND s.occurred_at >= %s
)
SELECT mark.key, count(*) FILTER (WHERE mark.value = 'pass'), count(*) FILTER (WHERE mark.value = 'fail'),
       count(*) FILTER (WHERE mark.value = 'na'), (SELECT count(DISTINCT reviewer_id) FROM said)
FROM said, jsonb_each_text(said.marks) AS mark GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Criterion:
    """How often a criterion passed and failed; `na` tells how often it did not apply."""

    name: str
    passed: int
    failed: int
    na: int

    @property
    def judged(self) -> int:
        return self.passed + self.failed


@dataclass(frozen=True, slots=True)
class Marks:
    """The criteria, those of the policy first and in its order; and how many people have scored."""

    criteria: Sequence[Criterion]
    reviewers: int


def marks(at: Standing) -> Marks:
    """Return what was said of the route's samples. One query."""
    policy = at.stored.policy
    if policy.fallback is None:
        return Marks([], 0)
    with connection.cursor() as cursor:
        cursor.execute(SAID, [at.stored.workload_id, policy.primary, policy.fallback, at.since, at.since])
        rows = cursor.fetchall()
    order = {name: place for place, name in enumerate(policy.review.criteria)}
    found = sorted(
        (Criterion(*row[:4]) for row in rows), key=lambda each: (order.get(each.name, len(order)), each.name)
    )
    return Marks(found, rows[0][4] if rows else 0)
