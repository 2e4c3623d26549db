"""What a gateway asks when its primary has failed: what it knows of the event that there may be."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from fallbacks import forms, pricing
from fallbacks.boundary import STATUSES
from fallbacks.reading import Refused, storable
from fallbacks.refusals import Problem
from fallbacks.verdict import Facts, Outcome


class Asked(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """The fields of an event: three are needed, some change the decision, and the others are checked and passed over.

    An optional field that is null is absent.
    """

    workload: forms.Slug
    primary: forms.ModelName
    status: int | str
    fallback: forms.ModelName | None = None
    reason: forms.Reason | None = None
    id: forms.Identifier | None = None
    occurred_at: forms.Moment | None = None
    environment: forms.Slug | None = None
    outcome: Outcome | None = None
    error_code: forms.ErrorCode | None = None
    attempts: forms.Attempts | None = None
    user_visible: bool | None = None
    user_notified: bool | None = None
    tier: forms.Slug | None = None
    payload_class: forms.Slug | None = None
    provider_features: forms.Features | None = None
    request_id: forms.Reference | None = None
    trace_id: forms.Reference | None = None
    primary_latency_ms: forms.Milliseconds | None = None
    fallback_latency_ms: forms.Milliseconds | None = None
    input_tokens: forms.Tokens | None = None
    cached_input_tokens: forms.Tokens | None = None
    output_tokens: forms.Tokens | None = None
    cost_usd: forms.Dollars | None = None
    sample: forms.Sample | None = None
    attributes: forms.Attributes | None = None


def read(sent: Mapping[str, Any]) -> Asked:
    """Return what was asked, from JSON. Raises Refused with all that is wrong."""
    asked = forms.read(sent, Asked)
    if found := list(_besides_types(asked)):
        raise Refused(found)
    return asked


def facts(asked: Asked) -> Facts:
    """Return what a decision depends on."""
    return Facts(
        primary=asked.primary,
        status=str(asked.status),
        fallback=asked.fallback,
        error_code=asked.error_code,
        attempts=asked.attempts or 1,
        user_visible=asked.user_visible,
        tier=asked.tier,
        payload_class=asked.payload_class,
        provider_features=frozenset(asked.provider_features or ()),
    )


def _besides_types(asked: Asked) -> Iterator[Problem]:
    """Yield what types cannot say."""
    if str(asked.status) not in STATUSES:
        yield forms.must_be("status")
    if asked.fallback is not None and storable(asked.fallback) == storable(asked.primary):
        yield Problem("fallback", "It must be another model than primary, or left out.")
    if asked.id is not None and not storable(asked.id).isprintable():
        yield forms.must_be("id")
    try:
        pricing.told(asked.cost_usd or 0)
    except ValueError:
        yield forms.must_be("cost_usd")
