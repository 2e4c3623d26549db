"""The two kinds of rows: what ingest buffers, the recorder stores and the streams carry."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

import msgspec

# Where the sender names none.
DEFAULT_ENVIRONMENT = "production"
# A time without an offset is refused as it is read: it can neither be compared with others nor stored.
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class SampleRow(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The texts of an answer, masked; `masked` tells how often what kind was."""

    input: str | None = None
    output: str | None = None
    primary_output: str | None = None
    masked: dict[str, int] = {}


class EventRow(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One event, checked and complete: what ingest buffers and the database stores."""

    workload: str
    occurred_at: Moment
    id: str
    received_at: Moment
    environment: str
    primary: str
    fallback: str | None
    status: str
    reason: str
    outcome: str
    error_code: str | None = None
    attempts: int = 1
    user_visible: bool | None = None
    user_notified: bool | None = None
    tier: str | None = None
    payload_class: str | None = None
    provider_features: list[str] | None = None
    request_id: str | None = None
    trace_id: str | None = None
    primary_latency_ms: int | None = None
    fallback_latency_ms: int | None = None
    input_tokens: int | None = None
    cached_input_tokens: int | None = None
    output_tokens: int | None = None
    cost_usd: Decimal | None = None
    # JSON text: the database reads it, nobody on the way does.
    attributes: str | None = None
    # Not in the event's own table.
    sample: SampleRow | None = None


class TrafficRow(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One count of requests over `start`..`start + seconds`, checked and complete."""

    workload: str
    id: str
    start: Moment
    seconds: int
    received_at: Moment
    environment: str
    model: str | None
    requests: int
