"""What is found and counted during a run, and the tables that are printed of it."""

import statistics
import threading
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

# What must not happen, in the order in which it is printed. Each must be zero.
COLUMNS = {
    "lost": "acknowledged, neither stored nor kept aside",
    "twice": "stored twice",
    "stranger": "stored, and nobody sent it",
    "altered": "stored with another outcome or count than sent",
    "rollups": "rollup cells that differ from a recount of the rows",
    "sums": "hours that are not the sum of their minutes, days of their hours",
    "totals": "workloads whose totals differ from what producers wrote down",
    "poison": "poison not kept aside exactly once, with its error",
    "aside": "good events kept aside",
    "tally": "received ≠ stored + duplicate + rejected + kept aside + in flight",
    "undrained": "entries left in the stream 30 s after the last fault",
    "deadlocks": "deadlocks in PostgreSQL",
    "answers": "answers other than the right one or 503",
    "unreached": "requests that met nobody while web was up",
    "recovery": "recoveries that took longer than they may",
    "unseen": "lasting faults that /readyz did not show",
    "raised": "tasks that raised anything but that a server is away",
}
MOST_EXAMPLES = 3
# Taken; refused for what it was; not now; nobody was there; over its rate; and what must not be.
ANSWERS = ("2xx", "4xx", "503", "none", "429", "other")


@dataclass
class Row:
    """What one kind of fault did."""

    name: str
    made: int = 0
    answers: Counter[str] = field(default_factory=Counter)
    recoveries: list[float] = field(default_factory=list)
    shown: list[float] = field(default_factory=list)
    not_shown: int = 0
    note: str = ""

    def words(self) -> tuple[str, ...]:
        """Return the cells of its line."""
        recovery = (
            f"{statistics.median(self.recoveries):.1f} / {max(self.recoveries):.1f} s" if self.recoveries else "-"
        )
        shown = f"after {max(self.shown):.1f} s" if self.shown else "-"
        if self.not_shown:
            shown = f"{len(self.shown)} of {len(self.shown) + self.not_shown}"
        answers = (f"{self.answers[name]:,}" for name in ANSWERS)
        return (self.name, f"{self.made:,}" if self.made else "not run", *answers, recovery, shown, self.note)


class Findings:
    """Everything that is counted in a run. Safe from several threads."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.counts: Counter[str] = Counter()
        self.examples: dict[str, list[str]] = defaultdict(list)
        self.rows: dict[str, Row] = {}
        self.not_run: list[str] = []

    def add(self, column: str, example: str, count: int = 1) -> None:
        """Note something that must not be."""
        with self.lock:
            self.counts[column] += count
            if len(self.examples[column]) < MOST_EXAMPLES:
                self.examples[column].append(example)

    def row(self, name: str) -> Row:
        """Return the row of a fault."""
        with self.lock:
            return self.rows.setdefault(name, Row(name))

    def answered(self, fault: str, word: str) -> None:
        """Count a client's answer to the fault during which it came, by a word of ANSWERS."""
        row = self.row(fault)
        with self.lock:
            row.answers[word] += 1

    def left_out(self, what: str) -> None:
        """Say that something was not run."""
        with self.lock:
            if what not in self.not_run:
                self.not_run.append(what)

    def are_clean(self) -> bool:
        return not sum(self.counts.values())


HEAD = ("fault", "made", *ANSWERS, "recovery: median / most", "on /readyz", "note")


def table(head: tuple[str, ...], lines: list[tuple[str, ...]]) -> str:
    """Return lines under a head, in columns; numbers to the right."""
    widths = [max(len(line[n]) for line in [head, *lines]) for n in range(len(head))]

    def lay(line: tuple[str, ...]) -> str:
        cells = (
            cell.ljust(width) if n in (0, len(head) - 1) else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        return "  ".join(cells).rstrip()

    return "\n".join(lay(line) for line in (head, tuple("-" * width for width in widths), *lines))


def faults_table(findings: Findings) -> str:
    """Return the table of faults: how often, what clients saw meanwhile, and how quickly it was over."""
    return table(HEAD, [row.words() for row in findings.rows.values()])


def columns_table(findings: Findings, columns: Mapping[str, str] = COLUMNS) -> str:
    """Return the table of what must be zero."""
    lines: list[tuple[str, ...]] = [(text, f"{findings.counts[name]:,}", "") for name, text in columns.items()]
    told = [f"  {columns[name]}: {example}" for name in columns for example in findings.examples.get(name, ())]
    return "\n".join([table(("must be zero", "found", ""), lines), *(["", "For example:", *told] if told else [])])
