"""Samples as they come in: recorded with their texts, under a policy that asks for them."""

from typing import Any

from django.contrib.auth.models import Group
from django.utils import timezone

from fallbacks import versions
from fallbacks.models import Sample, User
from fallbacks.recording import record
from fallbacks.rows import EventRow, SampleRow
from tests import make
from tests.policy import stored
from tests.policy.policies import REVIEW

INPUT = "I was charged twice. Can I get one of the payments back?"
FALLBACK = "Sorry for that. Both payments are sent back today."
PRIMARY = "Sorry for that. One of the two payments is sent back within 5 days."
CRITERIA = ["correct", "tone"]


def policy(**review: Any) -> None:
    """Put the policy of support-chat: so much of it is sampled, and reviewed so."""
    stored.put_support(review=REVIEW | {"sample_rate": 1, "daily_cap": 10_000, "criteria": CRITERIA} | review)


def answer(**over: Any) -> EventRow:
    """An answer by the fallback with its texts: `input`, `output`, `primary_output` and `masked` are the sample's."""
    texts: dict[str, Any] = {"input": INPUT, "output": FALLBACK, "primary_output": PRIMARY, "masked": {}}
    texts |= {name: over.pop(name) for name in list(over) if name in texts}
    kept: dict[str, Any] = {
        "occurred_at": timezone.now(),
        "user_notified": True,
        "tier": "free",
        "payload_class": "chat",
    }
    return make.event(**kept | over, sample=SampleRow(**texts))


def sampled(count: int = 1, **over: Any) -> list[Sample]:
    """Record so many answers, all of them sampled; return their samples in the order in which they were picked.

    Without a policy nothing is sampled: one is put where there is none.
    """
    if versions.latest("support-chat") is None:
        policy()
    before = Sample.objects.count()
    record([answer(**over) for _ in range(count)])
    found = list(Sample.objects.order_by("id"))[before:]
    assert len(found) == count
    return found


def reviewer(name: str, *roles: str) -> User:
    """Somebody who may review."""
    user = User.objects.create_user(name, password="not asked for here")
    user.groups.set([Group.objects.get_or_create(name=role)[0] for role in roles or ("reviewer",)])
    return user
