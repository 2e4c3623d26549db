"""A policy that must be refused is, with the field and what to do; one that may be used is not."""

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fallbacks.policy import Model, Policy, Review
from fallbacks.refusals import Problem, problems
from tests.policy.make import BASELINE, PREMIUM, REVIEW, catalogue, policy

MINI = replace(BASELINE, name="mini-chat")
ECONOMY = replace(BASELINE, name="economy-chat", family="responses")
ABROAD = replace(BASELINE, name="abroad-chat", data_region="us")
BILLED = replace(BASELINE, name="billed-chat", billing_account="other")
PLAIN = replace(BASELINE, name="plain-chat", request_shapes=frozenset({"chat"}))
MODELS = catalogue(MINI, ECONOMY, ABROAD, BILLED, PLAIN)


def found(of: Policy, models: Mapping[str, Model] = MODELS) -> list[tuple[str, str]]:
    return [(problem.field, problem.message) for problem in problems(of, models)]


def review(**over: Any) -> Policy:
    return policy(review=replace(REVIEW, **over))


@pytest.mark.parametrize(
    "of",
    [
        policy(),
        policy(fallback=None),
        policy(fallback="mini-chat", permits=frozenset({"billing_boundary", "compliance_boundary"})),
        policy(fallback="abroad-chat", permits=frozenset({"compliance_boundary"})),
        policy(fallback="billed-chat", permits=frozenset({"billing_boundary"})),
        policy(payload_classes=frozenset({"chat", "chat-tools"})),
        policy(triggers=frozenset({"quota", "permission", "rate_limit", "stream_interrupted", "primary_skipped"})),
        policy(triggers=frozenset()),
        policy(notice="never", paid_tiers=frozenset()),
        policy(notice="never", user_visible=False),
        policy(notice="never", message="", user_visible=False),
        policy(owner="", description="", escape_hatch="", paid_tiers=frozenset()),
        policy(min_attempts=1, degraded_above=0, for_minutes=1),
        policy(min_attempts=100, degraded_above=1, for_minutes=1440),
        review(sample_rate=0, daily_cap=0, min_reviews=0, pass_rate=0, reviews_required=1, due_hours=1),
        review(sample_rate=1, pass_rate=1, enabled_for_days=1, auto_suspend=False, criteria=("correct",)),
    ],
)
def test_a_policy_that_may_be_used_is_not_refused(of: Policy) -> None:
    assert found(of) == []


def test_a_boundary_of_which_one_side_is_not_known_needs_no_permit() -> None:
    assert found(policy(), catalogue(billing_account=None, data_region=None)) == []


