"""Fields of policies and models, and their values, in words. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from dashboard import words

# What people read in the place of a field's code.
LABELS: Mapping[str, str] = {
    "workload": "Workload",
    "description": "Description",
    "owner": "Owner",
    "user_visible": "Users see its answers",
    "primary": "Primary",
    "fallback": "Fallback",
    "triggers": "Triggers",
    "min_attempts": "Tries before a rate limit may fall back",
    "notice": "Users are told",
    "message": "What they are told",
    "paid_tiers": "Paid tiers",
    "payload_classes": "Payload classes",
    "permits": "Boundaries that may be crossed",
    "degraded_above": "Degraded above",
    "for_minutes": "Degraded for",
    "escape_hatch": "Escape hatch",
    "review.sample_rate": "Answers sampled for review",
    "review.daily_cap": "Samples a day at most, of what broke no rule",
    "review.min_reviews": "Reviews needed",
    "review.pass_rate": "Share that must pass",
    "review.criteria": "Criteria",
    "review.reviews_required": "Reviews of each sample",
    "review.due_hours": "Hours to review",
    "review.enabled_for_days": "Days enabled",
    "review.auto_suspend": "Suspended when reviews fail",
    "name": "Name",
    "provider": "Provider",
    "family": "API family",
    "request_shapes": "Request shapes",
    "features": "Features",
    "data_region": "Data region",
    "billing_account": "Billing account",
    "input_price": "Input, $ a million tokens",
    "cached_input_price": "Cached input, $ a million tokens",
    "output_price": "Output, $ a million tokens",
}
SHARES = frozenset({"degraded_above", "review.sample_rate", "review.pass_rate"})


def written(field: str, value: Any) -> str:
    """Write the value of a field, such as it is in JSON."""
    match value:
        case None | "" | []:
            return "none"
        case bool():
            return "yes" if value else "no"
        case int() | float() if field in SHARES:
            return share(value)
        case list():
            return ", ".join(map(str, value))
        case int():
            return words.number(value)
        case _:
            return str(value)


def share(value: float) -> str:
    """Write a share that people chose, with all its digits and no more: 1 %, 0.25 %."""
    percent = (Decimal(str(value)) * 100).normalize()
    return f"{percent:f}{words.NARROW}%"
