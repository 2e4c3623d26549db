"""The second implementation against cases that were worked out by hand from the contract's text, and its own data."""

from itertools import chain

import pytest

from tests.policy.policies import (
    ALL,
    BOTH,
    DEMO,
    MODELS,
    REFUSED,
    VALID,
    Refused,
    asked,
    catalogues_of,
    facts_of,
    policy,
)
from tests.policy.second import BY_CODE, NEVER, RULES, WHO_ACTS, Json, decision, error_class, refused_fields, verdict

SUPPORT, BATCH, CODE, _ = DEMO
STRICT = policy("strict", "home", "other-both", permits=BOTH, triggers=["timeout", "rate_limit"], min_attempts=3)
NO_FALLBACK = policy("none", fallback=None, triggers=["timeout", "rate_limit"])


@pytest.mark.parametrize(
    ("status", "code", "name"),
    [
        (100, None, "no_error"),
        (302, None, "no_error"),
        (400, None, "invalid_request"),
        (404, None, "model_unavailable"),
        (410, None, "model_unavailable"),
        (418, None, "invalid_request"),
        (451, None, "compliance"),
        (500, None, "server_error"),
        (503, None, "unavailable"),
        (504, None, "timeout"),
        (529, None, "overloaded"),
        (599, None, "server_error"),
        ("408", None, "timeout"),
        ("timeout", None, "timeout"),
        ("connection_error", None, "unavailable"),
        ("unavailable", None, "unavailable"),
        (429, "insufficient_quota", "quota"),
        (429, "Insufficient_QUOTA", "quota"),
        (200, "refusal", "content_policy"),
        (500, "timeout", "server_error"),
        (500, "server_error", "server_error"),
        (429, "", "rate_limit"),
        ("timeout", "cooldown", "primary_skipped"),
    ],
)
def test_class(status: int | str, code: str | None, name: str) -> None:
    """`error_code` where boundary.csv lists it, else `status`; the word `timeout` is a status and no code."""
    assert error_class(status, code) == name


@pytest.mark.parametrize("status", [99, 600, 0, -1, "42", "1000", "Timeout", "", "0x1f", True])
def test_no_status(status: int | str) -> None:
    """100 to 599, or one of three words."""
    with pytest.raises(ValueError, match="not a status"):
        error_class(status)


def event(given: Json | None, status: int | str, **rest: object) -> Json:
    """An event of the policy's own pair."""
    pair = {"primary": given["primary"], "fallback": given["fallback"]} if given else {"primary": "a", "fallback": "b"}
    return {"workload": "w", "status": status, "reason": "r"} | pair | rest


TOLD = {"user_notified": True}
PRO = {"tier": "pro"}


@pytest.mark.parametrize(
    ("given", "status", "rest", "enabled", "rules"),
    [
        (SUPPORT, 503, {}, True, ""),
        (SUPPORT, 503, PRO, True, "silent"),
        (SUPPORT, 503, PRO | TOLD, True, ""),
        (SUPPORT, 503, {"tier": "free"}, True, ""),
        (SUPPORT, 503, PRO | {"user_visible": False}, False, ""),
        (SUPPORT, 503, {}, False, "not_enabled"),
        (SUPPORT, 402, {}, True, "entitlement"),
        (SUPPORT, 403, PRO, False, "entitlement silent not_enabled"),
        (SUPPORT, 429, {"attempts": 9}, True, "no_backoff"),
        (SUPPORT, 404, {}, True, "trigger_not_allowed"),
        (SUPPORT, 401, {}, True, "never_fallback"),
        (SUPPORT, 200, {}, True, "never_fallback"),
        (SUPPORT, 503, {"payload_class": "image"}, True, "incompatible"),
        (SUPPORT, 503, {"provider_features": ["logprobs"]}, True, ""),
        (SUPPORT, 503, {"provider_features": ["logprobs", "prompt-cache"]}, True, "provider_features"),
        (SUPPORT, 503, {"fallback": "same-same"} | PRO, False, "undeclared_route"),
        (SUPPORT, 451, {"fallback": "same-same"}, False, "undeclared_route never_fallback"),
        (SUPPORT, 451, {"outcome": "failed"}, False, ""),
        (SUPPORT, 451, {"outcome": "failed", "fallback": None}, False, ""),
        (SUPPORT, 451, {"outcome": "failed", "fallback": "same-same"}, False, "undeclared_route"),
        (SUPPORT, 451, {"primary": "home", "fallback": None}, False, "undeclared_route"),
        (SUPPORT, 451, {"primary": "home", "outcome": "blocked"}, False, ""),
        (BATCH, 529, {}, False, ""),
        (BATCH, 529, {"user_visible": True}, False, "not_enabled"),
        (CODE, 500, {}, True, "silent"),
        (CODE, 500, {"user_notified": False, "tier": "free"}, True, "silent"),
        (STRICT, 429, TOLD, True, "no_backoff"),
        (STRICT, 429, TOLD | {"attempts": 2}, True, "no_backoff"),
        (STRICT, 429, TOLD | {"attempts": 3}, True, ""),
        (NO_FALLBACK, "timeout", {}, True, ""),
        (NO_FALLBACK, "timeout", {"fallback": "same-same"}, True, "undeclared_route"),
        (None, 500, {}, True, "undeclared_route"),
        (None, 400, {}, True, "undeclared_route never_fallback"),
        (None, 400, {"fallback": None}, True, "undeclared_route"),
        (None, 400, {"outcome": "blocked"}, True, ""),
    ],
)
def test_verdict(given: Json | None, status: int | str, rest: Json, enabled: bool, rules: str) -> None:
    """Section 6, line by line."""
    judged = verdict(event(given, status, **rest), given, MODELS, enabled)

    assert judged["rules"] == rules.split()
    assert judged["who_acts"] == ("workload owner" if rules else WHO_ACTS[judged["error_class"]])


