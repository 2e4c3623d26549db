"""The forms of the fields that services and gateways send: as types, and as words for the answer where one is wrong."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar, get_type_hints

import msgspec
from msgspec import Meta

from fallbacks import slugs
from fallbacks.reading import Refused, unknown
from fallbacks.refusals import Problem

Slug = Annotated[str, Meta(pattern=rf"\A{slugs.PATTERN}\Z")]
ModelName = Annotated[str, Meta(min_length=1, max_length=128)]
Identifier = Annotated[str, Meta(min_length=1, max_length=64)]
Reference = Annotated[str, Meta(max_length=128)]
Reason = Annotated[str, Meta(min_length=1, max_length=500)]
ErrorCode = Annotated[str, Meta(min_length=1, max_length=128)]
Attempts = Annotated[int, Meta(ge=1, le=100)]
Features = Annotated[list[Annotated[str, Meta(min_length=1, max_length=64)]], Meta(max_length=16)]
Details = Annotated[str, Meta(max_length=10_000)]
Moment = Annotated[datetime, Meta(tz=True)]
Milliseconds = Annotated[float, Meta(ge=0, le=86_400_000)]
# More tokens than anybody ever sent, and few enough that their sums stay whole numbers of 64 bits.
Tokens = Annotated[int, Meta(ge=0, le=10**12)]
# A text is kept to its last digit. Python would take more than is meant: blanks, 1_0, the digits of other scripts.
Dollars = Annotated[str, Meta(pattern=r"\A([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\Z")] | float
Attributes = Annotated[
    dict[Annotated[str, Meta(min_length=1, max_length=64)], Annotated[str, Meta(max_length=256)]], Meta(max_length=16)
]


class Sample(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Texts for quality review."""

    input: str | None = None
    output: str | None = None
    primary_output: str | None = None


# The dot is not the last: it would stand beside the full stop of a sentence.
_SLUG = "a slug of 1 to 64 characters from a-z 0-9 . _ -"
_MODEL = "a model name of 1 to 128 characters"
_TIME = "a time as of RFC 3339 with its offset, such as 2026-11-17T14:00:00Z"
_MILLISECONDS = "a number of milliseconds from 0 to 86,400,000"
_TOKENS = "a whole number from 0 to 10^12"
# What each field must be.
FORMS = {
    "workload": _SLUG,
    "environment": _SLUG,
    "primary": _MODEL,
    "fallback": f"{_MODEL}, or null where none was used",
    "status": "an HTTP status from 100 to 599, or one of timeout, connection_error, unavailable",
    "reason": "a text of 1 to 500 characters",
    "id": "a text of 1 to 64 printable characters",
    "occurred_at": _TIME,
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
    "passed": "true or false",
    "details": "a text of up to 10,000 characters",
}
# The same of a field that is required, which null does not do for.
_REQUIRED = {**FORMS, "fallback": _MODEL}
Kind = TypeVar("Kind", bound=msgspec.Struct)


def read(sent: Mapping[str, Any], kind: type[Kind]) -> Kind:
    """Return what was sent, from JSON, as a struct of the forms above. Raises Refused with all that is wrong."""
    try:
        return msgspec.convert(sent, kind)
    except msgspec.ValidationError:
        raise Refused([*unknown(sent, kind.__struct_fields__), *_misformed(sent, kind)]) from None


def must_be(field: str) -> Problem:
    return Problem(field, f"It must be {FORMS[field]}.")


def _misformed(sent: Mapping[str, Any], kind: type[msgspec.Struct]) -> Iterator[Problem]:
    types = get_type_hints(kind, include_extras=True)
    for field in msgspec.structs.fields(kind):
        if sent.get(field.name) is None and field.required:
            yield Problem(field.name, f"It is required: {_REQUIRED[field.name]}.")
        elif field.name in sent:
            try:
                msgspec.convert(sent[field.name], types[field.name])
            except msgspec.ValidationError:
                words = _REQUIRED if field.required else FORMS
                yield Problem(field.name, f"It must be {words[field.name]}.")
