"""The product against a second implementation, written by somebody else from the contract's tables alone."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

import pytest

from fallbacks.boundary import CLASSES, STATUSES
from fallbacks.decision import decide
from fallbacks.plaindata import model_from, policy_from
from fallbacks.policy import Model, Policy
from fallbacks.refusals import problems
from fallbacks.verdict import Facts, judge
from tests.policy import policies, second

Json = dict[str, Any]
IDS = [f"{number}-{policy['workload']}" for number, policy in enumerate(policies.VALID)]
CODES = [code for each in CLASSES for code in each.error_codes]
EVERY_FAILURE: list[Json] = [
    *({"status": status, "error_code": None} for status in sorted(STATUSES)),
    *({"status": status, "error_code": code} for code in CODES for status in ("200", "429", "500")),
    *({"status": "500", "error_code": code.upper()} for code in CODES),
    {"status": "500", "error_code": "a_code_of_tomorrow"},
]


def models_from(catalogue: dict[str, Json]) -> dict[str, Model]:
    return {name: model_from(data) for name, data in catalogue.items()}


def facts_from(event: Json) -> Facts:
    given = {name: value for name, value in event.items() if name not in ("workload", "reason") and value is not None}
    given["status"] = str(given["status"])
    given["provider_features"] = frozenset(given.get("provider_features", ()))
    given.setdefault("outcome", "served" if given.get("fallback") else "failed")
    return Facts(**given)


def judged(event: Json, policy: Policy, models: dict[str, Model], enabled: bool) -> Json:
    found = judge(facts_from(event), policy, models, enabled=enabled)
    return {"error_class": found.error_class, "rules": list(found.rules), "who_acts": found.who_acts}


def by_the_second(event: Json, policy: Json, models: dict[str, Json], enabled: bool) -> Json:
    """The second one says whose workload it is, the product says who that is."""
    found = second.verdict(event, policy, models, enabled)
    owner = policy.get("owner")
    return found | {"who_acts": owner if owner and found["who_acts"] == second.OWNER else found["who_acts"]}


def decided(event: Json, policy: Policy, models: dict[str, Model], enabled: bool) -> Json:
    found = decide(facts_from({**event, "outcome": "failed"}), policy, models, enabled=enabled)
    names = ("action", "fallback", "notify_user", "message", "error_class")
    return {name: getattr(found, name) for name in names} | {"rules": list(found.rules)}


def cases(policy: Json) -> Iterator[Json]:
    """Every status, word and code, answered and told, answered and not told, not answered, and refused."""
    events = [policies.fact(policy, ("500", None), change) for change in ({"user_notified": True}, {})]
    events += [policies.fact(policy, ("500", None), {"outcome": outcome}) for outcome in ("failed", "blocked")]
    every = ({**event, **failure} for event in events for failure in EVERY_FAILURE)
    return (event for event in chain(every, policies.facts_of(policy)) if policies.may_be_sent(event))


def test_there_are_policies_enough() -> None:
    assert len(policies.VALID) >= 40
    assert len(EVERY_FAILURE) > 503 + 40


@pytest.mark.parametrize("policy", policies.VALID, ids=IDS)
def test_each_status_word_and_code_has_the_same_class_rules_and_decision(policy: Json) -> None:
    typed, catalogue = policy_from(policy), models_from(policies.MODELS)
    for number, event in enumerate(cases(policy)):
        enabled = bool(number % 3)
        assert judged(event, typed, catalogue, enabled) == by_the_second(event, policy, policies.MODELS, enabled), event
        asked = policies.asked(event)
        expected = second.decision(asked, policy, policies.MODELS, enabled)
        assert decided(asked, typed, catalogue, enabled) == expected, event


@pytest.mark.parametrize("policy", policies.VALID, ids=IDS)
def test_so_they_have_when_somebody_has_changed_a_model(policy: Json) -> None:
    typed = policy_from(policy)
    for why, models in policies.catalogues_of(policy):
        catalogue = models_from(models)
        for event in list(policies.facts_of(policy))[::3]:
            assert judged(event, typed, catalogue, True) == by_the_second(event, policy, models, True), (why, event)


def test_without_a_policy_they_agree_too() -> None:
    for event in cases(policies.VALID[0]):
        mine = judge(facts_from(event), None, {}, enabled=False)
        theirs = second.verdict(event, None, {}, False)
        assert (mine.error_class, list(mine.rules)) == (theirs["error_class"], theirs["rules"]), event


@pytest.mark.parametrize("policy", policies.VALID, ids=IDS)
def test_a_policy_that_is_valid_is_taken(policy: Json) -> None:
    assert problems(policy_from(policy), models_from(policies.MODELS)) == []
