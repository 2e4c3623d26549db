"""What must be stored of an item, by the contract: as it was sent, with what it left out filled in."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from chaos.ledger import CountKey, Key, microseconds
from chaos.parcels import TRAFFIC

# What makes an item one, or its workload alone where the product gives the id.
Identity = Key | CountKey | str
Content = tuple[Any, ...]

HALF_EMOJI = re.compile("[\ud800-\udfff]")
FRACTION = re.compile(r"\.(\d{6})(\d+)")
SMALLEST_COST = Decimal("1e-10")
# The columns that are compared, in this order.
EVENT: tuple[str, ...] = (
    "environment",
    "primary",
    "fallback",
    "status",
    "reason",
    "outcome",
    "error_code",
    "attempts",
    "user_visible",
)
EVENT += ("user_notified", "tier", "payload_class", "provider_features", "request_id", "trace_id", "primary_latency_ms")
EVENT += ("fallback_latency_ms", "input_tokens", "cached_input_tokens", "output_tokens", "cost_usd", "attributes")
COUNT: tuple[str, ...] = ("environment", "model", "start", "seconds", "requests")


def expected(path: str, item: dict[str, Any]) -> tuple[Identity, Content]:
    """Return what makes an accepted item one, and what its columns must hold. Raises ValueError where unsure."""
    try:
        return count(item) if path == TRAFFIC else event(item)
    except (KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error


def event(item: dict[str, Any]) -> tuple[Identity, Content]:
    told = {name: kept(value) for name, value in item.items()}
    told["environment"] = told.get("environment") or "production"
    told["outcome"] = told.get("outcome") or ("served" if told["fallback"] else "failed")
    told["attempts"] = told.get("attempts") or 1
    told["status"] = str(told["status"])
    told["attributes"] = told.get("attributes") or None
    for name in ("primary_latency_ms", "fallback_latency_ms"):
        told[name] = None if told.get(name) is None else round(float(told[name]))
    if told.get("cost_usd") is not None:
        told["cost_usd"] = Decimal(told["cost_usd"]).quantize(SMALLEST_COST)
    content = tuple(frozen(told.get(name)) for name in EVENT)
    if told.get("id") is None:
        return told["workload"], content
    return Key(told["workload"], microseconds(moment(told["occurred_at"])), told["id"]), content


def count(item: dict[str, Any]) -> tuple[Identity, Content]:
    told = {name: kept(value) for name, value in item.items()}
    told["environment"] = told.get("environment") or "production"
    told["start"] = moment(told["start"])
    content = tuple(told.get(name) for name in COUNT)
    if told.get("id") is None:
        return told["workload"], content
    return CountKey(told["workload"], told["id"]), content


def kept(value: Any) -> Any:
    """Return a value as text is kept: what cannot be stored is replaced."""
    if isinstance(value, str):
        return HALF_EMOJI.sub("\ufffd", value).replace("\0", "\ufffd")
    if isinstance(value, list):
        return [kept(each) for each in value]
    if isinstance(value, dict):
        names = {kept(name): kept(each) for name, each in value.items()}
        if len(names) < len(value):
            raise ValueError("names that are the same once they can be stored: nobody promises which one stays")
        return names
    return value


def frozen(value: Any) -> Any:
    """Return lists and dictionaries as what can be hashed."""
    if isinstance(value, dict):
        return tuple(sorted(value.items()))
    return tuple(value) if isinstance(value, list) else value


def moment(text: str) -> datetime:
    """Return a time as of RFC 3339, in UTC; beyond microseconds it is rounded, halves up."""
    found = FRACTION.search(text)
    up = timedelta(microseconds=int(found is not None and found[2] >= "5"))
    return datetime.fromisoformat(FRACTION.sub(r".\1", text).upper()).astimezone(UTC) + up