CHOOSE = "Choose one of: baseline-chat, mini-chat, plain-chat."
REFUSED: list[tuple[Policy, list[tuple[str, str]]]] = [
    (
        policy(primary="lost-chat", fallback=None),
        [
            (
                "primary",
                "lost-chat is not in the catalogue. Put it there first, or choose one of: abroad-chat, baseline-chat,"
                " billed-chat, economy-chat, mini-chat, plain-chat, premium-chat.",
            )
        ],
    ),
    (
        policy(fallback="lost-chat"),
        [
            (
                "fallback",
                "lost-chat is not in the catalogue. Put it there first,"
                " or choose one of: baseline-chat, mini-chat, plain-chat.",
            )
        ],
    ),
    (policy(fallback="premium-chat"), [("fallback", f"premium-chat is the primary itself. {CHOOSE}")]),
    (
        policy(fallback="economy-chat"),
        [("fallback", f"economy-chat is of another API family than premium-chat. {CHOOSE}")],
    ),
    (
        policy(fallback="plain-chat", payload_classes=frozenset({"chat", "chat-tools"})),
        [("payload_classes", "plain-chat does not take chat-tools. Remove that, or choose another model.")],
    ),
    (
        policy(primary="plain-chat", payload_classes=frozenset({"chat", "chat-tools"})),
        [("payload_classes", "plain-chat does not take chat-tools. Remove that, or choose another model.")],
    ),
    (
        policy(payload_classes=frozenset({"chat", "video", "audio"})),
        [
            ("payload_classes", "premium-chat does not take audio, video. Remove that, or choose another model."),
            ("payload_classes", "baseline-chat does not take audio, video. Remove that, or choose another model."),
        ],
    ),
    (
        policy(fallback="abroad-chat"),
        [
            (
                "permits",
                "abroad-chat is of another data region than premium-chat. Permit compliance_boundary,"
                " or choose as the fallback one of: baseline-chat, mini-chat, plain-chat.",
            )
        ],
    ),
    (
        policy(fallback="billed-chat", permits=frozenset({"compliance_boundary"})),
        [
            (
                "permits",
                "billed-chat is of another billing account than premium-chat. Permit billing_boundary,"
                " or choose as the fallback one of: abroad-chat, baseline-chat, mini-chat, plain-chat.",
            )
        ],
    ),
    (
        policy(notice="never", paid_tiers=frozenset({"pro", "gold"})),
        [
            (
                "notice",
                "Users of gold, pro paid for a specific service: choose paid or always, so that they are told.",
            )
        ],
    ),
    (policy(message=""), [("message", "Write what users are told, since the notice is paid.")]),
    (policy(notice="always", message=" \n"), [("message", "Write what users are told, since the notice is always.")]),
    (
        policy(user_visible=False, message=""),
        [("message", "Write what users are told, since the notice is paid.")],
    ),
    (
        policy(notice="sometimes"),
        [("notice", "sometimes is not a notice. Choose one of: always, paid, never.")],
    ),
    (
        policy(triggers=frozenset({"overloaded", "content_policy"})),
        [
            (
                "triggers",
                "content_policy must never fall back: another model must not be used to get around a content policy."
                " Remove it.",
            )
        ],
    ),
    (
        policy(triggers=frozenset({"overload"})),
        [
            (
                "triggers",
                "overload is not an error class. Choose from: quota, permission, model_unavailable, rate_limit,"
                " timeout, overloaded, unavailable, stream_interrupted, primary_skipped, invalid_response,"
                " server_error.",
            )
        ],
    ),
    (
        policy(permits=frozenset({"incompatible"})),
        [("permits", "incompatible is not a boundary. Choose from: billing_boundary, compliance_boundary.")],
    ),
    (
        policy(payload_classes=frozenset()),
        [("payload_classes", "Name at least one shape of the requests that the workload sends.")],
    ),
    (
        policy(workload="Support Chat"),
        [("workload", "'Support Chat' is not a slug: use 1 to 64 characters from a-z 0-9 - _ .")],
    ),
    (
        policy(paid_tiers=frozenset({"pro", "Gold"})),
        [("paid_tiers", "'Gold' is not a slug: use 1 to 64 characters from a-z 0-9 - _ .")],
    ),
    (review(criteria=()), [("review.criteria", "Name at least one criterion that reviewers score, such as correct.")]),
    (review(criteria=("correct", "tone", "correct")), [("review.criteria", "Name each criterion once.")]),
    (review(criteria=("correct", " ")), [("review.criteria", "Give each criterion a name of 1 to 64 characters.")]),
    (review(criteria=("c" * 65,)), [("review.criteria", "Give each criterion a name of 1 to 64 characters.")]),
]


@pytest.mark.parametrize(("of", "expected"), REFUSED)
def test_a_policy_that_must_be_refused_is_with_its_field_and_what_to_do(
    of: Policy, expected: list[tuple[str, str]]
) -> None:
    assert found(of) == expected


NEVER = (
    "context_length",
    "content_policy",
    "compliance",
    "authentication",
    "cancelled",
    "invalid_request",
    "no_error",
)


@pytest.mark.parametrize("name", NEVER)
def test_no_policy_can_name_a_class_that_never_falls_back(name: str) -> None:
    assert [field for field, _ in found(policy(triggers=frozenset({name, "timeout"})))] == ["triggers"]


