"""What services may send: the fields of an event and of a count, and their forms in types and in words."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

MOST_BYTES = 5 * 1024 * 1024
MOST_ITEMS = 10_000
DEEPEST = 32
NEWEST = timedelta(minutes=10)
MOST_SAMPLE_BYTES = 16 * 1024

Slug = Annotated[str, Meta(pattern=r"\A[a-z0-9._-]{1,64}\Z")]
ModelName = Annotated[str, Meta(min_length=1, max_length=128)]
Identifier = Annotated[str, Meta(min_length=1, max_length=64)]
Reference = Annotated[str, Meta(max_length=128)]
Moment = Annotated[datetime, Meta(tz=True)]
Milliseconds = Annotated[float, Meta(ge=0, le=86_400_000)]
# More tokens than anybody ever sent, and few enough that their sums stay whole numbers of 64 bits.
Tokens = Annotated[int, Meta(ge=0, le=10**12)]


class SampleIn(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Texts for quality review. Nothing is kept of them where no policy asks for samples."""

    input: str | None = None
    output: str | None = None
    primary_output: str | None = None


class EventIn(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One event as it is sent. An optional field that is null is absent."""

    workload: Slug
    primary: ModelName
    fallback: ModelName | None
    status: int | str
    reason: Annotated[str, Meta(min_length=1, max_length=500)]
    id: Identifier | None = None
    occurred_at: Moment | None = None
    environment: Slug | None = None
    outcome: str | None = None
    error_code: Annotated[str, Meta(min_length=1, max_length=128)] | None = None
    attempts: Annotated[int, Meta(ge=1, le=100)] | None = None
    user_visible: bool | None = None
    user_notified: bool | None = None
    tier: Slug | None = None
    payload_class: Slug | None = None
    provider_features: (
        Annotated[list[Annotated[str, Meta(min_length=1, max_length=64)]], Meta(max_length=16)] | None
    ) = None
    request_id: Reference | None = None
    trace_id: Reference | None = None
    primary_latency_ms: Milliseconds | None = None
    fallback_latency_ms: Milliseconds | None = None
    input_tokens: Tokens | None = None
    cached_input_tokens: Tokens | None = None
    output_tokens: Tokens | None = None
    cost_usd: Decimal | None = None
    sample: SampleIn | None = None
    attributes: (
        Annotated[
            dict[Annotated[str, Meta(min_length=1, max_length=64)], Annotated[str, Meta(max_length=256)]],
            Meta(max_length=16),
        ]
        | None
    ) = None


class CountIn(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """One count of traffic as it is sent."""

    workload: Slug
    start: Moment
    seconds: Annotated[int, Meta(ge=1, le=3600)]
    requests: Annotated[int, Meta(ge=0, le=10**12)]
    environment: Slug | None = None
    model: ModelName | None = None
    id: Identifier | None = None


_SLUG = "a slug of 1 to 64 characters from a-z 0-9 - _ ."
_MODEL = "a model name of 1 to 128 characters"
_TIME = "a time as of RFC 3339 with its offset, such as 2026-11-17T14:00:00Z"
_MILLISECONDS = "a number of milliseconds from 0 to 86,400,000"
_TOKENS = "a whole number from 0 to 10^12"
# What each field must be, in the words of an answer.
FORMS = {
    "workload": _SLUG,
    "environment": _SLUG,
    "primary": _MODEL,
    "fallback": f"{_MODEL}, or null where none was used",
    "model": _MODEL,
    "status": "an HTTP status from 100 to 599, or one of timeout, connection_error, unavailable",
    "reason": "a text of 1 to 500 characters",
    "id": "a text of 1 to 64 printable characters",
    "occurred_at": _TIME,
    "start": _TIME,
    "outcome": "one of served, failed, blocked",
    "error_code": "the provider's own code, a text of 1 to 128 characters",
    "attempts": "a whole number from 1 to 100",
    "user_visible": "true or false",
    "user_notified": "true or false",
    "tier": _SLUG,
    "payload_class": _SLUG,
    "provider_features": "a list of up to 16 names of 1 to 64 characters",
    "request_id": "a text of up to 128 characters",
    "trace_id": "a text of up to 128 characters",
    "primary_latency_ms": _MILLISECONDS,
    "fallback_latency_ms": _MILLISECONDS,
    "input_tokens": _TOKENS,
    "cached_input_tokens": _TOKENS,
    "output_tokens": _TOKENS,
    "cost_usd": "a decimal number from 0 to 10^9, such as 0.0041",
    "sample": 'an object of texts of up to 16 KiB each: {"input", "output", "primary_output"}',
    "attributes": "an object of up to 16 texts of up to 256 characters, with names of 1 to 64",
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
