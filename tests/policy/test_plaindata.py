"""A client that has the API's JSON gets the policy and the models from it, or hears which field cannot be read."""

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fallbacks.decision import decide
from fallbacks.plaindata import Unreadable, model_from, policy_from
from fallbacks.policy import Model, Policy, Review
from fallbacks.verdict import Facts

POLICY = """{
  "workload": "support-chat", "description": "Chat for customers", "owner": "chat team", "user_visible": true,
  "primary": "premium-chat", "fallback": "baseline-chat", "triggers": ["timeout", "overloaded"], "min_attempts": 3,
  "notice": "paid", "message": "A simpler model answers.", "paid_tiers": ["pro"], "payload_classes": ["chat"],
  "permits": ["billing_boundary"], "degraded_above": 0.02, "for_minutes": 10, "escape_hatch": "call the desk",
  "review": {"sample_rate": 0.05, "daily_cap": 40, "min_reviews": 50, "pass_rate": 1, "criteria": ["tone", "correct"],
             "reviews_required": 2, "due_hours": 24, "enabled_for_days": 30, "auto_suspend": false},
  "version": 4, "updated_at": "2026-11-17T14:00:00Z", "route_state": "enabled", "enabled": true
}"""
MODEL = """{
  "name": "premium-chat", "provider": "halcyon", "family": "messages", "request_shapes": ["chat"],
  "features": ["citations"], "data_region": "eu", "billing_account": "chat",
  "input_price": "3.10", "cached_input_price": 0.3, "output_price": 15
}"""
LEAST = {
    "workload": "w",
    "user_visible": False,
    "primary": "p",
    "notice": "never",
    "payload_classes": ["chat"],
    "review": {"sample_rate": 0, "daily_cap": 0, "min_reviews": 0, "pass_rate": 0.9, "criteria": ["correct"]},
}
LEAST_MODEL = {"name": "p", "provider": "halcyon", "family": "messages", "request_shapes": []}


def changed(text: str, **over: Any) -> dict[str, Any]:
    data = json.loads(text)
    for field, value in over.items():
        head, _, tail = field.partition("__")
        if tail:
            data[head][tail] = value
        else:
            data[head] = value
    return dict(data)


def test_a_policy_is_read_field_by_field() -> None:
    assert policy_from(json.loads(POLICY)) == Policy(
        workload="support-chat",
        description="Chat for customers",
        owner="chat team",
        user_visible=True,
        primary="premium-chat",
        fallback="baseline-chat",
        triggers=frozenset({"timeout", "overloaded"}),
        min_attempts=3,
        notice="paid",
        message="A simpler model answers.",
        paid_tiers=frozenset({"pro"}),
        payload_classes=frozenset({"chat"}),
        permits=frozenset({"billing_boundary"}),
        degraded_above=0.02,
        for_minutes=10,
        escape_hatch="call the desk",
        review=Review(
            sample_rate=0.05,
            daily_cap=40,
            min_reviews=50,
            pass_rate=1,
            criteria=("tone", "correct"),
            reviews_required=2,
            due_hours=24,
            enabled_for_days=30,
            auto_suspend=False,
        ),
    )


def test_what_a_policy_leaves_out_or_null_has_the_promised_default_and_allows_nothing() -> None:
    least = policy_from(LEAST)
    assert (least.fallback, least.triggers, least.permits) == (None, frozenset(), frozenset())
    assert (least.min_attempts, least.degraded_above, least.for_minutes) == (2, 0.01, 5)
    review = least.review
    assert (review.reviews_required, review.due_hours, review.enabled_for_days, review.auto_suspend) == (
        1,
        72,
        90,
        True,
    )
    assert policy_from({**LEAST, "fallback": None, "min_attempts": None, "triggers": None}) == least


