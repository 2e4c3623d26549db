"""What a policy allows breaks no rule, each rule is broken by what it speaks of, and they are listed in their order."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fallbacks.policy import Model, Policy
from fallbacks.verdict import RULES, Facts, Verdict, judge
from tests.policy.make import BASELINE, PREMIUM, catalogue, policy, served

ORDER = (
    "undeclared_route",
    "never_fallback",
    "entitlement",
    "no_backoff",
    "trigger_not_allowed",
    "incompatible",
    "provider_features",
    "billing_boundary",
    "compliance_boundary",
    "silent",
    "not_enabled",
)
OTHER = replace(BASELINE, name="other-chat")


def rules(
    facts: Facts, of: Policy | None, models: Mapping[str, Model] | None = None, *, enabled: bool = True
) -> tuple[str, ...]:
    return judge(facts, of, catalogue(OTHER) if models is None else models, enabled=enabled).rules


@pytest.mark.parametrize(
    ("over", "of", "due"),
    [
        ({}, {}, True),
        ({"tier": "free"}, {}, False),
        ({"tier": None}, {"notice": "always"}, True),
        ({}, {"notice": "never", "message": ""}, False),
        ({"user_visible": False}, {}, False),
        ({"user_visible": True}, {"user_visible": False}, True),
        ({"outcome": "failed"}, {}, False),
        ({"outcome": "blocked"}, {}, False),
        ({"fallback": "other-chat"}, {}, False),
        # Whether the user was told is another question.
        ({"user_notified": False}, {}, True),
    ],
)
def test_a_notice_is_due_of_an_answer_that_users_see_and_the_policy_asks_them_to_be_told_of(
    over: dict[str, Any], of: dict[str, Any], due: bool
) -> None:
    assert judge(replace(served(), **over), replace(policy(), **of), catalogue(OTHER), enabled=True).notice_due is due


def test_what_the_policy_allows_breaks_no_rule() -> None:
    verdict = judge(served(), policy(), catalogue(), enabled=True)
    assert verdict == Verdict(error_class="overloaded", rules=(), who_acts="provider watch", notice_due=True)
    assert verdict.allowed


# --- The route ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "of"),
    [
        (served(), None),
        (served(), policy(primary="other-chat")),
        (served(), policy(fallback="other-chat")),
        (served(), policy(fallback=None)),
        (served(fallback=None), policy(fallback=None)),
        (served(fallback=None), policy()),
        (served(primary="baseline-chat", fallback="premium-chat"), policy()),
    ],
)
def test_an_answer_on_a_route_that_no_policy_declares_is_judged_for_its_class_alone(
    facts: Facts, of: Policy | None
) -> None:
    bad = replace(facts, user_notified=False, payload_class="audio", provider_features=frozenset({"citations"}))
    assert rules(bad, of, enabled=False) == ("undeclared_route",)
    assert rules(replace(bad, status="403"), of, enabled=False) == ("undeclared_route",)
    assert rules(replace(bad, status="401"), of, enabled=False) == ("undeclared_route", "never_fallback")
    # Nobody was answered by a fallback: only the route can be wrong.
    assert rules(replace(bad, status="401", outcome="blocked"), of, enabled=False) == ()


@pytest.mark.parametrize(
    ("facts", "of", "expected"),
    [
        (served(), policy(), ()),
        (served(fallback=None), policy(), ()),
        (served(fallback=None), policy(fallback=None), ()),
        (served(), policy(fallback=None), ("undeclared_route",)),
        (served(fallback="other-chat"), policy(), ("undeclared_route",)),
        (served(primary="other-chat"), policy(), ("undeclared_route",)),
        (served(primary="other-chat", fallback=None), policy(), ("undeclared_route",)),
        (served(), None, ("undeclared_route",)),
        (served(fallback=None), None, ("undeclared_route",)),
    ],
)
def test_a_failed_event_breaks_nothing_but_the_route(
    facts: Facts, of: Policy | None, expected: tuple[str, ...]
) -> None:
    failed = replace(
        facts,
        outcome="failed",
        status="401",
        user_notified=False,
        payload_class="audio",
        provider_features=frozenset({"citations"}),
    )
    assert rules(failed, of, enabled=False) == expected


@pytest.mark.parametrize("of", [None, policy(), policy(primary="other-chat"), policy(fallback=None)])
@pytest.mark.parametrize("fallback", ["baseline-chat", "other-chat", None])
@pytest.mark.parametrize("status", ["200", "401", "429", "529"])
def test_a_blocked_event_breaks_no_rule_at_all(of: Policy | None, fallback: str | None, status: str) -> None:
    blocked = served(outcome="blocked", fallback=fallback, status=status, user_notified=False, payload_class="audio")
    assert rules(blocked, of, enabled=False) == ()


# --- The class ---------------------------------------------------------------------------------------

# A status or code for each class, and what it breaks where the triggers do not name it.
UNNAMED = {
    "context_length": ("400", "context_length_exceeded", "never_fallback"),
    "content_policy": ("400", "content_filter", "never_fallback"),
    "compliance": ("451", None, "never_fallback"),
    "quota": ("429", "insufficient_quota", "entitlement"),
    "authentication": ("401", None, "never_fallback"),
    "permission": ("403", None, "entitlement"),
    "model_unavailable": ("404", None, "trigger_not_allowed"),
    "rate_limit": ("429", None, "no_backoff"),
    "timeout": ("timeout", None, "trigger_not_allowed"),
    "overloaded": ("529", None, "trigger_not_allowed"),
    "unavailable": ("connection_error", None, "trigger_not_allowed"),
    "stream_interrupted": ("200", "stream_interrupted", "trigger_not_allowed"),
    "primary_skipped": ("unavailable", "circuit_open", "trigger_not_allowed"),
    "invalid_response": ("200", "empty_output", "trigger_not_allowed"),
    "cancelled": ("499", None, "never_fallback"),
    "server_error": ("500", None, "trigger_not_allowed"),
    "invalid_request": ("422", None, "never_fallback"),
    "no_error": ("200", None, "never_fallback"),
}


@pytest.mark.parametrize("name", UNNAMED)
def test_a_class_that_the_triggers_do_not_name_breaks_its_one_rule(name: str) -> None:
    status, code, rule = UNNAMED[name]
    verdict = judge(
        served(status=status, error_code=code, attempts=100),
        policy(triggers=frozenset(UNNAMED) - {name}),
        catalogue(),
        enabled=True,
    )
    assert (verdict.error_class, verdict.rules, verdict.who_acts) == (name, (rule,), "chat team")


@pytest.mark.parametrize("name", UNNAMED)
def test_a_class_that_the_triggers_name_breaks_nothing_unless_it_is_never(name: str) -> None:
    status, code, rule = UNNAMED[name]
    facts = served(status=status, error_code=code, attempts=2)
    expected = ("never_fallback",) if rule == "never_fallback" else ()
    assert rules(facts, policy(triggers=frozenset({name}))) == expected


@pytest.mark.parametrize(
    ("attempts", "least", "expected"),
    [(1, 2, ("no_backoff",)), (2, 2, ()), (3, 2, ()), (1, 1, ()), (9, 10, ("no_backoff",)), (10, 10, ())],
)
def test_a_rate_limit_may_fall_back_once_it_was_tried_often_enough(
    attempts: int, least: int, expected: tuple[str, ...]
) -> None:
    of = policy(triggers=frozenset({"rate_limit"}), min_attempts=least)
    assert rules(served(status="429", attempts=attempts), of) == expected


def test_attempts_count_for_the_rate_limit_alone() -> None:
    assert rules(served(attempts=1), policy(min_attempts=100)) == ()


# --- The models --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "models", "expected"),
    [
        (served(), catalogue(family="responses"), ("incompatible",)),
        (served(payload_class="chat-tools"), catalogue(request_shapes=frozenset({"chat"})), ("incompatible",)),
        (served(payload_class="audio"), catalogue(request_shapes=frozenset({"audio"})), ()),
        (served(payload_class=None), catalogue(request_shapes=frozenset()), ()),
        (served(payload_class=None), catalogue(family="responses"), ("incompatible",)),
        (served(), {PREMIUM.name: PREMIUM}, ("incompatible",)),
        (served(), {BASELINE.name: BASELINE}, ("incompatible",)),
        (served(), {}, ("incompatible",)),
        (served(provider_features=frozenset({"citations"})), catalogue(), ("provider_features",)),
        (served(provider_features=frozenset({"citations", "prompt_cache"})), catalogue(), ("provider_features",)),
        (served(provider_features=frozenset({"prompt_cache"})), catalogue(), ()),
        (served(provider_features=frozenset({"x"})), catalogue(features=frozenset({"x"})), ()),
        (served(provider_features=frozenset({"x"})), {PREMIUM.name: PREMIUM}, ("incompatible", "provider_features")),
    ],
)
def test_the_fallback_must_take_the_request_and_list_its_features(
    facts: Facts, models: Mapping[str, Model], expected: tuple[str, ...]
) -> None:
    assert rules(facts, policy(), models) == expected


@pytest.mark.parametrize(
    ("side", "rule"), [("billing_account", "billing_boundary"), ("data_region", "compliance_boundary")]
)
def test_a_boundary_is_crossed_where_both_sides_are_known_and_differ(side: str, rule: str) -> None:
    across = catalogue(**{side: "elsewhere"})
    assert rules(served(), policy(), across) == (rule,)
    assert rules(served(), policy(permits=frozenset({rule})), across) == ()
    other = ({"billing_boundary", "compliance_boundary"} - {rule}).pop()
    assert rules(served(), policy(permits=frozenset({other})), across) == (rule,)
    assert rules(served(), policy(), catalogue(**{side: None})) == ()
    nowhere = replace(PREMIUM, billing_account=None, data_region=None)
    assert rules(served(), policy(), {**across, PREMIUM.name: nowhere}) == ()


# --- The users ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("told", [True, False, None])
@pytest.mark.parametrize(
    ("notice", "tier", "asked"),
    [
        ("always", "pro", True),
        ("always", "free", True),
        ("always", None, True),
        ("paid", "pro", True),
        ("paid", "free", False),
        ("paid", None, False),
        ("never", "pro", False),
        ("never", None, False),
    ],
)
def test_an_answer_is_silent_where_the_notice_asks_and_the_user_was_not_told(
    notice: str, tier: str | None, asked: bool, told: bool | None
) -> None:
    facts, of = served(tier=tier, user_notified=told), policy(notice=notice)
    assert rules(facts, of) == (("silent",) if asked and told is not True else ())
    assert of.asks_notice(tier) is asked


@pytest.mark.parametrize(
    ("of_event", "of_policy", "visible"),
    [(None, True, True), (None, False, False), (True, False, True), (False, True, False)],
)
def test_only_an_answer_that_users_see_is_silent_or_not_enabled(
    of_event: bool | None, of_policy: bool, visible: bool
) -> None:
    facts, of = served(user_visible=of_event, user_notified=False), policy(user_visible=of_policy)
    assert rules(facts, of, enabled=False) == (("silent", "not_enabled") if visible else ())
    assert rules(facts, of, enabled=True) == (("silent",) if visible else ())


# --- The order ---------------------------------------------------------------------------------------

Case = tuple[Facts, Policy, Mapping[str, Model], bool]


def of_baseline(case: Case, **over: Any) -> Case:
    facts, of, models, enabled = case
    return facts, of, {**models, BASELINE.name: replace(models[BASELINE.name], **over)}, enabled


BREAKS: dict[str, Callable[[Case], Case]] = {
    "incompatible": lambda case: of_baseline(case, request_shapes=frozenset()),
    "provider_features": lambda case: of_baseline(case, features=frozenset()),
    "billing_boundary": lambda case: of_baseline(case, billing_account="elsewhere"),
    "compliance_boundary": lambda case: of_baseline(case, data_region="elsewhere"),
    "silent": lambda case: (replace(case[0], user_notified=None), *case[1:]),
    "not_enabled": lambda case: (*case[:3], False),
}
STATUS_OF = {
    "never_fallback": "400",
    "entitlement": "402",
    "no_backoff": "429",
    "trigger_not_allowed": "404",
    None: "529",
}


@given(of_class=st.sampled_from(list(STATUS_OF)), broken=st.lists(st.sampled_from(list(BREAKS)), unique=True))
def test_rules_are_listed_in_their_order_however_many_are_broken(of_class: str | None, broken: list[str]) -> None:
    facts = served(status=STATUS_OF[of_class], provider_features=frozenset({"prompt_cache"}))
    case: Case = (facts, policy(), catalogue(), True)
    for rule in broken:
        case = BREAKS[rule](case)
    facts, of, models, enabled = case
    expected = {*broken, *([of_class] if of_class else [])}
    assert rules(facts, of, models, enabled=enabled) == tuple(rule for rule in ORDER if rule in expected)


def test_the_order_of_the_rules_is_the_promised_one() -> None:
    assert RULES == ORDER


# --- Who acts ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "of", "expected"),
    [
        (served(), policy(), "provider watch"),
        (served(user_notified=False), policy(), "chat team"),
        (served(status="401"), policy(), "chat team"),
        (served(status="401"), policy(owner=""), "workload owner"),
        (served(), None, "workload owner"),
        (served(outcome="failed", fallback=None, status="401"), policy(), "platform team"),
        (served(outcome="failed", fallback=None, status="401"), None, "workload owner"),
        (served(outcome="blocked", status="429"), policy(), "capacity owner"),
        (served(outcome="blocked", status="429"), None, "capacity owner"),
        # The table says: the workload's owner.
        (served(outcome="blocked", status="404"), policy(), "chat team"),
        (served(outcome="blocked", status="404"), policy(owner=""), "workload owner"),
        (served(outcome="blocked", status="404"), None, "workload owner"),
        (served(outcome="failed", status="200"), policy(), "chat team"),
        (served(outcome="blocked", status="499"), policy(), "nobody"),
    ],
)
def test_the_owner_acts_on_a_broken_rule_and_else_who_the_boundary_says(
    facts: Facts, of: Policy | None, expected: str
) -> None:
    assert judge(facts, of, catalogue(), enabled=True).who_acts == expected


def test_what_a_verdict_depends_on_can_be_remembered() -> None:
    assert {(served(), policy(), True): 1}[served(), policy(), True] == 1
    assert hash(served()) != hash(served(attempts=3))
    assert hash(catalogue()["premium-chat"]) == hash(replace(PREMIUM))
