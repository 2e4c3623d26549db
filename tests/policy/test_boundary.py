"""Every status, every word and every code has its class, and each class its mark and who acts."""

import pytest

from fallbacks.boundary import BY_NAME, CLASSES, STATUSES, classify

# Statuses that are not the class of their hundred.
OF_STATUS = {
    "401": "authentication",
    "402": "quota",
    "403": "permission",
    "404": "model_unavailable",
    "408": "timeout",
    "410": "model_unavailable",
    "429": "rate_limit",
    "451": "compliance",
    "499": "cancelled",
    "503": "unavailable",
    "504": "timeout",
    "529": "overloaded",
    "timeout": "timeout",
    "connection_error": "unavailable",
    "unavailable": "unavailable",
}
OF_HUNDRED = {
    "1": "no_error",
    "2": "no_error",
    "3": "no_error",
    "4": "invalid_request",
    "5": "server_error",
}
OF_CODE = {
    "context_length_exceeded": "context_length",
    "model_context_window_exceeded": "context_length",
    "context_window_exceeded": "context_length",
    "content_filter": "content_policy",
    "content_policy_violation": "content_policy",
    "responsible_ai_policy_violation": "content_policy",
    "refusal": "content_policy",
    "data_residency_mismatch": "compliance",
    "privacy_restricted": "compliance",
    "region_restricted": "compliance",
    "constraint_filtered": "compliance",
    "insufficient_quota": "quota",
    "quota_exceeded": "quota",
    "billing_error": "quota",
    "billing_hard_limit_reached": "quota",
    "credit_balance_exhausted": "quota",
    "enforced_spend_limit_reached": "quota",
    "budget_exceeded": "quota",
    "invalid_api_key": "authentication",
    "authentication_error": "authentication",
    "permission_error": "permission",
    "model_not_allowed": "permission",
    "model_not_found": "model_unavailable",
    "not_found_error": "model_unavailable",
    "rate_limit_exceeded": "rate_limit",
    "rate_limit_error": "rate_limit",
    "slow_down": "rate_limit",
    "timeout_error": "timeout",
    "deadline_exceeded": "timeout",
    "overloaded": "overloaded",
    "overloaded_error": "overloaded",
    "capacity_exhausted": "overloaded",
    "provider_overloaded": "overloaded",
    "stream_interrupted": "stream_interrupted",
    "primary_skipped": "primary_skipped",
    "circuit_open": "primary_skipped",
    "cooldown": "primary_skipped",
    "invalid_response": "invalid_response",
    "schema_validation_failed": "invalid_response",
    "empty_output": "invalid_response",
    "client_cancelled": "cancelled",
    "invalid_request_error": "invalid_request",
    "unsupported_parameter": "invalid_request",
}
MARKS = {
    "context_length": ("never", "app team"),
    "content_policy": ("never", "trust and safety"),
    "compliance": ("never", "compliance owner"),
    "quota": ("if_named", "billing owner"),
    "authentication": ("never", "platform team"),
    "permission": ("if_named", "platform team"),
    "model_unavailable": ("if_named", "workload owner"),
    "rate_limit": ("after_backoff", "capacity owner"),
    "timeout": ("if_trigger", "provider watch"),
    "overloaded": ("if_trigger", "provider watch"),
    "unavailable": ("if_trigger", "provider watch"),
    "stream_interrupted": ("if_trigger", "provider watch"),
    "primary_skipped": ("if_named", "platform team"),
    "invalid_response": ("if_named", "reviewers"),
    "cancelled": ("never", "nobody"),
    "server_error": ("if_trigger", "provider watch"),
    "invalid_request": ("never", "app team"),
    "no_error": ("never", "workload owner"),
}


@pytest.mark.parametrize("status", [*map(str, range(100, 600)), "timeout", "connection_error", "unavailable"])
def test_every_status_has_its_class(status: str) -> None:
    expected = OF_STATUS.get(status) or OF_HUNDRED[status[0]]
    assert classify(status, None).name == expected
    assert classify(status, "model_is_tired").name == expected  # a code that is not listed changes nothing
    assert status in STATUSES


@pytest.mark.parametrize(("code", "expected"), OF_CODE.items())
@pytest.mark.parametrize("status", ["200", "400", "429", "500", "timeout"])
def test_a_listed_code_wins_over_the_status_whatever_its_case(code: str, expected: str, status: str) -> None:
    assert {classify(status, each).name for each in (code, code.upper(), code.title())} == {expected}


@pytest.mark.parametrize(
    "code", ["", " ", " refusal", "refusal ", "refusal\n", "refusals", "re fusal", "529", "timeout"]
)
def test_a_code_is_compared_as_it_was_sent(code: str) -> None:
    assert classify("500", code).name == "server_error"


@pytest.mark.parametrize("status", ["", "99", "600", "0500", "5xx", "1xx", " 500", "٥٠٠", "Timeout", "ok", "None"])
def test_what_is_no_status_is_refused(status: str) -> None:
    with pytest.raises(ValueError, match=r"must be one from 100 to 599, or one of timeout, connection_error, unavail"):
        classify(status, "not_listed")


def test_the_table_has_each_class_with_its_mark_and_who_acts() -> None:
    assert {each.name: (each.fallback, each.who_acts) for each in CLASSES} == MARKS
    assert list(BY_NAME) == list(MARKS)
    assert all(BY_NAME[each.name] is each for each in CLASSES)
    assert all(each.why == each.why.strip() != "" for each in CLASSES)


def test_the_table_has_every_code_and_status_once() -> None:
    codes = [code for each in CLASSES for code in each.error_codes]
    assert sorted(codes) == sorted(OF_CODE)
    statuses = [status for each in CLASSES for status in each.statuses]
    assert sorted(statuses) == sorted([*OF_STATUS, *(f"{hundred}xx" for hundred in OF_HUNDRED)])


def test_what_must_not_be_forgotten_is_said_of_a_class() -> None:
    assert BY_NAME["no_error"].why == "nothing failed: a fallback here is a silent change of model"
    assert BY_NAME["content_policy"].why == "another model must not be used to get around a content policy"
