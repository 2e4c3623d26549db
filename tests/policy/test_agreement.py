"""Decisions and verdicts agree: what a gateway was allowed is never held against it, and what was clean is allowed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from fallbacks.boundary import CLASSES
from fallbacks.decision import Decision, decide
from fallbacks.policy import Model, Policy
from fallbacks.refusals import problems
from fallbacks.verdict import Facts, Verdict, judge
from tests.policy.make import BASELINE, PREMIUM, SERVED, policy

OTHER = replace(BASELINE, name="other-chat")
WATCHED = policy(notice="always", triggers=frozenset({"rate_limit", "overloaded", "timeout", "server_error", "quota"}))


@dataclass(frozen=True)
class Case:
    """An event, and all that it is judged by. As it stands, it breaks no rule."""

    facts: Facts = SERVED
    policy: Policy | None = WATCHED
    premium: Model | None = PREMIUM
    baseline: Model | None = BASELINE
    enabled: bool = True

    @property
    def models(self) -> Mapping[str, Model]:
        return {model.name: model for model in (self.premium, self.baseline, OTHER) if model is not None}

    def judged(self, facts: Facts) -> Verdict:
        return judge(facts, self.policy, self.models, enabled=self.enabled)

    def decided(self, facts: Facts) -> Decision:
        return decide(facts, self.policy, self.models, enabled=self.enabled)


def sets(*names: str) -> list[frozenset[str]]:
    return [frozenset(names), frozenset(names[:1]), frozenset(names[1:]), frozenset()]


NAMES = ["premium-chat", "baseline-chat", "other-chat", "lost-chat"]
OF_MODEL: dict[str, list[Any]] = {
    "family": ["responses"],
    "request_shapes": sets("chat", "chat-tools"),
    "features": sets("citations", "prompt_cache"),
    "data_region": ["us", None],
    "billing_account": ["other", None],
}
# All that may be otherwise about a case, a few values each: any pair and triple of them is soon met.
CHANGES: dict[str, dict[str, list[Any]]] = {
    "facts": {
        "primary": NAMES,
        "fallback": [*NAMES, None],
        "status": ["429", "429", "429", "500", "timeout", "unavailable", "401", "402", "403", "404", "200"],
        "error_code": ["unheard_of", "Rate_Limit_Error", "INSUFFICIENT_QUOTA", "refusal", "cooldown"],
        "attempts": [2, 3, 100],
        "outcome": ["failed", "blocked"],
        "user_visible": [True, False],
        "user_notified": [True, False, None],
        "tier": ["free", "pro", None],
        "payload_class": ["chat-tools", "audio", None],
        "provider_features": sets("citations", "prompt_cache"),
    },
    "policy": {
        "user_visible": [False],
        "primary": NAMES,
        "fallback": [*NAMES, None],
        "triggers": [frozenset({each.name}) for each in CLASSES],
        "min_attempts": [1, 3, 100],
        "notice": ["paid", "never"],
        "message": [""],
        "paid_tiers": sets("pro", "gold"),
        "permits": sets("billing_boundary", "compliance_boundary"),
        "payload_classes": sets("chat", "chat-tools", "audio"),
    },
    "premium": OF_MODEL,
    "baseline": OF_MODEL,
}
EVERY_CHANGE: list[tuple[str, Any]] = [
    *(("policy", None), ("premium", None), ("baseline", None), ("enabled", False)),
    *(
        (part, {field: value})
        for part, fields in CHANGES.items()
        for field, values in fields.items()
        for value in values
    ),
]


def changed(changes: list[tuple[str, Any]]) -> Case:
    case = Case()
    for part, value in changes:
        now = getattr(case, part)
        if isinstance(value, dict):
            value = now and replace(now, **value)
        case = replace(case, **{part: value})
    return case


cases = st.lists(st.sampled_from(EVERY_CHANGE), max_size=4).map(changed)
often = settings(max_examples=1000)


def test_the_case_to_start_from_breaks_no_rule() -> None:
    assert Case().judged(Case().facts).allowed


@often
@given(case=cases)
def test_an_answer_that_a_decision_allowed_never_breaks_a_rule(case: Case) -> None:
    decision = case.decided(case.facts)
    event(decision.action)
    if decision.action == "fallback":
        # Where the decision did not ask to tell the user, it is the same whether a gateway told or said nothing of it.
        for told in [True] if decision.notify_user else [True, False, None]:
            answer = replace(case.facts, fallback=decision.fallback, outcome="served", user_notified=told)
            assert case.judged(answer).allowed


@often
@given(case=cases)
def test_an_answer_that_breaks_no_rule_would_have_been_allowed(case: Case) -> None:
    """Without an exception: a decision breaks the same rules as the answer, but for telling the user."""
    answer = replace(case.facts, outcome="served")
    verdict = case.judged(answer)
    event(f"allowed: {verdict.allowed}")
    if answer.fallback is None:
        assert verdict.rules[0] == "undeclared_route"
        return
    decision = case.decided(answer)
    assert decision.rules == tuple(rule for rule in verdict.rules if rule != "silent")
    assert decision.error_class == verdict.error_class
    if verdict.allowed:
        assert (decision.action, decision.fallback) == ("fallback", answer.fallback)
        assert case.decided(replace(answer, fallback=None)) == decision  # who names no fallback is told it


@often
@given(case=cases)
def test_a_decision_is_whole_and_fails_closed(case: Case) -> None:
    decision = case.decided(case.facts)
    event(decision.action)
    if decision.action == "fallback":
        assert case.policy is not None
        assert decision.rules == ()
        assert {case.facts.primary, decision.fallback} <= set(case.models)
        assert (case.facts.primary, decision.fallback) == (case.policy.primary, case.policy.fallback)
        assert decision.message == (case.policy.message if decision.notify_user else None)
        return
    assert decision.rules
    assert (decision.fallback, decision.notify_user, decision.message) == (None, False, None)
    if decision.action == "retry":
        assert case.policy is not None
        assert decision.rules == ("no_backoff",)
        # Nothing but tries is wanting.
        assert case.decided(replace(case.facts, attempts=case.policy.min_attempts)).action == "fallback"


@often
@given(case=cases)
def test_of_a_policy_that_is_not_refused_no_event_breaks_a_rule_about_the_pair(case: Case) -> None:
    """Refusals and rules agree on what fits."""
    if case.policy is None or case.policy.fallback is None or problems(case.policy, case.models):
        return
    event("accepted")
    for shape in [None, *case.policy.payload_classes]:
        answer = replace(case.facts, outcome="served", payload_class=shape)
        answer = replace(answer, primary=case.policy.primary, fallback=case.policy.fallback)
        about_the_pair = {"undeclared_route", "incompatible", "billing_boundary", "compliance_boundary"}
        assert not about_the_pair & set(case.judged(answer).rules)
