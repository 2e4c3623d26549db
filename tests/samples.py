"""Plain functions that make samples and their reviews, with the times that a test wants them to have."""

import itertools
from datetime import timedelta
from typing import Any

from fallbacks.models import Review, Sample, User, Workload
from tests.make import NOON

_numbers = itertools.count()


def sample(workload: str = "support-chat", **over: Any) -> Sample:
    """A sample that waits; with `passed` it was settled, an hour after it was sampled unless `scored_at` says when."""
    fields: dict[str, Any] = {
        "workload": Workload.objects.get_or_create(slug=workload)[0],
        "occurred_at": NOON,
        "event": f"event-of-sample-{next(_numbers)}",
        "environment": "production",
        "primary": "premium-chat",
        "fallback": "baseline-chat",
        "error_class": "overloaded",
        "policy_version": 1,
        "reason": "share",
        "input": "Where is my parcel?",
        "output": "On its way.",
        "criteria": ["correct", "tone"],
        "sampled_at": NOON,
    } | over
    fields.setdefault("due_at", fields["sampled_at"] + timedelta(hours=72))
    if fields.get("passed") is not None:
        fields.setdefault("scored_at", fields["sampled_at"] + timedelta(hours=1))
    return Sample.objects.create(**fields)


def review(of: Sample, by: User, passed: bool = True, **over: Any) -> Review:
    """What somebody says of a sample: of all its criteria what they say of the whole, unless `marks` tells."""
    fields: dict[str, Any] = {
        "sample": of,
        "reviewer": by,
        "passed": passed,
        "marks": dict.fromkeys(of.criteria, "pass" if passed else "fail"),
        "at": of.scored_at or of.sampled_at,
    }
    return Review.objects.create(**fields | over)


def reviewer(name: str) -> User:
    return User.objects.get_or_create(username=name)[0]
