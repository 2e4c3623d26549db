"""The error boundary: what went wrong with the primary, whether a fallback may follow, and who acts. Pure.

A class comes from the provider's own code where the table lists it, else from the status: a spent quota
arrives as 429 as well, and only the code tells it from a limit that passes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

# never: no policy can allow it. if_named, if_trigger: where the policy's triggers name the class; the two
# differ in advice only. after_backoff: the same, and after the policy's `min_attempts`.
Mark = Literal["never", "if_named", "after_backoff", "if_trigger"]

# What stands in the place of a status where no answer came.
STATUS_WORDS = ("timeout", "connection_error", "unavailable")
STATUSES = frozenset({*map(str, range(100, 600)), *STATUS_WORDS})
# Who acts where the table cannot name a team: it is known once the workload's policy is.
WORKLOAD_OWNER = "workload owner"


@dataclass(frozen=True, slots=True)
class ErrorClass:
    """One row of the boundary.

    `statuses` are as stored ("529", "timeout"); "5xx" stands for every status from 500 to 599 that no class
    lists. `error_codes` are in lower case. `why` is the reason of the mark, in words for people.
    """

    name: str
    statuses: tuple[str, ...]
    error_codes: tuple[str, ...]
    fallback: Mark
    who_acts: str
    why: str


CLASSES: tuple[ErrorClass, ...] = (
    ErrorClass(
        "context_length",
        (),
        ("context_length_exceeded", "model_context_window_exceeded", "context_window_exceeded"),
        "never",
        "app team",
        "the payload must be fixed; a longer-context model is a routing decision that needs its own approved route",
    ),
    ErrorClass(
        "content_policy",
        (),
        ("content_filter", "content_policy_violation", "responsible_ai_policy_violation", "refusal"),
        "never",
        "trust and safety",
        "another model must not be used to get around a content policy",
    ),
    ErrorClass(
        "compliance",
        ("451",),
        ("data_residency_mismatch", "privacy_restricted", "region_restricted", "constraint_filtered"),
        "never",
        "compliance owner",
        "failing closed is the right answer at a compliance boundary",
    ),
    ErrorClass(
        "quota",
        ("402",),
        (
            "insufficient_quota",
            "quota_exceeded",
            "billing_error",
            "billing_hard_limit_reached",
            "credit_balance_exhausted",
            "enforced_spend_limit_reached",
            "budget_exceeded",
        ),
        "if_named",
        "billing owner",
        "a spent quota does not come back with backoff and another route may move the bill",
    ),
    ErrorClass(
        "authentication",
        ("401",),
        ("invalid_api_key", "authentication_error"),
        "never",
        "platform team",
        "this is an authentication problem",
    ),
    ErrorClass(
        "permission",
        ("403",),
        ("permission_error", "model_not_allowed"),
        "if_named",
        "platform team",
        "usually no: check entitlement before changing behaviour",
    ),
    ErrorClass(
        "model_unavailable",
        ("404", "410"),
        ("model_not_found", "not_found_error"),
        "if_named",
        WORKLOAD_OWNER,
        "a wrong or retired model name is a configuration fault",
    ),
    ErrorClass(
        "rate_limit",
        ("429",),
        ("rate_limit_exceeded", "rate_limit_error", "slow_down"),
        "after_backoff",
        "capacity owner",
        "back off first and fall back only if policy allows it",
    ),
    ErrorClass(
        "timeout",
        ("408", "504", "timeout"),
        ("timeout_error", "deadline_exceeded"),
        "if_trigger",
        "provider watch",
        "temporary failure",
    ),
    ErrorClass(
        "overloaded",
        ("529",),
        ("overloaded", "overloaded_error", "capacity_exhausted", "provider_overloaded"),
        "if_trigger",
        "provider watch",
        "temporary failure",
    ),
    ErrorClass(
        "unavailable",
        ("503", "connection_error", "unavailable"),
        (),
        "if_trigger",
        "provider watch",
        "the upstream path is unavailable",
    ),
    ErrorClass(
        "stream_interrupted",
        (),
        ("stream_interrupted",),
        "if_trigger",
        "provider watch",
        "allowed only before the first token reached the user",
    ),
    ErrorClass(
        "primary_skipped",
        (),
        ("primary_skipped", "circuit_open", "cooldown"),
        "if_named",
        "platform team",
        "the primary was never tried: the policy must say that this is wanted",
    ),
    ErrorClass(
        "invalid_response",
        (),
        ("invalid_response", "schema_validation_failed", "empty_output"),
        "if_named",
        "reviewers",
        "a quality failure and not an outage",
    ),
    ErrorClass(
        "cancelled",
        ("499",),
        ("client_cancelled",),
        "never",
        "nobody",
        "the caller went away and nobody waits for an answer",
    ),
    ErrorClass("server_error", ("5xx",), (), "if_trigger", "provider watch", "temporary failure"),
    ErrorClass(
        "invalid_request",
        ("4xx",),
        ("invalid_request_error", "unsupported_parameter"),
        "never",
        "app team",
        "the payload must be fixed before retrying",
    ),
    ErrorClass(
        "no_error",
        ("1xx", "2xx", "3xx"),
        (),
        "never",
        WORKLOAD_OWNER,
        "nothing failed: a fallback here is a silent change of model",
    ),
)
BY_NAME: Mapping[str, ErrorClass] = MappingProxyType({each.name: each for each in CLASSES})


def _by_status() -> dict[str, ErrorClass]:
    listed = {status: each for each in CLASSES for status in each.statuses}
    return {status: listed.get(status) or listed[f"{status[0]}xx"] for status in STATUSES}


_BY_CODE = {code: each for each in CLASSES for code in each.error_codes}
_BY_STATUS = _by_status()


def classify(status: str, error_code: str | None) -> ErrorClass:
    """Return the class of an error from what its event says.

    `status` is text as stored: "100" to "599" or a word of `STATUS_WORDS`. `error_code` is compared without
    case and else as sent, so that one with a space around it is not listed; a code that is not listed changes
    nothing. Raises ValueError where the status is neither and no code speaks for it.
    """
    if error_code is not None:
        listed = _BY_CODE.get(error_code.casefold())
        if listed is not None:
            return listed
    try:
        return _BY_STATUS[status]
    except KeyError:
        words = ", ".join(STATUS_WORDS)
        raise ValueError(f"{status!r} is no status: it must be one from 100 to 599, or one of {words}") from None