def test_a_model_is_read_with_every_digit_of_its_prices() -> None:
    assert model_from(json.loads(MODEL)) == Model(
        name="premium-chat",
        provider="halcyon",
        family="messages",
        request_shapes=frozenset({"chat"}),
        features=frozenset({"citations"}),
        data_region="eu",
        billing_account="chat",
        input_price=Decimal("3.10"),
        cached_input_price=Decimal("0.3"),
        output_price=Decimal(15),
    )
    least = model_from({**LEAST_MODEL, "data_region": None, "features": None})
    assert (least.features, least.data_region, least.billing_account) == (frozenset(), None, None)
    assert (least.input_price, least.cached_input_price, least.output_price) == (None, None, None)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("workload", 7, "must be a text"),
        ("fallback", ["baseline-chat"], "must be a text"),
        ("notice", False, "must be a text"),
        ("user_visible", "yes", "must be true or false"),
        ("user_visible", 1, "must be true or false"),
        ("triggers", "timeout", "must be a list of texts"),
        ("payload_classes", [1], "must be a list of texts"),
        ("permits", {"billing_boundary": True}, "must be a list of texts"),
        ("min_attempts", 2.0, "must be a whole number"),
        ("min_attempts", True, "must be a whole number"),
        ("degraded_above", "0.01", "must be a number"),
        ("degraded_above", True, "must be a number"),
        ("review", [], "must be an object"),
        ("review", "none", "must be an object"),
        ("review__criteria", "correct", "must be a list of texts"),
        ("review__pass_rate", "high", "must be a number"),
        ("review__daily_cap", "40", "must be a whole number"),
        ("review__auto_suspend", 0, "must be true or false"),
    ],
)
def test_a_value_of_another_type_is_refused_with_its_field(field: str, value: Any, message: str) -> None:
    with pytest.raises(Unreadable) as caught:
        policy_from(changed(POLICY, **{field: value}))
    assert (caught.value.field, caught.value.message) == (field.replace("__", "."), message)
    assert str(caught.value) == f"{field.replace('__', '.')} {message}"


@pytest.mark.parametrize("field", LEAST)
def test_what_has_no_default_is_required(field: str) -> None:
    for data in ({**LEAST, field: None}, {name: value for name, value in LEAST.items() if name != field}):
        with pytest.raises(Unreadable, match=f"^{field} is required$"):
            policy_from(data)


def test_what_a_review_needs_is_required() -> None:
    for field in ("sample_rate", "daily_cap", "min_reviews", "pass_rate", "criteria"):
        with pytest.raises(Unreadable, match=rf"^review\.{field} is required$"):
            policy_from(changed(POLICY, **{f"review__{field}": None}))


@pytest.mark.parametrize("field", LEAST_MODEL)
def test_a_model_needs_its_first_four_fields(field: str) -> None:
    with pytest.raises(Unreadable, match=f"^{field} is required$"):
        model_from({**LEAST_MODEL, field: None})


@pytest.mark.parametrize("price", ["much", "-1", -0.01, "NaN", "sNaN", "Infinity", True, [], ""])
def test_what_is_no_price_is_refused(price: Any) -> None:
    with pytest.raises(Unreadable, match=r"^output_price must be a decimal number from 0$"):
        model_from(changed(MODEL, output_price=price))


def test_a_number_of_thousands_of_digits_is_refused_like_any_other() -> None:
    with pytest.raises(Unreadable, match=r"^output_price must be"):
        model_from({**LEAST_MODEL, "output_price": 10**5000})
    assert policy_from({**LEAST, "degraded_above": 10**5000}).degraded_above > 1  # for the refusals to see


def test_a_client_decides_alone_by_what_the_api_gave_it() -> None:
    premium = model_from(json.loads(MODEL))
    baseline = model_from(changed(MODEL, name="baseline-chat", billing_account="other"))
    models = {premium.name: premium, baseline.name: baseline}
    asked = Facts(primary="premium-chat", status="timeout", tier="pro", payload_class="chat")
    found = decide(asked, policy_from(json.loads(POLICY)), models, enabled=True)
    assert (found.action, found.fallback, found.message) == ("fallback", "baseline-chat", "A simpler model answers.")


MODULES = ("boundary", "policy", "verdict", "reasons", "decision", "refusals", "plaindata")


@pytest.mark.parametrize("module", MODULES)
def test_a_client_needs_the_standard_library_alone(module: str) -> None:
    """In a Python without any installed package and without settings."""
    project = Path(__file__).parents[2]
    code = f"import sys; sys.path.insert(0, {str(project)!r}); import fallbacks.{module}"
    subprocess.run([sys.executable, "-I", "-S", "-c", code], env={}, check=True)
