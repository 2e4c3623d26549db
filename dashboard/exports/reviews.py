"""What reviews say as rows of a file: over all, by route, error class and criterion, and over time."""

from collections.abc import Iterator, Mapping
from typing import Any

from dashboard import review_results as told
from dashboard.exports.figures import Asked
from fallbacks.review_results import Figures, Passed, results

# `by` says what a row is of; names that are not told by that are empty.
NAMES = ("workload", "primary", "fallback", "error_class", "criterion", "start")
# The fallback against the primary. How far reviewers agree says nothing of it.
COMPARED = ("primary_count", "primary_passed", "fallback_passed_of_the_same")


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
        # Marks of both answers are counted, and not of how many requests both were marked.
        marks = {"not_applicable": each.na, **of_primary(each.primary), "fallback_passed_of_the_same": None}
        yield row("criterion", Figures(each.marks), workload=asked.workload, criterion=each.name) | marks
    for start in cut.starts:
        yield row("time", found.times.get(start, Figures()), workload=asked.workload, start=start)
    beside = {"kappa": found.agreement.kappa, **dict.fromkeys(COMPARED)}
    yield row("agreement", Figures(found.agreement.agreed), workload=asked.workload) | beside


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
        **of_primary(compared.of_second),
        "fallback_passed_of_the_same": compared.of_first.passed if compared.count else None,
        "kappa": None,
    }


def of_primary(beside: Passed) -> dict[str, Any]:
    """Return how many of the primary's answers were scored, and passed: of none that is not known."""
    return {"primary_count": beside.count, "primary_passed": beside.passed if beside.count else None}


def passed(scored: Passed) -> dict[str, Any]:
    low, high = scored.interval
    return {
        "count": scored.count,
        "passed": scored.passed,
        "pass_rate": scored.rate,
        "pass_rate_low": low if scored.count else None,
        "pass_rate_high": high if scored.count else None,
    }
