"""What machines read: rates and events. A key sees the workloads and environments that it is for."""

from collections.abc import Iterator, Mapping
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from dashboard import openapi, parameters, queries
from fallbacks.models import Event, Outcome
from fallbacks.rates import Counts
from fallbacks.timebuckets import LENGTH, starts

FIGURES = {
    "workload": "support-chat",
    "requests": 184_220,
    "events": 3_924,
    "served": 3_712,
    "failed": 201,
    "blocked": 11,
    "degraded_rate": 0.02015,
    "failure_rate": 0.00115,
    "incomplete": False,
}
EXAMPLE_RATES = {
    "from": "2026-11-16T14:00:00Z",
    "to": "2026-11-17T14:00:00Z",
    "step": "day",
    "buckets": [{"start": "2026-11-16T00:00:00Z", **FIGURES}],
    "totals": [FIGURES],
}


class RatesView(APIView):
    """`GET /api/v1/rates`: counts and rates by bucket of time, and in total."""

    scope = "rates:read"

    @extend_schema(
        operation_id="rates_read",
        description="Counts and rates by bucket of time and in total. Null where no traffic was reported.",
        tags=["read"],
        parameters=[parameters.RatesParameters],
        responses=openapi.answers(openapi.RATES, EXAMPLE_RATES),
    )
    def get(self, request: Request) -> Response:
        asked = parameters.rates(request)
        buckets = starts(asked.window, LENGTH[asked.step])
        series = queries.counts_by_bucket(asked.window, asked.step, asked.scope)
        seen = {slug: sum(counts.values(), Counts()) for slug, counts in series.items()}
        rows = [
            {"start": start, **row}
            for start in buckets
            for row in grouped({slug: series[slug].get(start, Counts()) for slug in seen}, seen, asked.by)
        ]
        return Response(
            {
                "from": asked.window.start,
                "to": asked.window.end,
                "step": asked.step,
                "buckets": rows,
                "totals": list(grouped(seen, seen, asked.by)),
            }
        )


class EventsView(APIView):
    """`GET /api/v1/events`: events, newest first."""

    scope = "events:read"

    @property
    def default_response_headers(self) -> dict[str, str]:
        # A POST is taken before it comes here.
        return {**super().default_response_headers, "Allow": ", ".join([*self.allowed_methods, "POST"])}

    @extend_schema(
        operation_id="events_read",
        description="Events, newest first, in pages: follow `next` as it is.",
        tags=["read"],
        parameters=[parameters.EventsParameters],
        responses=openapi.answers(openapi.EVENTS, {"results": [], "next": None}),
    )
    def get(self, request: Request) -> Response:
        asked = parameters.events(request)
        found = queries.events(asked.window, asked.scope, asked.filters, asked.after, asked.limit + 1)
        page, more = found[: asked.limit], len(found) > asked.limit
        following = None
        if more:
            last = page[-1]
            query = request.query_params.copy()
            query["cursor"] = parameters.encode_cursor((last.occurred_at, last.workload_id, last.id))
            # The window stays that of the first page, though the clock goes on.
            query["from"], query["to"] = asked.window.start.isoformat(), asked.window.end.isoformat()
            following = request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
        return Response({"results": [shown(event) for event in page], "next": following})


SHOWN = [name for name in openapi.EVENT["properties"] if name not in ("workload", "cost_usd")]


def shown(event: Event) -> dict[str, Any]:
    """Return an event as the API shows it."""
    cost = None if event.cost_usd is None else float(event.cost_usd)
    return {"workload": event.workload.slug, "cost_usd": cost, **{name: getattr(event, name) for name in SHOWN}}


def grouped(counts: Mapping[str, Counts], seen: Mapping[str, Counts], by: list[str]) -> Iterator[dict[str, Any]]:
    """Yield a row for each combination of the `by` values that the window has, from counts by workload.

    `seen` are the counts of the whole window: they decide which rows there are, so that every bucket has the same.
    """
    groups = [({"workload": slug}, {slug: counts[slug]}, seen[slug]) for slug in sorted(counts)]
    if "workload" not in by:
        groups = [({}, dict(counts), queries.overall(seen))]
    for names, members, whole in groups:
        row = queries.overall(members)
        if "outcome" not in by:
            yield {**names, **figures(row, row)}
            continue
        for outcome in Outcome.values:
            if getattr(whole, outcome):
                only = Counts(row.requests, **{outcome: getattr(row, outcome)})
                yield {**names, "outcome": outcome, **figures(only, row)}


def figures(counts: Counts, whole: Counts) -> dict[str, Any]:
    """Return the figures of a row. `whole` says whether its traffic is complete: a part of it cannot tell."""
    rates = None if whole.under_reported else counts
    return {
        "requests": counts.requests,
        "events": counts.events,
        "served": counts.served,
        "failed": counts.failed,
        "blocked": counts.blocked,
        "degraded_rate": rates and rates.degraded_rate,
        "failure_rate": rates and rates.failure_rate,
        "incomplete": whole.under_reported,
    }
