"""A route on its way to users: people of each role, samples that were scored, and the steps up to one."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.contrib.auth.models import Group
from django.db import connection

from fallbacks import enablement, routes
from fallbacks.models import Enablement, Review, RouteRequest, Sample, User, Workload
from fallbacks.routes import Standing
from fallbacks.rulebook import changing
from tests.policy.policies import DEMO
from tests.policy.stored import put_support, verify

SUPPORT = DEMO[0]
REVIEW = SUPPORT["review"] | {"min_reviews": 10, "pass_rate": 0.9, "criteria": ["correct", "tone"]}
# Marks by how a sample was scored.
MARKS = {True: {"correct": "pass", "tone": "pass"}, False: {"correct": "fail", "tone": "na"}}


def somebody(name: str, *roles: str) -> User:
    """A person of these roles."""
    user, is_new = User.objects.get_or_create(username=name)
    if is_new:
        user.groups.set([Group.objects.get_or_create(name=role)[0] for role in roles])
    return user


def ines() -> User:
    return somebody("ines", "engineer")


def dana() -> User:
    return somebody("dana", "reviewer")


def put_route(**change: Any) -> None:
    """Put support-chat's policy, which asks for 10 samples of which 9 have passed."""
    put_support(**{"review": REVIEW, **change})


def samples(good: int, failed: int = 0, by: User | None = None, **over: Any) -> list[Sample]:
    """Store samples of support-chat's route that were scored just now, those that failed last."""
    made = []
    for index in range(good + failed):
        now, passed = datetime.now(UTC), index < good
        fields: dict[str, Any] = {
            "workload": Workload.objects.get(slug="support-chat"),
            "occurred_at": now,
            "event": f"event-{now.timestamp()}-{index}",
            "environment": "staging",
            "primary": "premium-chat",
            "fallback": "baseline-chat",
            "error_class": "overloaded",
            "policy_version": 1,
            "reason": "first",
            "output": "a text that nobody but reviewers sees",
            "criteria": ["correct", "tone"],
            "sampled_at": now,
            "due_at": now + timedelta(days=3),
            "scored_at": now,
            "passed": passed,
        }
        made.append(Sample.objects.create(**{**fields, **over}))
        Review.objects.create(sample=made[-1], reviewer=by or dana(), marks=MARKS[passed], passed=passed)
    return made


def ready(**change: Any) -> None:
    """Bring support-chat's route to where a request is all that is missing."""
    put_route(**change)
    verify()
    samples(10)


def asked(**change: Any) -> None:
    """Bring it to where an approval is missing: Ines has asked."""
    ready(**change)
    enablement.request("support-chat", ines(), "the primary was away twice this month")


def enabled(**change: Any) -> Enablement:
    """Bring it to users, approved by Dana."""
    asked(**change)
    return enablement.approve("support-chat", dana(), standing().seen, "the samples are good")


def enable(
    workload: str = "support-chat",
    primary: str = "premium-chat",
    fallback: str = "baseline-chat",
    since: datetime | None = None,
    by: str = "dana",
    **over: Any,
) -> Enablement:
    """Give a route to users from now on, or since then, for tests of what comes after.

    Ines asked and somebody else approved, as the database wants it; on what evidence, nobody asks here.
    """
    with changing() as moment:
        at = since or moment
        of: dict[str, Any] = {
            "workload": Workload.objects.get(slug=workload),
            "primary": primary,
            "fallback": fallback,
        }
        approved = RouteRequest.objects.create(
            **of,
            state=RouteRequest.State.APPROVED,
            asked_by=ines(),
            asked_at=at,
            decided_by=somebody(by, "reviewer"),
            decided_at=at,
        )
        return Enablement.objects.create(**of, since=at, approved_by=by, request=approved, **over)


def enabled_unasked() -> Enablement:
    """A row of before migration 0012: the route came to users, and nobody had to ask."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE enablement DISABLE TRIGGER enablement_made")
        try:
            with changing() as moment:
                return Enablement.objects.create(
                    workload=Workload.objects.get(slug="support-chat"),
                    primary="premium-chat",
                    fallback="baseline-chat",
                    since=moment,
                    approved_by="dana",
                )
        finally:
            cursor.execute("ALTER TABLE enablement ENABLE ALWAYS TRIGGER enablement_made")


def standing() -> Standing:
    found = routes.standing("support-chat")
    assert found is not None
    return found


def state() -> str:
    return routes.route_state("support-chat")
