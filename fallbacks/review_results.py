"""What reviews say: of samples that were settled in a window, how many passed, where, by what criterion and how soon.

A sample counts where it was settled, whatever its environment: reviewers look at answers, not at where they were given.
Everything is read by the index of settled samples, and the numbers of rows returned are those of routes, classes,
criteria and buckets.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from fallbacks.intervals import wilson
from fallbacks.timebuckets import Window

# As many remarks as one reads.
MOST_REMARKS = 12

SETTLED = """
settled AS MATERIALIZED (
  SELECT s.id, w.slug, s."primary", s.fallback, s.error_class, s.passed, s.scored_at,
         s.scored_at > s.due_at AS late, s.scored_at - s.sampled_at AS took
  FROM sample s JOIN workload w ON w.id = s.workload_id
  WHERE s.scored_at >= %(start)s AND s.scored_at < %(end)s AND (%(workload)s = '' OR w.slug = %(workload)s)
)
"""
# The primary's answer passed where more reviewers say so than not; where as many say the one as the other, that is not
# known.
FIGURES = f"""
WITH {SETTLED}, compared AS (
  SELECT s.*, date_bin(%(width)s, s.scored_at, '1970-01-01 00:00+00') AS start, r.primary_passed
  FROM settled s LEFT JOIN LATERAL (
    SELECT nullif(sign(sum(CASE WHEN primary_passed THEN 1 ELSE -1 END)), 0) > 0 AS primary_passed
    FROM review WHERE sample_id = s.id AND primary_passed IS NOT NULL
  ) r ON true
)
SELECT grouping(slug, error_class, start), slug, "primary", fallback, error_class, start,
       count(*), count(*) FILTER (WHERE passed), count(*) FILTER (WHERE late),
       percentile_disc(0.5) WITHIN GROUP (ORDER BY took), percentile_disc(0.9) WITHIN GROUP (ORDER BY took),
       count(*) FILTER (WHERE passed AND primary_passed), count(*) FILTER (WHERE passed AND NOT primary_passed),
       count(*) FILTER (WHERE NOT passed AND primary_passed), count(*) FILTER (WHERE NOT passed AND NOT primary_passed)
FROM compared GROUP BY GROUPING SETS ((), (slug, "primary", fallback), (error_class), (start))
"""  # noqa: S608  no word of it is anybody's
CRITERIA = f"""
WITH {SETTLED}
SELECT m.key, count(*) FILTER (WHERE m.value = 'pass'), count(*) FILTER (WHERE m.value = 'fail'),
       count(*) FILTER (WHERE m.value = 'na'),
       count(*) FILTER (WHERE r.primary_marks ->> m.key = 'pass'),
       count(*) FILTER (WHERE r.primary_marks ->> m.key = 'fail')
FROM settled s JOIN review r ON r.sample_id = s.id CROSS JOIN jsonb_each_text(r.marks) m GROUP BY 1 ORDER BY 1
"""  # noqa: S608
# The first two: a third is asked because these did not agree. What waits for the third is told along, or those who
# disagree would be missing.
AGREEMENT = f"""
WITH {SETTLED}
SELECT count(*) FILTER (WHERE said[1] AND said[2]), count(*) FILTER (WHERE said[1] AND NOT said[2]),
       count(*) FILTER (WHERE NOT said[1] AND said[2]), count(*) FILTER (WHERE NOT said[1] AND NOT said[2])
FROM (
  SELECT array_agg(r.passed ORDER BY r.id) AS said FROM (
    SELECT id FROM settled UNION ALL
    SELECT s.id FROM sample s JOIN workload w ON w.id = s.workload_id
    WHERE s.scored_at IS NULL AND s.reviews_required > 1 AND (%(workload)s = '' OR w.slug = %(workload)s)
  ) s JOIN review r ON r.sample_id = s.id GROUP BY s.id HAVING count(*) > 1
) pairs
"""  # noqa: S608
REMARKS = f"""
WITH {SETTLED}
SELECT s.slug, s."primary", s.fallback, s.error_class, r.at, r.passed,
       ARRAY(SELECT key FROM jsonb_each_text(r.marks) WHERE value = 'fail' ORDER BY key), r.comment,
       coalesce(nullif(trim(u.first_name || ' ' || u.last_name), ''), u.username)
