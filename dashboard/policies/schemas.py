"""The shapes of models, policies, decisions and verifications, for OpenAPI."""

import json
from typing import Any

import msgspec

from dashboard.openapi import TEXT_OR_NULL, TIME, obj
from fallbacks import slugs
from fallbacks.asking import Asked
from fallbacks.boundary import CLASSES
from fallbacks.policy import BOUNDARIES, NOTICES
from fallbacks.routes import STATES
from fallbacks.verdict import RULES

TEXT = {"type": "string"}
SWITCH = {"type": "boolean"}
SLUG = {"type": "string", "pattern": f"^{slugs.PATTERN}$"}
NAME = {"type": "string", "minLength": 1, "maxLength": 128}
NAME_OR_NULL = {"type": ["string", "null"], "minLength": 1, "maxLength": 128}
PRICE = {"type": ["number", "null"], "minimum": 0, "description": "USD per million tokens; null: not known."}
SHARE = {"type": "number", "minimum": 0, "maximum": 1}
COUNT = {"type": "integer", "minimum": 0}


def many(items: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": items}


def page_of(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a page of a list."""
    return obj({"results": many(schema), "next": {"type": ["string", "null"], "format": "uri"}})


MODEL_PROPERTIES = {
    "name": NAME,
    "provider": NAME,
    "family": {**NAME, "description": "API family: a fallback of another one is refused."},
    "request_shapes": many(SLUG),
    "features": many({"type": "string", "minLength": 1, "maxLength": 64}),
    "data_region": NAME_OR_NULL,
    "billing_account": NAME_OR_NULL,
    "input_price": PRICE,
    "cached_input_price": PRICE,
    "output_price": PRICE,
}
MODEL = obj(MODEL_PROPERTIES)
NEW_MODEL = obj(
    MODEL_PROPERTIES | {"features": {**many({"type": "string"}), "type": ["array", "null"]}},
    optional=("name", "features", *list(MODEL_PROPERTIES)[5:]),
)
REVIEW_PROPERTIES = {
    "sample_rate": SHARE,
    "daily_cap": COUNT,
    "min_reviews": COUNT,
    "pass_rate": SHARE,
    "criteria": many({"type": "string", "minLength": 1, "maxLength": 64}),
    "reviews_required": {**COUNT, "default": 1},
    "due_hours": {**COUNT, "default": 72},
    "enabled_for_days": {**COUNT, "default": 90},
    "auto_suspend": {**SWITCH, "default": True},
}
TRIGGERS = [each.name for each in CLASSES if each.fallback != "never"]
POLICY_PROPERTIES = {
    "workload": SLUG,
    "description": TEXT,
    "owner": {**TEXT, "maxLength": 128, "description": "The team that answers for the workload."},
    "user_visible": {**SWITCH, "description": "Do users see its answers?"},
    "primary": NAME,
    "fallback": {**NAME_OR_NULL, "description": "Null: none may answer."},
    "triggers": many({"type": "string", "enum": TRIGGERS}),
    "min_attempts": {"type": "integer", "minimum": 1, "maximum": 100, "default": 2},
    "notice": {"type": "string", "enum": list(NOTICES), "description": "When users must be told."},
    "message": {**TEXT, "description": "What they are told."},
    "paid_tiers": many(SLUG),
    "payload_classes": {**many(SLUG), "minItems": 1},
    "permits": many({"type": "string", "enum": list(BOUNDARIES)}),
    "degraded_above": {**SHARE, "default": 0.01},
    "for_minutes": {"type": "integer", "minimum": 1, "maximum": 1440, "default": 5},
    "escape_hatch": TEXT,
    "review": obj(REVIEW_PROPERTIES),
}
ADDED_PROPERTIES = {
    "version": {"type": "integer", "minimum": 1, "readOnly": True},
    "updated_at": {**TIME, "readOnly": True},
    "route_state": {"type": "string", "enum": list(STATES), "readOnly": True},
    "enabled": {**SWITCH, "readOnly": True},
}
MODELS = {"type": "object", "additionalProperties": MODEL, "readOnly": True}
LISTED_POLICY = obj(POLICY_PROPERTIES | ADDED_PROPERTIES)
POLICY = obj(POLICY_PROPERTIES | ADDED_PROPERTIES | {"models": MODELS})
NEEDED = ("user_visible", "primary", "notice", "payload_classes", "review")
NEW_POLICY = obj(
    POLICY_PROPERTIES
    | {"review": obj(REVIEW_PROPERTIES, optional=tuple(REVIEW_PROPERTIES)[5:])}
    | ADDED_PROPERTIES
    | {"models": {"type": "object", "readOnly": True}},
    optional=tuple(name for name in (*POLICY_PROPERTIES, *ADDED_PROPERTIES, "models") if name not in NEEDED),
)
DECISION = obj(
    {
        "action": {"type": "string", "enum": ["fallback", "retry", "fail"]},
        "fallback": TEXT_OR_NULL,
        "notify_user": SWITCH,
        "message": TEXT_OR_NULL,
        "rules": many({"type": "string", "enum": list(RULES)}),
        "because": TEXT,
        "policy_version": {"type": ["integer", "null"], "minimum": 1},
        "error_class": {"type": "string", "enum": [each.name for each in CLASSES]},
    }
)
IDENTIFIER = {"type": "string", "minLength": 1, "maxLength": 64}
VERIFICATION_PROPERTIES = {
    "workload": SLUG,
    "primary": NAME,
    "fallback": NAME,
    "payload_class": SLUG,
    "passed": SWITCH,
    "details": {"type": "string", "maxLength": 10_000},
    "id": IDENTIFIER,
}
VERIFICATION = obj(VERIFICATION_PROPERTIES | {"received_at": TIME})
NEW_VERIFICATION = obj(
    VERIFICATION_PROPERTIES
    | {"details": {"type": ["string", "null"], "maxLength": 10_000}, "id": {**IDENTIFIER, "type": ["string", "null"]}},
    optional=("details", "id"),
)
FIELDS = {"type": "object", "additionalProperties": many(TEXT)}
REFUSAL = obj(
    {"error": obj({"code": TEXT, "message": TEXT, "field": TEXT, "fields": FIELDS}, optional=("field", "fields"))}
)


def _question() -> dict[str, Any]:
    """Return the schema of what a gateway asks, from the struct that reads it."""
    _, rest = msgspec.json.schema_components([Asked], ref_template="{name}")
    schema = rest["Asked"]
    schema["properties"]["sample"] = {"anyOf": [rest["Sample"], {"type": "null"}], "default": None}
    # In the words of JavaScript's regular expressions.
    return dict(json.loads(json.dumps(schema).replace(r"\\A", "^").replace(r"\\Z", "$")))


QUESTION = _question()
