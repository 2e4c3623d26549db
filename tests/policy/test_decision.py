"""A gateway is told to fall back only where an answer by the fallback would break no rule, and why or why not."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from fallbacks.decision import Decision, decide
from fallbacks.policy import Model, Policy
from fallbacks.reasons import reason
from fallbacks.verdict import RULES, Facts, judge
from tests.policy.make import BASELINE, PREMIUM, catalogue, policy, served

# What a gateway knows when the primary fails.
ASKED = Facts(primary="premium-chat", status="529")


def asked(**over: Any) -> Facts:
    return replace(ASKED, **over)


def decided(
    facts: Facts, of: Policy | None, models: Mapping[str, Model] | None = None, *, enabled: bool = True
) -> Decision:
    return decide(facts, of, catalogue() if models is None else models, enabled=enabled)


def test_a_gateway_is_told_the_fallback_and_what_to_tell_its_user() -> None:
    assert decided(asked(tier="pro"), policy()) == Decision(
        action="fallback",
        fallback="baseline-chat",
        notify_user=True,
        message="A simpler model answers for the moment.",
        rules=(),
        because="baseline-chat may answer for premium-chat: the triggers name overloaded, and the user must be told.",
        error_class="overloaded",
    )


@pytest.mark.parametrize(("tier", "notice"), [("free", "paid"), (None, "paid"), ("pro", "never")])
def test_nobody_is_told_where_notice_and_tier_do_not_ask(tier: str | None, notice: str) -> None:
    found = decided(asked(tier=tier), policy(notice=notice))
    assert (found.action, found.notify_user, found.message) == ("fallback", False, None)
    assert found.because.endswith(", and the user need not be told.")


def test_the_notice_is_for_notice_and_tier_to_ask_whoever_sees_the_answer() -> None:
    for visible in (None, True, False):
        assert decided(asked(user_visible=visible), policy(notice="always", user_visible=False)).notify_user


def test_a_rate_limit_under_its_attempts_is_tried_again() -> None:
    of = policy(triggers=frozenset({"rate_limit"}), min_attempts=3)
    assert decided(asked(status="429", attempts=2), of) == Decision(
        action="retry",
        fallback=None,
        notify_user=False,
        message=None,
        rules=("no_backoff",),
        because="Try premium-chat again: rate_limit may fall back after 3 attempts, not after 2.",
        error_class="rate_limit",
    )
    assert decided(asked(status="429", attempts=3), of).action == "fallback"


@pytest.mark.parametrize(
    ("of", "enabled", "rules"),
    [
        (policy(), True, ("no_backoff",)),
        (policy(triggers=frozenset({"rate_limit"})), False, ("no_backoff", "not_enabled")),
    ],
)
def test_a_rate_limit_is_not_tried_again_where_it_could_not_fall_back_either(
    of: Policy, enabled: bool, rules: tuple[str, ...]
) -> None:
    found = decided(asked(status="429"), of, enabled=enabled)
    assert (found.action, found.rules) == ("fail", rules)


def test_a_quota_that_is_spent_is_no_rate_limit() -> None:
    of = policy(triggers=frozenset({"rate_limit"}))
    found = decided(asked(status="429", error_code="insufficient_quota"), of)
    assert (found.action, found.rules, found.error_class) == ("fail", ("entitlement",), "quota")


@pytest.mark.parametrize(
    ("facts", "of", "rules", "because"),
    [
        (asked(), None, ("undeclared_route",), "the workload has no policy"),
        (asked(fallback="baseline-chat"), None, ("undeclared_route",), "the workload has no policy"),
        (
            asked(status="401"),
            None,
            ("undeclared_route", "never_fallback"),
            "the workload has no policy, and authentication never falls back (this is an authentication problem)",
        ),
        (asked(), policy(fallback=None), ("undeclared_route",), "the policy declares no fallback"),
        (
            asked(fallback="baseline-chat"),
            policy(fallback=None),
            ("undeclared_route",),
            "the policy declares no fallback",
        ),
        (
            asked(primary="other-chat"),
            policy(),
            ("undeclared_route",),
            "the policy's primary is premium-chat, not other-chat",
        ),
        (
            asked(fallback="other-chat"),
            policy(),
            ("undeclared_route",),
            "the policy's fallback is baseline-chat, not other-chat",
        ),
        (
            asked(status="404"),
            policy(),
            ("trigger_not_allowed",),
            "the triggers do not name model_unavailable",
        ),
        (
            asked(status="403"),
            policy(),
            ("entitlement",),
            "the triggers do not name permission (usually no: check entitlement before changing behaviour)",
        ),
        (asked(status="429"), policy(), ("no_backoff",), "the triggers do not name rate_limit"),
        (asked(payload_class="audio"), policy(), ("incompatible",), "baseline-chat does not take audio"),
    ],
)
def test_what_is_not_known_to_be_allowed_fails_and_says_why(
    facts: Facts, of: Policy | None, rules: tuple[str, ...], because: str
) -> None:
    found = decided(facts, of)
    assert (found.action, found.rules) == ("fail", rules)
    assert (found.fallback, found.notify_user, found.message) == (None, False, None)
    assert found.because == f"No fallback: {because}."


@pytest.mark.parametrize(
    ("models", "rules", "because"),
    [
        ({}, ("incompatible",), "premium-chat is not in the catalogue"),
        ({BASELINE.name: BASELINE}, ("incompatible",), "premium-chat is not in the catalogue"),
        ({PREMIUM.name: PREMIUM}, ("incompatible",), "baseline-chat is not in the catalogue"),
        (catalogue(family="responses"), ("incompatible",), "baseline-chat is of another API family than premium-chat"),
        (
            catalogue(billing_account="b", data_region="us"),
            ("billing_boundary", "compliance_boundary"),
            "baseline-chat is billed to another account than premium-chat,"
            " and baseline-chat is of another data region than premium-chat",
        ),
    ],
)
def test_models_that_do_not_fit_fail(models: Mapping[str, Model], rules: tuple[str, ...], because: str) -> None:
    found = decided(asked(), policy(), models)
    assert (found.action, found.rules, found.because) == ("fail", rules, f"No fallback: {because}.")


def test_a_route_that_is_not_enabled_fails_where_users_see_it() -> None:
    found = decided(asked(), policy(), enabled=False)
    assert (found.action, found.rules) == ("fail", ("not_enabled",))
    assert found.because == "No fallback: the route is not enabled for users."
    assert decided(asked(user_visible=False), policy(), enabled=False).action == "fallback"
    assert decided(asked(), policy(user_visible=False), enabled=False).action == "fallback"
    assert decided(asked(user_visible=True), policy(user_visible=False), enabled=False).action == "fail"


def test_features_that_the_fallback_lacks_are_named() -> None:
    found = decided(asked(provider_features=frozenset({"prompt_cache", "zoom", "citations"})), policy())
    assert found.because == "No fallback: the request used citations and zoom, which baseline-chat does not list."
    alone = decided(asked(provider_features=frozenset({"zoom"})), policy(), {PREMIUM.name: PREMIUM})
    assert alone.because == (
        "No fallback: baseline-chat is not in the catalogue,"
        " and the request used zoom, which baseline-chat does not list."
    )


@pytest.mark.parametrize("outcome", ["served", "failed", "blocked"])
@pytest.mark.parametrize("notified", [True, False, None])
@pytest.mark.parametrize("fallback", [None, "baseline-chat"])
def test_what_has_not_happened_yet_is_not_looked_at(outcome: str, notified: bool | None, fallback: str | None) -> None:
    facts = asked(outcome=outcome, user_notified=notified, fallback=fallback, tier="pro")
    assert decided(facts, policy()) == decided(asked(tier="pro"), policy())
    bad = replace(facts, status="401")
    assert decided(bad, policy()) == decided(asked(tier="pro", status="401"), policy())


def test_every_rule_of_an_event_has_its_reason() -> None:
    told = served(user_notified=False)
    assert judge(told, policy(), catalogue(), enabled=True).rules == ("silent",)
    assert reason("silent", told, policy(), catalogue()) == "the user was not told"
    nameless = served(fallback=None)
    assert reason("undeclared_route", nameless, policy(), catalogue()) == "no fallback is named"
    early, of = served(status="429"), policy(triggers=frozenset({"rate_limit"}))
    assert reason("no_backoff", early, of, catalogue()) == "rate_limit may fall back after 2 attempts, not after 1"
    for rule in RULES:
        text = reason(rule, served(payload_class="audio", provider_features=frozenset({"x"})), policy(), catalogue())
        assert text == text.strip().rstrip(".") != ""
