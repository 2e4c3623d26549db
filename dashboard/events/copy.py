"""One event as it is copied: as JSON, as the API shows it, and as a command that would send it again. Pure."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from rest_framework.utils.encoders import JSONEncoder

# What a service sends of what the API shows: the rest is the product's own.
SENT = (
    *("id", "occurred_at", "workload", "environment", "primary", "fallback", "status", "reason", "outcome"),
    *("error_code", "attempts", "user_visible", "user_notified", "tier", "payload_class", "provider_features"),
    *("request_id", "trace_id", "primary_latency_ms", "fallback_latency_ms"),
    *("input_tokens", "cached_input_tokens", "output_tokens", "cost_usd", "attributes"),
)
# Such as "fallback": null says that none was used.
EVEN_EMPTY = ("fallback",)


def as_json(shown: Mapping[str, Any]) -> str:
    """Return an event as the API shows it, to be read."""
    return json.dumps(shown, cls=JSONEncoder, indent=2, ensure_ascii=False)


def as_curl(shown: Mapping[str, Any], address: str) -> str:
    """Return a command that sends the event again: with its id it counts once, so it can be tried.

    All of it is ASCII and quoted once: no text of an event can end the quotes, nor hide in a terminal.
    """
    body = {name: shown[name] for name in SENT if shown[name] is not None or name in EVEN_EMPTY}
    return " \\\n  ".join(
        (
            f"curl {shlex.quote(address)}",
            "-H 'Authorization: Bearer YOUR_KEY' -H 'Content-Type: application/json'",
            f"-d {shlex.quote(json.dumps(body, cls=JSONEncoder))}",
        )
    )
