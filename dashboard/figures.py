"""Rows of figures, as `GET /api/v1/rates` gives them: pure, from counts that were read."""

from collections.abc import Iterator, Mapping, Sequence
from operator import itemgetter
from typing import Any

from dashboard.breakdowns import Broken, Values
from dashboard.queries import overall
from fallbacks.latencies import Percentiles
from fallbacks.rates import Counts

# Requests are known of a workload; any finer part of it shares them.
OF_REQUESTS = "workload"


def rows(by: Sequence[str], counts: Mapping[str, Counts], kinds: Mapping[Values, Broken]) -> Iterator[dict[str, Any]]:
    """Yield a row for each combination of the `by` values, from counts by workload and from a breakdown.

    `kinds` are of one span, by the values of `kinds_by(by)`. What either of them holds has a row, empty or not: that
    way each bucket has the same rows.
    """
    rest = [name for name in by if name != OF_REQUESTS]
    if OF_REQUESTS not in by:
        yield from _rows({}, rest, overall(counts), kinds)
        return
    own: dict[str, dict[Values, Broken]] = {slug: {} for slug in sorted(counts)}
    for (slug, *values), broken in kinds.items():
        # A workload may have had its first event since the counts were read.
        if slug in own:
            own[slug][tuple(values)] = broken
    for slug, found in own.items():
        yield from _rows({OF_REQUESTS: slug}, rest, overall({slug: counts[slug]}), found)


def kinds_by(by: Sequence[str]) -> list[str]:
    """Return what a breakdown for rows by `by` is by: the workload first, where it is asked for."""
    return sorted(by, key=lambda name: name != OF_REQUESTS)


def _rows(
    names: Mapping[str, str], rest: Sequence[str], whole: Counts, kinds: Mapping[Values, Broken]
) -> Iterator[dict[str, Any]]:
    if not rest:
        yield {**names, **figures(whole, whole, kinds.get((), Broken()))}
        return
    for values, broken in sorted(kinds.items(), key=itemgetter(0)):
        part = Counts(whole.requests, broken.served, broken.failed, broken.blocked)
        yield {**names, **dict(zip(rest, map(shown, values), strict=True)), **figures(part, whole, broken)}


def shown(value: str) -> str | None:
    """Return a value as it is shown: an empty one stands for none, no fallback or no broken rule."""
    return value or None


def figures(counts: Counts, whole: Counts, broken: Broken) -> dict[str, Any]:
    """Return the figures of a row. `whole` says whether its traffic is complete: a part of it cannot tell."""
    rates = None if whole.under_reported else counts
    latencies = broken.took.latencies
    return {
        "requests": counts.requests,
        "events": counts.events,
        "served": counts.served,
        "failed": counts.failed,
        "blocked": counts.blocked,
        "violations": broken.violations,
        "silent": broken.silent,
        "degraded_rate": rates and rates.degraded_rate,
        "failure_rate": rates and rates.failure_rate,
        "incomplete": whole.under_reported,
        "cost_delta_usd": None if broken.cost_delta_usd is None else float(broken.cost_delta_usd),
        "cached_tokens_lost": int(broken.cached_tokens_lost),
        "primary_latency_ms": shares_of(latencies.primary),
        "fallback_latency_ms": shares_of(latencies.fallback),
    }


def shares_of(percentiles: Percentiles | None) -> dict[str, float | None]:
    """Return what half of the requests did not exceed, and 95 of 100, in milliseconds."""
    p50, p95 = (None, None) if percentiles is None else (percentiles.p50, percentiles.p95)
    return {"p50": p50, "p95": p95}
