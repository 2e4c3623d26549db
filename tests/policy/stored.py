"""Models, policies and verifications in the database, put there as the product does it."""

from datetime import datetime
from typing import Any

from fallbacks import catalogue, policies, verifications
from fallbacks.drafts import model_draft
from fallbacks.models import Enablement, Verification
from fallbacks.policies import PolicyChange
from fallbacks.rulebook import changing
from fallbacks.verifications import Report
from tests.policy.policies import DEMO, MODELS

SUPPORT = DEMO[0]


def put_models(*names: str) -> None:
    """Put the catalogue, or some of it."""
    with changing() as moment:
        for name in names or MODELS:
            catalogue.store(model_draft(MODELS[name], name), "tests", moment)


def put_support(**change: Any) -> PolicyChange:
    """Put the policy of support-chat, with its two models if they are not there."""
    put_models("premium-chat", "baseline-chat")
    return policies.put("support-chat", SUPPORT | change, "tests")


def report(payload_class: str = "chat", **over: Any) -> Report:
    """A report of support-chat's route that passed."""
    fields: dict[str, Any] = {
        "workload": "support-chat",
        "primary": "premium-chat",
        "fallback": "baseline-chat",
        "payload_class": payload_class,
        "passed": True,
    }
    return Report(**{**fields, **over})


def verify(*classes: str, at: datetime | None = None, **over: Any) -> None:
    """Send reports of these payload classes, of both of support-chat's where none is named, received at `at`."""
    for name in classes or ("chat", "chat-tools"):
        stored, _ = verifications.receive(report(name, **over), "key tests")
        if at is not None:
            Verification.objects.filter(id=stored.id).update(received_at=at)


def close(workload: str = "support-chat") -> None:
    """Take a route from users, without a word of why."""
    with changing() as moment:
        Enablement.objects.filter(workload__slug=workload, until=None).update(until=moment)