FROM settled s JOIN review r ON r.sample_id = s.id JOIN fallbacks_user u ON u.id = r.reviewer_id
WHERE r.comment <> '' ORDER BY r.at DESC, r.id DESC LIMIT %(most)s
"""  # noqa: S608
OPEN = """
SELECT count(*), count(*) FILTER (WHERE s.due_at <= now()), min(s.sampled_at),
       count(*) FILTER (
         WHERE s.reviews_required > 1
           AND (SELECT count(*) FROM review r WHERE r.sample_id = s.id) >= s.reviews_required
       )
FROM sample s JOIN workload w ON w.id = s.workload_id
WHERE s.scored_at IS NULL AND s.texts_removed_at IS NULL AND (%(workload)s = '' OR w.slug = %(workload)s)
"""
# Names are joined to the sums: grouping by numbers is cheaper than by names.
OPEN_BY_WORKLOAD = """
SELECT w.slug, open.count, open.overdue, open.oldest FROM (
  SELECT workload_id, count(*), count(*) FILTER (WHERE due_at <= now()) AS overdue, min(sampled_at) AS oldest
  FROM sample WHERE scored_at IS NULL AND texts_removed_at IS NULL GROUP BY 1
) open JOIN workload w ON w.id = workload_id
"""

Route = tuple[str, str, str]  # workload, primary, fallback


@dataclass(frozen=True, slots=True)
class Passed:
    """How many of so many passed."""

    passed: int = 0
    count: int = 0

    @property
    def failed(self) -> int:
        return self.count - self.passed

    @property
    def rate(self) -> float | None:
        """The share that passed, from 0 to 1; None of nothing."""
        return self.passed / self.count if self.count else None

    @property
    def interval(self) -> tuple[float, float]:
        """Between which shares that of all answers lies, at 95 %."""
        return wilson(self.passed, self.count)


@dataclass(frozen=True, slots=True)
class Pairs:
    """What two said of the same answer, or one of two answers: how often which of them said that it passes."""

    both: int = 0
    first: int = 0
    second: int = 0
    neither: int = 0

    @property
    def count(self) -> int:
        return self.both + self.first + self.second + self.neither

    @property
    def of_first(self) -> Passed:
        return Passed(self.both + self.first, self.count)

    @property
    def of_second(self) -> Passed:
        return Passed(self.both + self.second, self.count)

    @property
    def agreed(self) -> Passed:
        return Passed(self.both + self.neither, self.count)

    @property
    def kappa(self) -> float | None:
        """Cohen's kappa: how far they agree beyond what chance alone would do; None where chance does all of it."""
        first, second, agreed = self.of_first.rate, self.of_second.rate, self.agreed.rate
        if first is None or second is None or agreed is None:
            return None
        by_chance = first * second + (1 - first) * (1 - second)
        return (agreed - by_chance) / (1 - by_chance) if by_chance < 1 else None


@dataclass(frozen=True, slots=True)
class Figures:
    """What was found of some settled samples.

    `late` were settled after they were due. `median` and `p90` are how long it took from sampling to settling.
    `compared` are those of which both answers were scored: the fallback's is the first of the pair.
    """

    scored: Passed = Passed()
    late: int = 0
    median: timedelta | None = None
    p90: timedelta | None = None
    compared: Pairs = Pairs()


@dataclass(frozen=True, slots=True)
class Criterion:
    """How often reviewers marked a criterion of the fallback's answer pass, fail or not applicable (`na`).

    `primary` are the marks of the primary's answers that were scored beside.
    """

    name: str
    marks: Passed
    na: int
    primary: Passed


