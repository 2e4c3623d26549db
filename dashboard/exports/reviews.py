"""What reviews say as rows of a file: over all, by route, error class and criterion, and over time."""

from collections.abc import Iterator, Mapping
from typing import Any

from dashboard import review_results as told
from dashboard.exports.figures import Asked
from fallbacks.review_results import Figures, Passed, results

# `by` says what a row is of; names that are not told by that are empty.
NAMES = ("workload", "primary", "fallback", "error_class", "criterion", "start")


def rows(asked: Asked) -> Iterator[Mapping[str, Any]]:
    """Yield a row for each figure of the page. Of a criterion `count` are marks, else settled samples."""
    cut = told.grid(asked.window)
    found = results(asked.window, told.width(cut), asked.workload)
    yield row("all", found.whole, workload=asked.workload)
    for (workload, primary, fallback), figures in sorted(found.routes.items()):
        yield row("route", figures, workload=workload, primary=primary, fallback=fallback)
    for name, figures in sorted(found.classes.items()):
        yield row("error_class", figures, workload=asked.workload, error_class=name)
    for each in found.criteria:
        marks = {"not_applicable": each.na, "primary_count": each.primary.count, "primary_passed": each.primary.passed}
        yield row("criterion", Figures(each.marks), workload=asked.workload, criterion=each.name) | marks
    for start in cut.starts:
        yield row("time", found.times.get(start, Figures()), workload=asked.workload, start=start)
    yield row("agreement", Figures(found.agreement.agreed), workload=asked.workload) | {"kappa": found.agreement.kappa}


def row(by: str, figures: Figures, **names: Any) -> dict[str, Any]:
    """Return a row; what is not known of it is null."""
    scored, compared = figures.scored, figures.compared
    return {
        "by": by,
        **dict.fromkeys(NAMES),
        **{name: value or None for name, value in names.items()},
        **passed(scored),
        "not_applicable": None,
        "settled_late": figures.late if figures.median is not None else None,
        "median_seconds": round(figures.median.total_seconds()) if figures.median is not None else None,
        "p90_seconds": round(figures.p90.total_seconds()) if figures.p90 is not None else None,
        "primary_count": compared.count,
        "primary_passed": compared.of_second.passed,
        "fallback_passed_of_the_same": compared.of_first.passed,
        "kappa": None,
    }


def passed(scored: Passed) -> dict[str, Any]:
    low, high = scored.interval
    return {
        "count": scored.count,
        "passed": scored.passed,
        "pass_rate": scored.rate,
        "pass_rate_low": low if scored.count else None,
        "pass_rate_high": high if scored.count else None,
    }
