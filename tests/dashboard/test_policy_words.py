"""Policies, their fields and their routes in words, and the form from words back to JSON. Pure."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from dashboard import rule_words
from dashboard.policies import field_words, fields, route_words, typed
from dashboard.policies import form as policy_form
from dashboard.policies import words as policy_words
from dashboard.policies.model_form import FIELDS as OF_MODELS
from fallbacks.canonical import model_json, policy_json
from fallbacks.drafts import policy_draft
from fallbacks.models import Verification
from fallbacks.plaindata import model_from, policy_from
from fallbacks.reading import Refused
from fallbacks.verdict import RULES
from fallbacks.verifications import Evidence
from tests.policy.make import POLICY, REVIEW
from tests.policy.policies import MODELS, REFUSED, VALID, Json
from tests.policy.policies import Refused as Case

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CATALOGUE = {name: model_from(body) for name, body in MODELS.items()}
FIELDS = policy_form.fields(policy_form.sections(CATALOGUE))
# What nobody can say in a form: a field of another name, and a value of another type.
NOT_TYPED = {
    *("an unknown field", "unknown review rule", "nor is it null", "not a list", "not a boolean"),
    *("criteria are a list", "auto_suspend is a boolean"),
    *("the owner is text", "the description is text", "the escape hatch is text"),
}


@pytest.mark.parametrize(
    ("over", "words"),
    [
        (
            {"triggers": frozenset({"timeout", "overloaded"})},
            "When premium-chat times out or is overloaded, baseline-chat may answer."
            " Users on pro are told: “A simpler model answers for the moment.”",
        ),
        (
            {"triggers": frozenset({"quota", "timeout", "rate_limit"}), "notice": "always"},
            "When premium-chat times out, limits the rate or has no quota left, baseline-chat may answer."
            " Every user is told: “A simpler model answers for the moment.”",
        ),
        (
            {"triggers": frozenset({"timeout"}), "notice": "never"},
            "When premium-chat times out, baseline-chat may answer. Users see the answers and are not told.",
        ),
        (
            {"triggers": frozenset({"timeout"}), "user_visible": False},
            "When premium-chat times out, baseline-chat may answer. No user sees the answers.",
        ),
        (
            {"triggers": frozenset()},
            "baseline-chat may never answer for premium-chat, for no trigger is named.",
        ),
        ({"fallback": None}, "When premium-chat fails, the request fails: no other model may answer."),
    ],
)
def test_a_policy_is_said_in_plain_words(over: dict[str, Any], words: str) -> None:
    assert policy_words.gist(replace(POLICY, **over)) == words


def test_every_class_that_may_be_named_has_a_verb() -> None:
    assert set(policy_words.FAILS) == {
        error.name for error in policy_words.never(replace(POLICY, triggers=frozenset())) if error.fallback != "never"
    }


def test_every_rule_has_its_meaning() -> None:
    assert tuple(rule_words.MEANING) == RULES


def test_what_never_falls_back_ends_with_what_no_policy_can_allow() -> None:
    names = [error.name for error in policy_words.never(POLICY)]
    assert names[:2] == ["quota", "permission"]
    assert names[-1] == "no_error"
    assert not POLICY.triggers & set(names)


def test_what_needs_a_backoff() -> None:
    assert "never falls back" in policy_words.backoff(POLICY)
    named = replace(POLICY, triggers=frozenset({"rate_limit"}), min_attempts=1)
    assert policy_words.backoff(named) == "A rate limit falls back after 1 try on premium-chat, and not before."


def test_reviews_in_sentences() -> None:
    said = " ".join(policy_words.review(REVIEW)).replace("\u202f", " ")
    assert "5 % of the answers by the fallback that broke no rule are sampled, at most 40 a day." in said
    assert "scored by one reviewer within 72 hours: correct and tone." in said
    assert "50 reviews, of which 95 % have passed" in said
    assert "No answer is sampled" in policy_words.review(replace(REVIEW, sample_rate=0.0))[0]


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((0, 0, []), "No workload has a policy yet."),
        ((0, 0, ["a"]), "No workload has a policy. a has none."),
        ((1, 1, []), "1 workload has a policy, which 1 event broke in the last 7 days."),
        (
            (2, 1234, ["a", "b"]),
            "2 workloads have a policy, which 1,234 events broke in the last 7 days. a and b have none.",
        ),
        (
            (2, 0, list("abcd")),
            "2 workloads have a policy, which 0 events broke in the last 7 days. 4 workloads have none.",
        ),
    ],
)
def test_the_list_says_how_many_have_a_policy(counts: tuple[int, int, list[str]], words: str) -> None:
    assert policy_words.headline(*counts) == words


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("fallback", None, "none"),
        ("triggers", [], "none"),
        ("triggers", ["timeout", "overloaded"], "timeout, overloaded"),
        ("user_visible", False, "no"),
        ("degraded_above", 0.0125, "1.25 %"),
        ("review.pass_rate", 1, "100 %"),
        ("review.daily_cap", 12000, "12,000"),
        ("message", "<b>", "<b>"),
    ],
)
def test_a_value_is_written_as_people_read_it(field: str, value: Any, words: str) -> None:
    assert field_words.written(field, value).replace("\u202f", " ") == words


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=59), "under a minute"),
        (timedelta(minutes=119), "119 min"),
        (timedelta(hours=47), "47 h"),
        (timedelta(days=3), "3 days"),
    ],
)
def test_an_age_is_told_in_whole_units(span: timedelta, words: str) -> None:
    assert route_words.age(span) == words


def evidence(days: float | None, passed: bool = True, counts: bool = True) -> Evidence:
    newest = None if days is None else Verification(received_at=NOW - timedelta(days=days), passed=passed)
    return Evidence("chat", newest, counts)


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (evidence(None, counts=False), "never verified"),
        (evidence(3), "passed 3 days ago"),
        (evidence(3, passed=False, counts=False), "failed 3 days ago"),
        (evidence(41, counts=False), "passed 41 days ago, longer than the 30 days for which it counts"),
        (evidence(3, counts=False), "passed 3 days ago, before the route was what it is now"),
    ],
)
def test_a_verification_is_told_with_its_age(one: Evidence, words: str) -> None:
    assert route_words.found(one, NOW) == words


@pytest.mark.parametrize(
    ("known", "words"),
    [
        ([], "nothing to verify"),
        ([evidence(None, counts=False)], "0 of 1"),
        ([evidence(3, counts=False), evidence(41, counts=False)], "0 of 2, the newest 3 days ago"),
        ([evidence(3), evidence(9)], "2 of 2, the oldest 9 days ago"),
        ([evidence(3), evidence(41, counts=False)], "1 of 2, 3 days ago"),
    ],
)
def test_how_far_a_route_is_verified(known: list[Evidence], words: str) -> None:
    assert route_words.verified(known, NOW) == words


def test_a_state_that_is_not_known_here_is_said_as_it_is_called() -> None:
    assert route_words.state(POLICY, "enabled").word == "Enabled"
    assert route_words.state(POLICY, "suspended").word == "Suspended"
    assert route_words.state(replace(POLICY, fallback=None), "proposed").word == "No fallback"


# The form


@pytest.mark.parametrize("body", VALID, ids=lambda body: body["workload"])
def test_what_stands_in_the_form_means_the_policy_that_it_was_made_of(body: Json) -> None:
    policy = policy_from(body)
    meant = typed.body(FIELDS, typed.typed_of(FIELDS, policy_json(policy)))
    assert policy_draft(meant, policy.workload, CATALOGUE) == policy


@pytest.mark.parametrize("body", MODELS.values(), ids=lambda body: body["name"])
def test_and_so_do_models(body: Json) -> None:
    json = model_json(model_from(body))
    assert typed.body(OF_MODELS, typed.typed_of(OF_MODELS, json)) | {"name": body["name"]} == {
        name: None if value is None else str(value) if "price" in name else value for name, value in json.items()
    }


def as_typed(field: fields.Field, value: Any) -> list[str]:
    """What somebody types who wants this value, right or wrong."""
    if isinstance(value, list | tuple):
        return [str(each) for each in value] if field.kind == "many" else [", ".join(map(str, value))]
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    if field.kind == "share" and isinstance(value, int | float):
        return [str(Decimal(str(value)) * 100)]
    return [] if value is None else [str(value)]


def value_of(case: Case, name: str) -> Any:
    head, _, tail = name.partition(".")
    value = case.policy.get(head)
    return (value.get(tail) if isinstance(value, dict) else None) if tail else value


@pytest.mark.parametrize("case", [case for case in REFUSED if case.why not in NOT_TYPED], ids=lambda case: case.why)
def test_what_is_refused_is_refused_at_its_field_in_the_form_too(case: Case) -> None:
    sent = {field.name: as_typed(field, value_of(case, field.name)) for field in FIELDS}
    with pytest.raises(Refused) as refused:
        policy_draft(typed.body(FIELDS, sent), case.policy["workload"], CATALOGUE)
    found = {problem.field.partition(".")[0] for problem in refused.value.problems}
    assert found >= case.fields


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("whole", "12", 12),
        ("whole", " 7 ", 7),
        ("whole", "", None),
        ("whole", "1.5", "1.5"),
        ("whole", "²", "²"),
        ("whole", "9" * 99, "9" * 99),
        ("share", "5", 0.05),
        ("share", "0.1", 0.001),
        ("share", "33.3 %", 0.333),
        ("share", "ninety", "ninety"),
        ("share", "nan", "nan"),
        ("share", "", None),
        ("names", " a, b ,,c\nd", ["a", "b", "c", "d"]),
        ("switch", "yes", True),
        ("switch", "perhaps", None),
        ("choice", "", None),
        ("known", "", None),
        ("text", " a ", "a"),
    ],
)
def test_what_is_typed_means_this(kind: fields.Kind, text: str, value: Any) -> None:
    field = fields.Field(name="x", label="X", kind=kind)
    assert typed.body([field], {"x": [text]}) == {"x": value}


def test_two_drafts_are_put_together_field_by_field() -> None:
    base = typed.typed_of(FIELDS, policy_json(POLICY))
    mine = {**base, "owner": ["us"], "message": ["mine"], "triggers": [*reversed(base["triggers"])]}
    theirs = {**base, "message": ["theirs"], "triggers": ["timeout"], "description": ["new"]}
    both = typed.merged(FIELDS, base, mine, theirs)
    assert both == {**base, "owner": ["us"], "message": ["mine"], "triggers": ["timeout"], "description": ["new"]}
