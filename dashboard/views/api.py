"""What machines read: rates and events. A key sees the workloads and environments that it is for."""

from collections.abc import Hashable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, TypeVar

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from dashboard import breakdowns, figures, openapi, parameters, queries
from dashboard.breakdowns import Broken
from dashboard.events import rows as event_rows
from dashboard.standings import standings
from fallbacks import timebuckets
from fallbacks.models import Event
from fallbacks.rates import Counts
from fallbacks.timebuckets import LENGTH, starts
from fallbacks.verdict import named

Key = TypeVar("Key", bound=Hashable)
Sum = TypeVar("Sum", Counts, Broken)

FIGURES = {
    "workload": "support-chat",
    "requests": 184_220,
    "events": 3_924,
    "served": 3_712,
    "failed": 201,
    "blocked": 11,
    "violations": 24,
    "silent": 9,
    "degraded_rate": 0.02015,
    "failure_rate": 0.00115,
    "incomplete": False,
    "cost_delta_usd": -17.08,
    "cached_tokens_lost": 9_402_100,
    "primary_latency_ms": {"p50": 2100.0, "p95": 30000.0},
    "fallback_latency_ms": {"p50": 1400.0, "p95": 4800.0},
}
EXAMPLE_RATES = {
    "from": "2026-11-16T14:00:00Z",
    "to": "2026-11-17T14:00:00Z",
    "step": "day",
    "buckets": [{"start": "2026-11-16T00:00:00Z", **FIGURES}],
    "totals": [FIGURES],
}


EXAMPLE_STATE = {
    "workload": "support-chat",
    "environment": "production",
    "state": "degraded",
    "since": "2026-11-17T14:02:00Z",
    "cause": "overloaded",
    "who_acts": "provider watch",
    "requests": 640,
    "events": 77,
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
        window, step, scope = asked.window, asked.step, asked.scope
        series = queries.counts_by_bucket(window, step, scope)
        kinds = breakdowns.by_bucket(window, step, scope, figures.kinds_by(asked.by), times=True)
        parameters.refuse_too_many(timebuckets.count(window, LENGTH[step]), max(len(series), len(kinds)))
        buckets = [
            {"start": start, **row}
            for start in starts(window, LENGTH[step])
            for row in figures.rows(asked.by, at(series, start, Counts()), at(kinds, start, Broken()))
        ]
        totals = figures.rows(asked.by, whole(series, Counts()), whole(kinds, Broken()))
        return Response(
            {"from": window.start, "to": window.end, "step": step, "buckets": buckets, "totals": list(totals)}
        )


def at(series: Mapping[Key, Mapping[datetime, Sum]], start: datetime, none: Sum) -> dict[Key, Sum]:
    """Return the counts of one bucket."""
    return {key: counts.get(start, none) for key, counts in series.items()}


def whole(series: Mapping[Key, Mapping[datetime, Sum]], none: Sum) -> dict[Key, Sum]:
    """Return the counts of all buckets together."""
    return {key: sum(counts.values(), none) for key, counts in series.items()}


class StatesView(APIView):
    """`GET /api/v1/states`: how each workload and environment stands now."""

    scope = "rates:read"

    @extend_schema(
        operation_id="states_read",
        description="The state of each workload and environment that had events or traffic in the last 24 hours: since"
        " when, by what cause, and who acts. `requests` and `events` are of the full minutes that the policy looks at;"
        " of the last 24 hours where no traffic was reported.",
        tags=["read"],
        parameters=[parameters.StatesParameters],
        responses=openapi.answers(openapi.STATES_NOW, {"results": [EXAMPLE_STATE], "next": None}),
    )
    def get(self, request: Request) -> Response:
        found = standings(timezone.now(), parameters.states(request))
        return Response({"results": [asdict(standing) for standing in found], "next": None})


class EventsView(APIView):
    """`GET /api/v1/events`: events, newest first."""

    scope = "events:read"

    @property
    def default_response_headers(self) -> dict[str, str]:
        # A POST is taken before it comes here.
        return {**super().default_response_headers, "Allow": ", ".join([*self.allowed_methods, "POST"])}

    @extend_schema(
        operation_id="events_read",
        description="Events, newest first, in pages: follow `next` as it is, until it is null. A page may"
        " hold fewer than `limit`, or none, where few match: one request looks at 50,000 events at most.",
        tags=["read"],
        parameters=[parameters.EventsParameters],
        responses=openapi.answers(openapi.EVENTS, {"results": [], "next": None}),
    )
    def get(self, request: Request) -> Response:
        asked = parameters.events(request)
        page = event_rows.page(asked.window, asked.scope, asked.filters, asked.limit, after=asked.after)
        following = None
        if last := event_rows.key_of(page.events[-1]) if page.more else page.searched_to:
            query = request.query_params.copy()
            query["cursor"] = parameters.encode_cursor(last)
            # The window stays that of the first page, though the clock goes on.
            query["from"], query["to"] = asked.window.start.isoformat(), asked.window.end.isoformat()
            following = request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
        return Response({"results": [shown(event) for event in page.events], "next": following})


SHOWN = [name for name in openapi.EVENT["properties"] if name not in ("workload", "cost_usd", "rules")]


def shown(event: Event) -> dict[str, Any]:
    """Return an event as the API shows it."""
    return {
        "workload": event.workload.slug,
        "cost_usd": None if event.cost_usd is None else float(event.cost_usd),
        "rules": named(event.rules),
        **{name: getattr(event, name) for name in SHOWN},
    }
