"""A figure: what was measured, what it must be, and how that is told."""

import json
import platform
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal


@dataclass
class Figure:
    """One row of the table. `must` and `aim` are bounds of `value`, from below where `better` is "more"."""

    row: str
    what: str
    must: float
    aim: float
    better: Literal["more", "less"] = "more"
    unit: str = ""
    # One of each run; the value is their median.
    runs: list[float] = field(default_factory=list)
    # What was measured on the way, such as both sides of a ratio.
    detail: dict[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def value(self) -> float | None:
        return statistics.median(self.runs) if self.runs else None

    @property
    def verdict(self) -> str:
        """`aim`, `must` or `missed`: which of the two was reached; `not run` where nothing was measured."""
        value = self.value
        if value is None:
            return "not run"
        for name, bound in (("aim", self.aim), ("must", self.must)):
            if value >= bound if self.better == "more" else value <= bound:
                return name
        return "missed"


def short(value: float) -> str:
    """Return a number in as many digits as it is worth."""
    return f"{value:.2f}" if abs(value) < 10 else f"{value:,.0f}"


def table(figures: Iterable[Figure]) -> str:
    """Return the figures as a table in Markdown."""
    lines = ["| # | figure | must | aim | measured | runs | |", "|---|---|---|---|---|---|---|"]
    for figure in figures:
        sign = "≥" if figure.better == "more" else "≤"
        bounds = [f"{sign} {short(bound)}{figure.unit}" for bound in (figure.must, figure.aim)]
        measured = "" if figure.value is None else f"{short(figure.value)}{figure.unit}"
        runs = " ".join(short(run) for run in figure.runs)
        lines.append(
            f"| {figure.row} | {figure.what} | {' | '.join(bounds)} | {measured} | {runs} | {figure.verdict} |"
        )
    return "\n".join(lines)


def remarks(figures: Iterable[Figure]) -> str:
    """Return what is to be known besides: both sides of each ratio, and what was not run and why."""
    lines = []
    for figure in figures:
        told = [
            f"{name} {short(value)}" if isinstance(value, float) else f"{name} {value}"
            for name, value in figure.detail.items()
        ]
        if figure.note:
            told.append(figure.note)
        if told:
            lines.append(f"{figure.row}: {'; '.join(told)}")
    return "\n".join(lines)


def save(file: Path, figures: Sequence[Figure], about: dict[str, Any]) -> None:
    """Write everything that was measured as JSON."""
    machine = {"system": platform.system(), "python": platform.python_version(), **about}
    rows = [asdict(figure) | {"value": figure.value, "verdict": figure.verdict} for figure in figures]
    told = {"taken_at": datetime.now(UTC).isoformat(timespec="seconds"), "about": machine, "figures": rows}
    file.write_text(json.dumps(told, indent=2, ensure_ascii=False) + "\n")
