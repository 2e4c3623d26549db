"""A policy, its two models and an answer that it allows; a test changes what it wants to be special."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from fallbacks.policy import Model, Policy, Review
from fallbacks.verdict import Facts

PREMIUM = Model(
    name="premium-chat",
    provider="halcyon",
    family="messages",
    request_shapes=frozenset({"chat", "chat-tools"}),
    features=frozenset({"citations", "prompt_cache"}),
    data_region="eu",
    billing_account="chat",
)
BASELINE = replace(PREMIUM, name="baseline-chat", features=frozenset({"prompt_cache"}))
REVIEW = Review(sample_rate=0.05, daily_cap=40, min_reviews=50, pass_rate=0.95, criteria=("correct", "tone"))
POLICY = Policy(
    workload="support-chat",
    owner="chat team",
    user_visible=True,
    primary="premium-chat",
    fallback="baseline-chat",
    triggers=frozenset({"server_error", "timeout", "unavailable", "overloaded"}),
    notice="paid",
    message="A simpler model answers for the moment.",
    paid_tiers=frozenset({"pro"}),
    payload_classes=frozenset({"chat"}),
    review=REVIEW,
)
# An answer by the fallback to a user of a paid tier, who was told.
SERVED = Facts(
    primary="premium-chat",
    fallback="baseline-chat",
    status="529",
    user_notified=True,
    tier="pro",
    payload_class="chat",
)


def catalogue(*models: Model, **over: Any) -> Mapping[str, Model]:
    """The two models and `models`; `over` changes the fallback."""
    return {model.name: model for model in (PREMIUM, replace(BASELINE, **over), *models)}


def policy(**over: Any) -> Policy:
    return replace(POLICY, **over)


def served(**over: Any) -> Facts:
    return replace(SERVED, **over)
