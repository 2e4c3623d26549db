"""What services may send: the fields of an event and of a count, and their forms in types and in words."""

from typing import Annotated

import msgspec
from msgspec import Meta

from fallbacks import forms
from fallbacks.forms import (
    Attempts,
    Attributes,
    Dollars,
    ErrorCode,
    Features,
    Identifier,
    Milliseconds,
    ModelName,
    Moment,
    Reason,
    Reference,
    Sample,
    Slug,
    Tokens,
)

MOST_BYTES = 5 * 1024 * 1024
MOST_ITEMS = 10_000
DEEPEST = 32
MOST_SAMPLE_BYTES = 16 * 1024


class EventIn(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One event as it is sent. An optional field that is null is absent."""

    workload: Slug
    primary: ModelName
    fallback: ModelName | None
    status: int | str
    reason: Reason
    id: Identifier | None = None
    occurred_at: Moment | None = None
    environment: Slug | None = None
    outcome: str | None = None
    error_code: ErrorCode | None = None
    attempts: Attempts | None = None
    user_visible: bool | None = None
    user_notified: bool | None = None
    tier: Slug | None = None
    payload_class: Slug | None = None
    provider_features: Features | None = None
    request_id: Reference | None = None
    trace_id: Reference | None = None
    primary_latency_ms: Milliseconds | None = None
    fallback_latency_ms: Milliseconds | None = None
    input_tokens: Tokens | None = None
    cached_input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    cost_usd: Dollars | None = None
    sample: Sample | None = None
    attributes: Attributes | None = None


class CountIn(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One count of traffic as it is sent."""

    workload: Slug
    start: Moment
    seconds: Annotated[int, Meta(ge=1, le=3600)]
    requests: Annotated[int, Meta(ge=0, le=10**12)]
    environment: Slug | None = None
    model: ModelName | None = None
    id: Identifier | None = None


# What each field must be, in the words of an answer.
FORMS = {name: forms.FORMS[name] for name in EventIn.__struct_fields__} | {
    "model": forms.FORMS["primary"],
    "start": forms.FORMS["occurred_at"],
    "seconds": "a whole number from 1 to 3600",
    "requests": "a whole number from 0 to 10^12",
}


class BadBody(Exception):
    """The body as a whole cannot be read. `code` and `message` are for the answer, `status` is its HTTP status."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class BadItem(Exception):
    """One item cannot be taken because of `field`."""

    def __init__(self, field: str | None, error: str, *, forbidden: bool = False) -> None:
        super().__init__(error)
        self.field = field
        self.error = error
        self.forbidden = forbidden
