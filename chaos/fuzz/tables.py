"""What is printed of a run."""

from collections import Counter
from collections.abc import Mapping

from chaos import report

# What must not happen, in the order in which it is printed. Each must be zero.
COLUMNS = {
    "failed": "answers of 5xx",
    "unanswered": "requests that nobody answered",
    "answers": "answers that such a request must not get",
    "shape": "answers of another shape, or whose sums are not those of the body",
    "lost": "202 that is not stored",
    "altered": "stored otherwise than sent",
    "stranger": "stored, and nobody sent it",
    "aside": "kept aside",
    "tally": "differences between answers, the tally and rows",
    "rollups": "rollup cells that differ from a recount of the rows",
    "sums": "hours that are not the sum of their minutes, days of their hours",
    "undrained": "entries left in the stream 30 s after the last request",
    "deadlocks": "deadlocks in PostgreSQL",
    "raised": "errors in the logs that nobody foresaw",
}
STATUSES = (202, 400, 401, 403, 405, 413, 415, 429)


def answers_table(seen: Mapping[str, Counter[int]]) -> str:
    """Return how many requests of each kind got which answer."""
    total: Counter[int] = Counter()
    for counts in seen.values():
        total.update(counts)
    lines = [line(kind, counts) for kind, counts in [*sorted(seen.items()), ("all", total)]]
    return report.table(("made", "sent", *map(str, STATUSES), "other", "5xx", "none", ""), lines)


def line(kind: str, counts: Counter[int]) -> tuple[str, ...]:
    failed = sum(count for status, count in counts.items() if status >= 500)
    rest = counts.total() - failed - counts[0] - sum(counts[status] for status in STATUSES)
    cells = (counts.total(), *(counts[status] for status in STATUSES), rest, failed, counts[0])
    return (kind, *(f"{count:,}" for count in cells), "")
