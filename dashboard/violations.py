"""Violations as people look at them: a matrix of workloads and rules, and sentences. Pure."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from dashboard.breakdowns import Broken, Values
from fallbacks.rates import Counts
from fallbacks.rulebook import Rulebook
from fallbacks.verdict import RULES

# How counts of a window are read for what is made here.
DIMENSIONS = ("workload", "primary", "fallback", "error_class", "rule")


@dataclass(frozen=True, slots=True)
class Cell:
    """How many events of a workload broke a rule; `heat` from 0 (none) to 3 (as many as in the worst cell)."""

    rule: str
    count: int
    heat: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """A workload of the matrix, and who answers for it. `total` counts an event once."""

    slug: str
    owner: str
    cells: list[Cell]
    total: int


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rules that were broken, the workloads that broke them, and how many others there were.

    `total` are the events of all workloads, `broke` those of them that broke a rule.
    """

    rules: Sequence[str]
    rows: list[Row]
    others: int
    sums: list[Cell]
    total: Counts
    broke: Broken

    @property
    def workloads(self) -> int:
        return len(self.rows) + self.others


def matrix(
    cells: Mapping[Values, Broken], broke: Mapping[str, Broken], totals: Mapping[str, Counts], book: Rulebook
) -> Matrix:
    """Return the matrix of what broke a rule: `cells` by `DIMENSIONS`, `broke` by workload.

    `totals` count all events of each workload.
    """
    counts: dict[tuple[str, str], int] = defaultdict(int)
    sums: dict[str, int] = defaultdict(int)
    for (slug, *_, rule), broken in cells.items():
        counts[slug, rule] += broken.events
        sums[rule] += broken.events
    rules = [rule for rule in RULES if sums.get(rule)]
    worst = max((counts[pair] for pair in counts if pair[1]), default=0)
    rows = [
        Row(
            slug,
            owner(book, slug),
            [Cell(rule, counts.get((slug, rule), 0), heat(counts.get((slug, rule), 0), worst)) for rule in rules],
            broken.violations,
        )
        for slug, broken in sorted(broke.items(), key=lambda pair: (-pair[1].violations, pair[0]))
    ]
    return Matrix(
        rules,
        rows,
        sum(1 for slug, counts in totals.items() if counts.events and slug not in broke),
        [Cell(rule, sums[rule]) for rule in rules],
        sum(totals.values(), Counts()),
        sum(broke.values(), Broken()),
    )


def heat(count: int, worst: int) -> int:
    """Return by thirds how much of the worst cell it is."""
    return -(-3 * count // worst) if worst else 0


def owner(book: Rulebook, workload: str) -> str:
    """Return who answers for a workload; empty where nobody is named."""
    version = book.latest(workload)
    return version.policy.owner if version else ""


def headline(matrix: Matrix, span: str) -> str:
    """Return what is so over all workloads in `span`, such as "last 24 hours"."""
    if not matrix.total.events:
        return f"No request left its primary in the {span}, so none broke policy."
    broke = matrix.broke
    if not broke.violations:
        return f"No event broke policy in the {span}."
    said = f"{broke.violations:,} event{'s' if broke.violations > 1 else ''} broke policy in the {span}"
    return f"{said}; in {broke.silent:,} of them the user was not told." if broke.silent else f"{said}."
