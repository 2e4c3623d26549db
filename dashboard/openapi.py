"""What OpenAPI says of the reading API: the shapes of its answers, and how a key is shown."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiExample, OpenApiResponse

from fallbacks.states import STATES
from fallbacks.verdict import RULES

UNKNOWN_OR_SHARE = {"type": ["number", "null"], "minimum": 0, "maximum": 1}
COUNT = {"type": "integer", "minimum": 0}
TEXT_OR_NULL = {"type": ["string", "null"]}
COUNT_OR_NULL = {"type": ["integer", "null"], "minimum": 0}
TRUE_FALSE_OR_NULL = {"type": ["boolean", "null"]}
TIME = {"type": "string", "format": "date-time"}


def obj(properties: dict[str, Any], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    """Return the schema of an object that has these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


MILLISECONDS = {"type": ["number", "null"], "minimum": 0}
# Read from histograms: within 5 % of the truth.
PERCENTILES = obj({"p50": MILLISECONDS, "p95": MILLISECONDS})
ERROR_CLASS = {"type": "string", "description": "empty for events from before there were verdicts"}
RULE = {"type": "string", "enum": list(RULES)}
FIGURES = {
    "workload": {"type": "string"},
    "primary": {"type": "string"},
    "fallback": {**TEXT_OR_NULL, "description": "null: none was used"},
    "error_class": ERROR_CLASS,
    "outcome": {"type": "string", "enum": ["served", "failed", "blocked"]},
    "rule": {
        "enum": [*RULES, None],
        "description": "an event counts under each rule that it broke; null: it broke none",
    },
    "requests": {"type": ["integer", "null"], "minimum": 0},
    "events": COUNT,
    "served": COUNT,
    "failed": COUNT,
    "blocked": COUNT,
    "violations": {**COUNT, "description": "events that broke at least one rule"},
    "silent": {**COUNT, "description": "users saw a degraded answer and were not told, though the policy asks for it"},
    "degraded_rate": UNKNOWN_OR_SHARE,
    "failure_rate": UNKNOWN_OR_SHARE,
    "incomplete": {"type": "boolean"},
    "cost_delta_usd": {
        "type": ["number", "null"],
        "description": "what answers by a fallback cost more than their primary's would have, of those of which both"
        " are known; null: of none",
    },
    "cached_tokens_lost": {
        **COUNT,
        "description": "input tokens that the primary had in its prompt cache, and that a fallback charged in full",
    },
    "primary_latency_ms": {**PERCENTILES, "description": "how long the primary took until it failed"},
    "fallback_latency_ms": {**PERCENTILES, "description": "how long the fallback took to answer"},
}
BY = ("workload", "primary", "fallback", "error_class", "outcome", "rule")
RATES = obj(
    {
        "from": TIME,
        "to": TIME,
        "step": {"type": "string", "enum": ["minute", "hour", "day"]},
        "buckets": {"type": "array", "items": obj({"start": TIME, **FIGURES}, optional=BY)},
        "totals": {"type": "array", "items": obj(FIGURES, optional=BY)},
    }
)
STATE = obj(
    {
        "workload": {"type": "string"},
        "environment": {"type": "string"},
        "state": {"type": "string", "enum": list(STATES)},
        "since": {"type": ["string", "null"], "format": "date-time", "description": "the start of the episode"},
        "cause": {**TEXT_OR_NULL, "description": "the commonest error class"},
        "who_acts": TEXT_OR_NULL,
        "requests": COUNT_OR_NULL,
        "events": COUNT,
    }
)
STATES_NOW = obj({"results": {"type": "array", "items": STATE}, "next": {"type": ["string", "null"]}})
EVENT = obj(
    {
        "id": {"type": "string"},
        "workload": {"type": "string"},
        "environment": {"type": "string"},
        "occurred_at": TIME,
        "received_at": TIME,
        "primary": {"type": "string"},
        "fallback": TEXT_OR_NULL,
        "status": {"type": "string"},
        "reason": {"type": "string"},
        "outcome": {"type": "string", "enum": ["served", "failed", "blocked"]},
        "error_code": TEXT_OR_NULL,
        "attempts": {"type": "integer", "minimum": 1, "maximum": 100},
        "user_visible": TRUE_FALSE_OR_NULL,
        "user_notified": TRUE_FALSE_OR_NULL,
        "tier": TEXT_OR_NULL,
        "payload_class": TEXT_OR_NULL,
        "provider_features": {"type": ["array", "null"], "items": {"type": "string"}},
        "request_id": TEXT_OR_NULL,
        "trace_id": TEXT_OR_NULL,
        "primary_latency_ms": COUNT_OR_NULL,
        "fallback_latency_ms": COUNT_OR_NULL,
        "input_tokens": COUNT_OR_NULL,
        "cached_input_tokens": COUNT_OR_NULL,
        "output_tokens": COUNT_OR_NULL,
        "cost_usd": {"type": ["number", "null"], "minimum": 0},
        "attributes": {"type": ["object", "null"], "additionalProperties": {"type": "string"}},
        "error_class": ERROR_CLASS,
        "rules": {"type": "array", "items": RULE, "description": "those that the event broke; empty: allowed"},
        "policy_version": {"type": ["integer", "null"], "minimum": 1},
        "who_acts": {"type": "string"},
    }
)
EVENTS = obj({"results": {"type": "array", "items": EVENT}, "next": {"type": ["string", "null"], "format": "uri"}})
ERROR = {"$ref": "#/components/schemas/Error"}


def answers(schema: dict[str, Any], example: dict[str, Any]) -> dict[int, OpenApiResponse]:
    """Return the answers of a reading address: `schema` with an example, and the errors that all of them share."""
    return {
        200: OpenApiResponse(schema, examples=[OpenApiExample("answer", value=example)]),
        400: OpenApiResponse(ERROR, "A parameter is not known or of another form; `field` names it."),
        401: OpenApiResponse(ERROR, "No key, or none that is good."),
        403: OpenApiResponse(ERROR, "The key lacks the scope, or is not for what is asked."),
        503: OpenApiResponse(ERROR, "The database does not answer: ask again after `Retry-After` seconds."),
    }


class KeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """`Authorization: Bearer <key>`."""

    target_class = "dashboard.authentication.KeyAuthentication"
    name = "key"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "An API key, made at `/keys` or by `manage.py create_key`.",
        }