def test_all_at_once() -> None:
    """Rules are listed in the order of the table: all that one event can break, after its models were changed."""
    catalogues = dict(catalogues_of(SUPPORT))
    bad = event(SUPPORT, 402, payload_class="chat", provider_features=["logprobs"], tier="pro")

    assert verdict(bad, SUPPORT, catalogues["all at once"], False)["rules"] == [
        "entitlement",
        "incompatible",
        "provider_features",
        "billing_boundary",
        "compliance_boundary",
        "silent",
        "not_enabled",
    ]
    permitted = verdict(bad, SUPPORT | {"permits": BOTH}, catalogues["both moved"], True)["rules"]
    assert permitted == ["entitlement", "silent"]
    assert verdict(bad, SUPPORT, catalogues["both forgotten"], True)["rules"] == ["entitlement", "silent"]


@pytest.mark.parametrize(
    ("given", "status", "rest", "enabled", "action", "notify", "rules"),
    [
        (SUPPORT, 503, {}, True, "fallback", False, ""),
        (SUPPORT, 503, PRO, True, "fallback", True, ""),
        (SUPPORT, 503, PRO, False, "fail", False, "not_enabled"),
        (BATCH, 503, {}, False, "fallback", False, ""),
        (CODE, 504, {}, True, "fallback", True, ""),
        (CODE, 429, {}, True, "fail", False, "no_backoff"),
        (STRICT, 429, {}, True, "retry", False, "no_backoff"),
        (STRICT, 429, {"attempts": 3}, True, "fallback", True, ""),
        (STRICT, 429, {}, False, "fail", False, "no_backoff not_enabled"),
        (STRICT, 429, {"fallback": "same-same"}, True, "fail", False, "undeclared_route"),
        (STRICT, 429, {"primary": "same-same"}, True, "fail", False, "undeclared_route"),
        (NO_FALLBACK, "timeout", {}, True, "fail", False, "undeclared_route"),
        (NO_FALLBACK, 429, {}, True, "fail", False, "undeclared_route"),
        (None, 400, {}, True, "fail", False, "undeclared_route never_fallback"),
    ],
)
def test_decision(
    given: Json | None, status: int | str, rest: Json, enabled: bool, action: str, notify: bool, rules: str
) -> None:
    """What a gateway is told; `fallback` and `message` only where they are to be used."""
    answer = decision(event(given, status) | {"fallback": None} | rest, given, MODELS, enabled)

    assert (answer["action"], answer["notify_user"], answer["rules"]) == (action, notify, rules.split())
    assert answer["fallback"] == (given["fallback"] if given and action == "fallback" else None)
    assert answer["message"] == (given["message"] if given and notify else None)


@pytest.mark.parametrize("given", VALID, ids=lambda given: str(given["workload"]))
def test_valid(given: Json) -> None:
    """None of the valid ones is refused; and an answer that a decision allowed, its notice given, breaks no rule."""
    assert refused_fields(given, MODELS) == set()
    facts = [each for each in facts_of(given) if each["fallback"] and each.get("outcome", "served") == "served"]
    for each in facts:
        answer = decision(asked(each), given, MODELS, True)
        told = verdict(each | {"user_notified": answer["notify_user"]}, given, MODELS, True)
        assert (answer["action"] == "fallback") is (told["rules"] == [])


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: str(case.why))
def test_refused(case: Refused) -> None:
    """Those that must be refused are, by these fields."""
    assert refused_fields(case.policy, MODELS) == case.fields


def test_reach() -> None:
    """Every rule, action and class is reached, by facts that are the same every time."""
    assert len(VALID) >= 48
    assert len([case for case in REFUSED if case.letter]) >= 60
    cases = [
        (each, given, models) for given in VALID[::7] for _, models in catalogues_of(given) for each in facts_of(given)
    ]
    judged = [verdict(each, given, models, False) for each, given, models in cases]
    decided = {decision(asked(each), given, models, True)["action"] for each, given, models in cases}

    assert set(chain.from_iterable(each["rules"] for each in judged)) == set(RULES)
    assert {each["error_class"] for each in judged} == set(WHO_ACTS) == NEVER | set(ALL)
    assert decided == {"fallback", "retry", "fail"}
    assert set(BY_CODE.values()) <= set(WHO_ACTS)
    assert list(facts_of(VALID[0])) == list(facts_of(VALID[0]))
