"""Policies and models from plain data, as the API gives them in JSON: for clients that judge and decide alone. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from decimal import Decimal, InvalidOperation
from typing import Any

from fallbacks.policy import Model, Policy, Review


class Unreadable(ValueError):
    """A value cannot be read. `field` is its name, such as `review.pass_rate`; `message` says what it must be."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field} {message}")
        self.field = field
        self.message = message


def policy_from(data: Mapping[str, Any]) -> Policy:
    """Return the policy that is in the answer of `GET /api/v1/policies/{workload}`.

    Types are checked here, values by `refusals.problems`. A field that is null is absent, and one that is not
    the policy's own (`version`, `enabled`) is passed over. Raises Unreadable.
    """
    return Policy(**_read(data, Policy, _POLICY))


def model_from(data: Mapping[str, Any]) -> Model:
    """Return the model that is in the answer of `GET /api/v1/models/{name}`; as `policy_from` else."""
    return Model(**_read(data, Model, _MODEL))


def _read(
    data: Mapping[str, Any], kind: type[Any], readers: Mapping[str, "Reader"], within: str = ""
) -> dict[str, Any]:
    read: dict[str, Any] = {}
    for field in fields(kind):
        name, value = within + field.name, data.get(field.name)
        if value is not None:
            read[field.name] = readers[field.name](name, value)
        elif field.default is MISSING:
            raise Unreadable(name, "is required")
    return read


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise Unreadable(name, "must be a text")
    return value


def _names(name: str, value: Any) -> frozenset[str]:
    return frozenset(_ordered(name, value))


def _ordered(name: str, value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise Unreadable(name, "must be a list of texts")
    return tuple(value)


def _switch(name: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise Unreadable(name, "must be true or false")
    return value


def _whole(name: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Unreadable(name, "must be a whole number")
    return value


def _share(name: str, value: Any) -> float:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise Unreadable(name, "must be a number")
    return value


def _price(name: str, value: Any) -> Decimal:
    """Read a price from a number, or from a text, which keeps every digit."""
    try:
        price = Decimal(str(value))
    except (InvalidOperation, ValueError):
        price = Decimal("NaN")
    if not price.is_finite() or price < 0:
        raise Unreadable(name, "must be a decimal number from 0")
    return price


def _review(name: str, value: Any) -> Review:
    if not isinstance(value, Mapping):
        raise Unreadable(name, "must be an object")
    return Review(**_read(value, Review, _REVIEW, f"{name}."))


Reader = Callable[[str, Any], Any]
_MODEL: Mapping[str, Reader] = {
    **dict.fromkeys(("name", "provider", "family", "data_region", "billing_account"), _text),
    **dict.fromkeys(("request_shapes", "features"), _names),
    **dict.fromkeys(("input_price", "cached_input_price", "output_price"), _price),
}
_REVIEW: Mapping[str, Reader] = {
    **dict.fromkeys(("sample_rate", "pass_rate"), _share),
    **dict.fromkeys(("daily_cap", "min_reviews", "reviews_required", "due_hours", "enabled_for_days"), _whole),
    "criteria": _ordered,
    "auto_suspend": _switch,
}
_POLICY: Mapping[str, Reader] = {
    **dict.fromkeys(("workload", "description", "owner", "primary", "fallback", "message", "escape_hatch"), _text),
    **dict.fromkeys(("triggers", "paid_tiers", "payload_classes", "permits"), _names),
    **dict.fromkeys(("min_attempts", "for_minutes"), _whole),
    "user_visible": _switch,
    "notice": _text,
    "degraded_above": _share,
    "review": _review,
}
