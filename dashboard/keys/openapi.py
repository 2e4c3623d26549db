"""What OpenAPI says of the addresses of keys."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse

from dashboard.openapi import ERROR, TEXT_OR_NULL, TIME, obj
from dashboard.policies import openapi as words
from dashboard.policies.schemas import SLUG, many, page_of
from fallbacks.key_drafts import HIGHEST_RATE, MOST_NAME, MOST_SLUGS
from fallbacks.key_ring import OVERLAPS
from fallbacks.scopes import SCOPES

TIME_OR_NULL = {**TIME, "type": ["string", "null"]}
NAME = {"type": "string", "minLength": 1, "maxLength": MOST_NAME}
SCOPE = {"type": "string", "enum": list(SCOPES)}
PREFIX = {"type": "string", "description": "How the key begins: the part of it that is no secret."}
# What the key may do, and until when.
LIMITS: dict[str, Any] = {
    "name": NAME,
    "scopes": {**many(SCOPE), "minItems": 1},
    "workloads": {**many(SLUG), "maxItems": MOST_SLUGS, "description": "Empty: every workload."},
    "environments": {**many(SLUG), "maxItems": MOST_SLUGS, "description": "Empty: every environment."},
    "expires_at": {**TIME_OR_NULL, "description": "Null: never."},
    "rate": {
        "type": ["integer", "null"],
        "minimum": 1,
        "maximum": HIGHEST_RATE,
        "description": "Events and counts a second; null: `KEY_RATE`.",
    },
}
KEY_PROPERTIES: dict[str, Any] = {
    "prefix": PREFIX,
    **LIMITS,
    "owner": {**TEXT_OR_NULL, "description": "Whose it is; null: `manage.py` made it."},
    "state": {"type": "string", "enum": ["good", "expired", "revoked"]},
    "created_at": TIME,
    "last_used_at": {**TIME_OR_NULL, "description": "To the minute; null: not yet."},
    "revoked_at": TIME_OR_NULL,
    "replaces": {**TEXT_OR_NULL, "description": "The prefix of the key in whose place it was made."},
    "replaced_by": {**TEXT_OR_NULL, "description": "The prefix of the key that takes its place."},
}
KEY = obj(KEY_PROPERTIES)
KEYS = page_of(KEY)
NEW_KEY = obj(LIMITS, optional=("workloads", "environments", "expires_at", "rate"))
SECRET = {"type": "string", "description": "The key itself, which nobody can read again."}
MADE_KEY = obj({"key": SECRET, **KEY_PROPERTIES})
ROTATION = obj(
    {
        "overlap_hours": {
            "type": "integer",
            "enum": list(OVERLAPS),
            "default": 24,
            "description": "For how long the old key goes on.",
        }
    },
    optional=("overlap_hours",),
)
NEW_EXAMPLE = {
    "name": "support-gateway",
    "scopes": ["events:write", "traffic:write"],
    "workloads": ["support-chat"],
    "environments": ["production"],
    "expires_at": "2027-02-15T09:00:00Z",
    "rate": None,
}
EXAMPLE = {
    "prefix": "fo_4f1c09ab",
    **NEW_EXAMPLE,
    "owner": "dana",
    "state": "good",
    "created_at": "2026-11-17T09:00:00Z",
    "last_used_at": "2026-11-17T14:02:00Z",
    "revoked_at": None,
    "replaces": None,
    "replaced_by": None,
}
MADE_EXAMPLE = {
    "key": "fo_4f1c09ab_(the rest is the secret)",
    **EXAMPLE,
    "last_used_at": None,
}
ROTATED_EXAMPLE = {**MADE_EXAMPLE, "replaces": "fo_0b77d2e1"}
REVOKED_EXAMPLE = {**EXAMPLE, "state": "revoked", "revoked_at": "2026-11-17T14:05:00Z"}
PATH = words.path("prefix", {"type": "string", "minLength": 1}, "How the key begins, such as `fo_4f1c09ab`.")
NOT_SEEN = {404: OpenApiResponse(ERROR, "There is no such key, or it is not for you to see.")}
NOT_NOW = {409: OpenApiResponse(ERROR, "It is not good any more, or another key has taken its place already.")}
