"""Rows of figures, as `GET /api/v1/rates` gives them: pure, from counts that were read."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from dashboard.breakdowns import Broken, Values
from dashboard.queries import overall
from fallbacks.latencies import Percentiles
from fallbacks.rates import Counts

# Requests are known of a workload; any finer part of it shares them.
OF_REQUESTS = "workload"


def rows(by: Sequence[str], counts: Mapping[str, Counts], kinds: Mapping[Values, Broken]) -> Iterator[dict[str, Any]]:
    """Yield a row for each combination of the `by` values, from counts by workload and from a breakdown.

    `kinds` are of one span, by workload and then by the rest of `by`. What either of them holds has a row, empty or
    not: that way each bucket has the same rows.
    """
    rest = [name for name in by if name != OF_REQUESTS]
    groups: list[tuple[dict[str, Any], dict[str, Counts]]] = [({}, dict(counts))]
    if OF_REQUESTS in by:
        groups = [({OF_REQUESTS: slug}, {slug: counts[slug]}) for slug in sorted(counts)]
    for names, members in groups:
        whole = overall(members)
        own = merged((values[1:], broken) for values, broken in kinds.items() if values[0] in members)
        if not rest:
            yield {**names, **figures(whole, whole, own.get((), Broken()))}
            continue
        for values, broken in sorted(own.items()):
            part = Counts(whole.requests, broken.served, broken.failed, broken.blocked)
            yield {**names, **dict(zip(rest, map(shown, values), strict=True)), **figures(part, whole, broken)}


def merged(parts: Iterable[tuple[Values, Broken]]) -> dict[Values, Broken]:
    """Add up what has the same values."""
    sums: dict[Values, Broken] = {}
    for values, broken in parts:
        sums[values] = sums.get(values, Broken()) + broken
    return sums


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