@pytest.mark.parametrize(
    ("field", "bad"),
    [
        ("min_attempts", (0, 101, -1)),
        ("degraded_above", (-0.01, 1.01, math.nan, math.inf)),
        ("for_minutes", (0, 1441)),
        ("review.sample_rate", (-0.01, 1.01, math.nan)),
        ("review.daily_cap", (-1, 100_001, 10**5000)),
        ("review.min_reviews", (-1, 100_001)),
        ("review.pass_rate", (-0.01, 1.01, -math.inf)),
        ("review.reviews_required", (0, 11)),
        ("review.due_hours", (0, 8761)),
        ("review.enabled_for_days", (0, 3651)),
    ],
)
def test_a_number_out_of_its_range_is_refused(field: str, bad: tuple[float, ...]) -> None:
    name = field.removeprefix("review.")
    for value in bad:
        refused = found(review(**{name: value}) if name != field else policy(**{name: value}))
        assert [problem for problem, _ in refused] == [field]
        assert re.fullmatch(r"Choose a number from [01] to [\d,]+\.", refused[0][1])


@pytest.mark.parametrize("text", ["", "a b", "Ä", "a" * 65, "chat\n", "chat/tools", "CHAT"])
def test_what_is_no_slug_is_refused(text: str) -> None:
    assert [field for field, _ in found(policy(workload=text))] == ["workload"]
    models = {name: replace(model, request_shapes=frozenset({text})) for name, model in MODELS.items()}
    assert [field for field, _ in found(policy(payload_classes=frozenset({text})), models)] == ["payload_classes"]


def test_where_no_model_fits_none_is_offered() -> None:
    alone = {PREMIUM.name: PREMIUM, ECONOMY.name: ECONOMY}
    assert found(policy(fallback="economy-chat"), alone) == [
        ("fallback", "economy-chat is of another API family than premium-chat. Choose none.")
    ]
    assert found(policy(), {}) == [
        ("primary", "premium-chat is not in the catalogue. Put it there first."),
        ("fallback", "baseline-chat is not in the catalogue. Put it there first, or choose none."),
    ]


def test_a_choice_names_eight_models_at_most() -> None:
    many = [replace(BASELINE, name=f"chat-{number:02}") for number in range(20)]
    ((_, message),) = found(policy(fallback="lost-chat"), catalogue(*many))
    assert message.endswith("one of: baseline-chat, chat-00, chat-01, chat-02, chat-03, chat-04, chat-05, chat-06.")


def test_all_that_is_wrong_is_told_at_once() -> None:
    wrong = policy(
        workload="",
        fallback="economy-chat",
        triggers=frozenset({"no_error"}),
        notice="always",
        message="",
        min_attempts=0,
        review=replace(REVIEW, criteria=()),
    )
    fields = [field for field, _ in found(wrong)]
    assert fields == ["workload", "triggers", "min_attempts", "review.criteria", "message", "fallback"]


texts = st.text(max_size=3) | st.sampled_from(
    ["premium-chat", "baseline-chat", "economy-chat", "abroad-chat", "chat", "timeout", "no_error", "billing_boundary"]
)
sets = st.frozensets(texts, max_size=3)
# Any whole numbers and floats, those that are no numbers included.
numbers = st.integers() | st.floats()


@given(
    of=st.builds(
        Policy,
        workload=texts,
        user_visible=st.booleans(),
        primary=texts,
        fallback=st.none() | texts,
        notice=st.sampled_from(["always", "paid", "never"]),
        message=texts,
        payload_classes=sets,
        triggers=sets,
        paid_tiers=sets,
        permits=sets,
        min_attempts=st.integers(),
        degraded_above=numbers,
        for_minutes=st.integers(),
        review=st.builds(
            Review,
            sample_rate=numbers,
            daily_cap=st.integers(),
            min_reviews=st.integers(),
            pass_rate=numbers,
            criteria=st.lists(texts, max_size=3).map(tuple),
        ),
    ),
    models=st.sampled_from([{}, MODELS]),
)
def test_whatever_a_policy_says_it_is_answered_in_sentences_about_its_fields(
    of: Policy, models: Mapping[str, Model]
) -> None:
    for problem in problems(of, models):
        assert isinstance(problem, Problem)
        head, _, tail = problem.field.partition(".")
        assert hasattr(getattr(of, head), tail) if tail else hasattr(of, head)
        assert problem.message.endswith(".")