@dataclass(frozen=True, slots=True)
class Waiting:
    """Samples that wait now: how many, how many of them are overdue, and since when the oldest does.

    Of `split` ones two reviewers, or more, did not agree: they wait for another.
    """

    count: int = 0
    overdue: int = 0
    oldest: datetime | None = None
    split: int = 0

    def __add__(self, other: "Waiting") -> "Waiting":
        oldest = min((each for each in (self.oldest, other.oldest) if each is not None), default=None)
        return Waiting(self.count + other.count, self.overdue + other.overdue, oldest, self.split + other.split)


@dataclass(frozen=True, slots=True)
class Remark:
    """What a reviewer wrote of an answer. `failed` are the criteria that were marked so."""

    route: Route
    error_class: str
    at: datetime
    passed: bool
    failed: tuple[str, ...]
    comment: str
    by: str


@dataclass(slots=True)
class Results:
    """What reviews say of a window. `times` are by start of bucket.

    `agreement` is of the first two who scored the same sample: of those that were settled, and of those that wait now
    for a third.
    """

    whole: Figures = field(default_factory=Figures)
    routes: dict[Route, Figures] = field(default_factory=dict)
    classes: dict[str, Figures] = field(default_factory=dict)
    times: dict[datetime, Figures] = field(default_factory=dict)
    criteria: Sequence[Criterion] = ()
    agreement: Pairs = field(default_factory=Pairs)


def results(window: Window, width: timedelta, workload: str = "") -> Results:
    """Return what reviews say, of one workload or (empty) of all, over time in buckets of `width`. Three queries."""
    given = _given(window, workload) | {"width": width}
    found = Results()
    with connection.cursor() as cursor:
        cursor.execute(FIGURES, given)
        for kind, *names, error_class, start, count, passed, late, median, p90, both, first, second, neither in cursor:
            figures = Figures(Passed(passed, count), late, median, p90, Pairs(both, first, second, neither))
            # A bit for each column that the row is not of.
            match kind:
                case 0b111:
                    found.whole = figures
                case 0b011:
                    found.routes[names[0], names[1], names[2]] = figures
                case 0b101:
                    found.classes[error_class] = figures
                case _:
                    found.times[start] = figures
        cursor.execute(CRITERIA, given)
        found.criteria = [
            Criterion(name, Passed(yes, yes + no), na, Passed(primary, primary + not_primary))
            for name, yes, no, na, primary, not_primary in cursor.fetchall()
        ]
        cursor.execute(AGREEMENT, given)
        found.agreement = Pairs(*cursor.fetchone())
    return found


def waiting(workload: str = "") -> Waiting:
    """Return what waits now. One query, over what is not settled."""
    with connection.cursor() as cursor:
        cursor.execute(OPEN, {"workload": workload})
        return Waiting(*cursor.fetchone())


def waiting_by_workload() -> dict[str, Waiting]:
    """Return what waits now, by workload; on what reviewers are split is not asked. One query."""
    with connection.cursor() as cursor:
        cursor.execute(OPEN_BY_WORKLOAD)
        return {slug: Waiting(*found) for slug, *found in cursor.fetchall()}


def remarks(window: Window, workload: str = "", most: int = MOST_REMARKS) -> list[Remark]:
    """Return what reviewers wrote of samples that were settled in the window, newest first. One query.

    For those who may read it: a comment may quote the answer.
    """
    with connection.cursor() as cursor:
        cursor.execute(REMARKS, _given(window, workload) | {"most": most})
        return [
            Remark((slug, primary, fallback), error_class, at, passed, tuple(failed), comment, by)
            for slug, primary, fallback, error_class, at, passed, failed, comment, by in cursor.fetchall()
        ]


def _given(window: Window, workload: str) -> dict[str, Any]:
    return {"start": window.start, "end": window.end, "workload": workload}
