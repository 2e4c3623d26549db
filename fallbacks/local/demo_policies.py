"""The demo's catalogue and policies, as they would be sent."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

Json = Mapping[str, Any]


def model(name: str, provider: str, family: str, shapes: str, features: str, prices: tuple[float, ...]) -> Json:
    """Return a model of the catalogue; its account is its provider's unless something else is said."""
    price, cached, output = prices
    return {
        "name": name,
        "provider": provider,
        "family": family,
        "request_shapes": shapes.split(),
        "features": features.split(),
        "data_region": "eu",
        "billing_account": f"{provider.lower()}-main",
        "input_price": price,
        "cached_input_price": cached,
        "output_price": output,
    }


CHAT, MESSAGES, VISION = "chat-completions", "messages", "vision"
MODELS: tuple[Json, ...] = (
    model("premium-chat", "Meridian", CHAT, "chat chat-tools", "citations prompt-cache", (2.5, 0.25, 10)),
    model("baseline-chat", "Meridian", CHAT, "chat chat-tools", "prompt-cache", (0.4, 0.04, 1.6)),
    model("mini-chat", "Meridian", CHAT, "chat", "", (0.15, 0.015, 0.6)),
    # The first one over another provider is a route of its own: another account, and data that leaves the region.
    {
        **model("azure/premium-chat", "Azure", CHAT, "chat chat-tools", "prompt-cache", (2.75, 1.38, 11)),
        "data_region": "us",
    },
    model("economy-chat", "Halcyon", MESSAGES, "chat", "prompt-cache", (0.25, 0.03, 1.25)),
    model("economy-extract", "Tessera", CHAT, "chat json", "batch", (0.1, 0.01, 0.4)),
    model("baseline-extract", "Tessera", CHAT, "chat json", "batch", (0.3, 0.03, 1.2)),
    model("strong-code", "Halcyon", MESSAGES, "chat chat-tools completion", "prompt-cache thinking", (3, 0.3, 15)),
    model("standard-code", "Halcyon", MESSAGES, "chat chat-tools completion", "prompt-cache", (0.8, 0.08, 4)),
    model("vision-large", "Meridian", VISION, "image", "", (5, 0.5, 15)),
    model("vision-base", "Meridian", VISION, "image", "", (1.2, 0.12, 4.8)),
)
TRIGGERS = ["server_error", "timeout", "unavailable", "overloaded"]
REVIEW = {"sample_rate": 0.05, "daily_cap": 40, "min_reviews": 20, "pass_rate": 0.9, "criteria": ["correct", "tone"]}
SUPPORT: Json = {
    "workload": "support-chat",
    "description": "Chat of the help centre: questions about orders, invoices and accounts.",
    "owner": "support platform",
    "user_visible": True,
    "primary": "premium-chat",
    "fallback": "baseline-chat",
    "triggers": TRIGGERS,
    "notice": "paid",
    "message": "A simpler model answers for the moment: our usual one is not available.",
    "paid_tiers": ["team", "pro"],
    "payload_classes": ["chat", "chat-tools"],
    "escape_hatch": "Switch the help centre to its contact form (runbook: support-chat without models).",
    "review": {**REVIEW, "min_reviews": 30},
}
BATCH: Json = {
    "workload": "batch-extraction",
    "description": "Fields of invoices and contracts, extracted over night.",
    "owner": "data pipelines",
    "user_visible": False,
    "primary": "economy-extract",
    "fallback": "baseline-extract",
    "triggers": TRIGGERS,
    "notice": "never",
    "payload_classes": ["json"],
    # Few requests by day: one that leaves its primary is no trouble.
    "degraded_above": 0.05,
    "escape_hatch": "Stop the batch: it is run again in the next night.",
    "review": {**REVIEW, "sample_rate": 0.01, "min_reviews": 15, "criteria": ["correct", "complete"]},
}
CODE: Json = {
    "workload": "code-assistant",
    "description": "Completions and chat in the editor.",
    "owner": "developer tools",
    "user_visible": True,
    "primary": "strong-code",
    "fallback": "standard-code",
    "triggers": TRIGGERS,
    "notice": "always",
    "message": "standard-code answers: expect simpler suggestions.",
    "payload_classes": ["chat", "completion"],
    "degraded_above": 0.03,
    "escape_hatch": "The editor works without suggestions.",
    "review": {**REVIEW, "criteria": ["correct", "safe"], "reviews_required": 2},
}
IMAGES: Json = {
    "workload": "image-understanding",
    "description": "What is in the pictures that sellers upload.",
    "owner": "media team",
    "user_visible": True,
    "primary": "vision-large",
    "fallback": "vision-base",
    "triggers": TRIGGERS,
    "notice": "always",
    "message": "Descriptions are shorter than usual for the moment.",
    "payload_classes": ["image"],
    "degraded_above": 0.05,
    "escape_hatch": "Pictures wait in a queue until they are described.",
    # Enabled on trial: it ends within the time of notice.
    "review": {**REVIEW, "sample_rate": 0.2, "criteria": ["correct", "complete"], "enabled_for_days": 20},
}
# So old are the catalogue and the first policies.
FIRST = timedelta(days=24)
# How old each version is: all are older than the demo's week. The help centre has learnt: overloads came to its
# triggers, and then not everybody was told any more.
VERSIONS: tuple[tuple[timedelta, Json], ...] = (
    (FIRST, {**SUPPORT, "triggers": TRIGGERS[:3], "notice": "always", "paid_tiers": []}),
    (timedelta(days=16), {**SUPPORT, "notice": "always"}),
    (timedelta(days=11), SUPPORT),
    (FIRST, BATCH),
    (timedelta(days=19), CODE),
    (FIRST, IMAGES),
)
