"""What OpenAPI says of the two addresses that services post to.

They are plain views, so drf-spectacular does not see them: their schemas come from the structs that check
what is sent, and the answers are written out here.
"""

import json
from typing import Any

import msgspec

from ingest.wire import MOST_ITEMS, CountIn, EventIn

EXAMPLE_EVENT = {
    "workload": "support-chat",
    "primary": "premium-chat",
    "fallback": "baseline-chat",
    "status": 529,
    "reason": "overloaded_error: the server is overloaded, retry later",
    "id": "req-8f2c91b1f3",
    "occurred_at": "2026-11-17T14:04:10.066Z",
    "tier": "pro",
    "user_notified": True,
    "attempts": 2,
    "input_tokens": 3118,
    "cached_input_tokens": 2560,
}
EXAMPLE_COUNT = {
    "workload": "support-chat",
    "start": "2026-11-17T14:00:00Z",
    "seconds": 60,
    "requests": 1250,
    "id": "support-chat-1-1400",
}
TAKEN = {
    "type": "object",
    "required": ["accepted", "rejected"],
    "additionalProperties": False,
    "properties": {
        "accepted": {"type": "integer", "minimum": 0},
        "rejected": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["index", "field", "error"],
                "additionalProperties": False,
                "properties": {
                    "index": {"type": "integer", "minimum": 0},
                    "field": {"type": ["string", "null"]},
                    "error": {"type": "string"},
                },
            },
        },
    },
}
ERROR = {
    "type": "object",
    "required": ["error"],
    "additionalProperties": False,
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message"],
            "properties": {"code": {"type": "string"}, "message": {"type": "string"}, "field": {"type": "string"}},
        }
    },
}
REFUSALS = {
    "401": "No key, or none that is good.",
    "403": "The key lacks the scope, the workload or the environment.",
    "413": f"More than 5 MiB decompressed, or more than {MOST_ITEMS:,} items.",
    "415": "A content type or encoding that is not known.",
    "429": "The key is over its rate: come again after `Retry-After` seconds.",
    "503": "Nothing is taken just now: send the same again after `Retry-After` seconds.",
}


def ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def add(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """Add what is said here to drf-spectacular's schema. Named by SPECTACULAR_SETTINGS["POSTPROCESSING_HOOKS"]."""
    schemas = result.setdefault("components", {}).setdefault("schemas", {})
    schemas.update({"Event": item(EventIn), "Count": item(CountIn), "Taken": TAKEN, "Error": ERROR})
    paths = result["paths"]
    paths.setdefault("/api/v1/events", {})["post"] = operation(
        "events_send",
        "Send events: requests that left their primary path. They are on disk before the 202.",
        {
            "application/json": {
                "schema": {"oneOf": [ref("Event"), many("Event"), wrapped("events", "Event")]},
                "examples": {
                    "one": {"value": EXAMPLE_EVENT},
                    "many": {"value": [EXAMPLE_EVENT]},
                    "wrapped": {"value": {"events": [EXAMPLE_EVENT]}},
                },
            },
            "application/x-ndjson": {"schema": {"type": "string"}, "example": json.dumps(EXAMPLE_EVENT) + "\n"},
        },
    )
    paths["/api/v1/traffic"] = {
        "post": operation(
            "traffic_send",
            "Send counts of all requests, fallbacks included: the denominator of every rate.",
            {"application/json": {"schema": wrapped("counts", "Count"), "example": {"counts": [EXAMPLE_COUNT]}}},
        )
    }
    return result


def item(kind: type[msgspec.Struct]) -> dict[str, Any]:
    """Return the JSON schema of a struct, in the words of JavaScript's regular expressions."""
    (_,), schemas = msgspec.json.schema_components([kind], ref_template="#/components/schemas/{name}")
    text = json.dumps(inlined(schemas[kind.__name__], schemas))
    return dict(json.loads(text.replace(r"\\A", "^").replace(r"\\Z", "$")))


def inlined(schema: Any, schemas: dict[str, Any]) -> Any:
    """Return the schema with what it refers to in place: the structs within an item are of nobody else's interest."""
    if isinstance(schema, list):
        return [inlined(part, schemas) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return inlined(schemas[schema["$ref"].rsplit("/", 1)[1]], schemas)
    return {name: inlined(part, schemas) for name, part in schema.items()}


def many(name: str) -> dict[str, Any]:
    return {"type": "array", "items": ref(name), "minItems": 1, "maxItems": MOST_ITEMS}


def wrapped(wrapper: str, name: str) -> dict[str, Any]:
    return {
        "type": "object",
        "required": [wrapper],
        "additionalProperties": False,
        "properties": {wrapper: many(name)},
    }


def operation(name: str, description: str, content: dict[str, Any]) -> dict[str, Any]:
    """Return a POST that takes `content` and answers as both addresses do."""
    said = {"application/json": {"schema": ref("Taken")}}
    failed = {"application/json": {"schema": ref("Error")}}
    either = {"application/json": {"schema": {"anyOf": [ref("Taken"), ref("Error")]}}}
    return {
        "operationId": name,
        "description": description,
        "tags": ["send"],
        "security": [{"key": []}],
        "requestBody": {"required": True, "content": content},
        "responses": {
            "202": {"description": "What was accepted is on disk; each rejected item has its reason.", "content": said},
            "400": {"description": "The body cannot be read, or no item is good.", "content": either},
            **{status: {"description": words, "content": failed} for status, words in REFUSALS.items()},
        },
    }
