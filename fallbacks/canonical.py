"""Policies and models as JSON in one form: as the API answers them, as they are stored, and as files say them. Pure.

Every field is there, lists without an order are sorted, prices are numbers.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any

from fallbacks.policy import Model, Policy, Review

Json = dict[str, Any]

# In the order in which people read them.
MODEL_FIELDS = (
    "name",
    "provider",
    "family",
    "request_shapes",
    "features",
    "data_region",
    "billing_account",
    "input_price",
    "cached_input_price",
    "output_price",
)
POLICY_FIELDS = (
    "workload",
    "description",
    "owner",
    "user_visible",
    "primary",
    "fallback",
    "triggers",
    "min_attempts",
    "notice",
    "message",
    "paid_tiers",
    "payload_classes",
    "permits",
    "degraded_above",
    "for_minutes",
    "escape_hatch",
    "review",
)
REVIEW_FIELDS = tuple(field.name for field in fields(Review))


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that differs, named as in a refusal (`review.pass_rate`). `before` is None where there was nothing."""

    field: str
    before: Any
    after: Any


def policy_json(policy: Policy) -> Json:
    """Return the policy as JSON."""
    return {name: _json(getattr(policy, name)) for name in POLICY_FIELDS}


def model_json(model: Model) -> Json:
    """Return the model as JSON."""
    return {name: _json(getattr(model, name)) for name in MODEL_FIELDS}


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """Return the fields in which two of one kind differ, in the order of `after`."""
    old = dict(_flat(before))
    return [
        Difference(field, old.get(field), value)
        for field, value in _flat(after)
        if field not in old or old[field] != value
    ]


def _flat(data: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in data.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{within}{name}.")
        else:
            yield within + name, value


def _json(value: Any) -> Any:
    match value:
        case frozenset():
            return sorted(value)
        case tuple():
            return list(value)
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case Review():
            return {name: _json(getattr(value, name)) for name in REVIEW_FIELDS}
        case _:
            return value
