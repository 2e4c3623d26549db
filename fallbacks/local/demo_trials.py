"""How the demo's routes came to users: tried in staging, verified, reviewed, asked for, and approved by another.

All of it is done by the services that everybody uses, one step after the other, and moved back to when it would have
been (`demo_reviews` says how): three routes were enabled before the demo's week, and one waits for an approval.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fallbacks import enablement, partitions, recording, routes, verifications, versions
from fallbacks.local.demo_profiles import PROFILES
from fallbacks.local.demo_reviews import ENGINEER, PREFIX, REVIEWERS, Desk, came_when_they_occurred, person
from fallbacks.local.demo_texts import filled
from fallbacks.models import Enablement, RouteRequest, Verification
from fallbacks.rows import EventRow, SampleRow
from fallbacks.rulebook import changing
from fallbacks.versions import Stored

VERIFIED = timedelta(days=8, hours=4)
ENABLED = timedelta(days=8)
STAGING = "staging"


@dataclass(frozen=True, slots=True)
class Trial:
    """So many answers were tried in staging, the first and the last so long ago; then somebody asked, and why."""

    answers: int
    first: timedelta
    last: timedelta
    asked: timedelta
    why: str
    approved: bool = True


BEFORE: Any = {"first": timedelta(days=15), "last": timedelta(days=9), "asked": ENABLED + timedelta(hours=3)}
TRIALS: Mapping[str, Trial] = {
    "support-chat": Trial(40, **BEFORE, why="Overloads hit the help centre twice a week: a simpler answer beats none."),
    "batch-extraction": Trial(20, **BEFORE, why="A night without extraction delays the bookings by a day."),
    "image-understanding": Trial(24, **BEFORE, why="Sellers wait for descriptions whenever the large model times out."),
    "code-assistant": Trial(
        26,
        first=timedelta(days=6),
        last=timedelta(days=2),
        asked=timedelta(hours=5),
        why="strong-code was away twice this month; standard-code passes our tool tests.",
        approved=False,
    ),
}
# The audit log cannot be moved: there each step stands at the time of loading, beside pages that tell an earlier one.
SO_IT_IS = " (The demo: each step was logged when it was loaded.)"
BY = "the demo, as it was loaded"
APPROVAL = "I read the samples that failed: none would have harmed anybody. Enough for an outage."


def load(now: datetime) -> None:
    """Bring the routes of the demo's policies as far as they are. The policies are in force, and no event is there."""
    stored = {each.workload: each for each in versions.latest_of(TRIALS)}
    for each in stored.values():
        verify(each, now - VERIFIED)
    tried = [answer(stored[slug], trial, n, now) for slug, trial in TRIALS.items() for n in range(trial.answers)]
    partitions.ensure_known(recording.days_of(tried))
    recording.record(tried, [])
    came_when_they_occurred()
    people = [person(name) for name in REVIEWERS]
    for slug, trial in TRIALS.items():
        Desk(slug).work_through(people, now, now)
        ask(slug, trial, now)
        if trial.approved:
            approve(slug, stored[slug], now)


def verify(stored: Stored, at: datetime) -> None:
    """Take a passed verification of each payload class of the route."""
    policy = stored.policy
    pair = {"workload": policy.workload, "primary": policy.primary, "fallback": policy.fallback}
    for number, name in enumerate(sorted(policy.payload_classes)):
        details = "32 of 32 requests answered in the same shape"
        sent = {**pair, "payload_class": name, "passed": True, "details": details, "id": f"{PREFIX}{name}"}
        made, _ = verifications.receive(verifications.read(sent), BY)
        Verification.objects.filter(id=made.id).update(received_at=at + number * timedelta(minutes=7))


def answer(stored: Stored, trial: Trial, number: int, now: datetime) -> EventRow:
    """Return one answer of the trial, with its texts: there is nothing in them that would be masked."""
    (profile,) = (each for each in PROFILES if each.workload == stored.workload)
    id_ = f"{PREFIX}trial-{stored.workload}-{number:02}"
    dice = random.Random(id_)  # noqa: S311  a demo, not a secret
    texts: Any = filled(stored.workload, id_)
    step = (trial.first - trial.last) / trial.answers
    at = (now - trial.first + number * step).astimezone(UTC).replace(microsecond=0)
    (fault,) = dice.choices([each for each in profile.faults if not each.error_code], k=1)
    return EventRow(
        workload=stored.workload,
        occurred_at=at,
        id=id_,
        received_at=at,
        environment=STAGING,
        primary=profile.primary,
        fallback=profile.fallback,
        status=str(fault.status),
        reason=fault.reason,
        outcome="served",
        attempts=2,
        user_notified=True,
        payload_class=dice.choice(sorted(profile.payload_classes)),
        sample=SampleRow(**texts),
    )


def ask(workload: str, trial: Trial, now: datetime) -> None:
    """Let the engineer ask for the route."""
    made = enablement.request(workload, person(ENGINEER), trial.why + SO_IT_IS)
    RouteRequest.objects.filter(id=made.id).update(asked_at=now - trial.asked)


def approve(workload: str, stored: Stored, now: datetime) -> None:
    """Let a reviewer approve what was asked for, with what there is to be seen."""
    at = routes.standing(workload)
    assert at is not None
    made = enablement.approve(workload, person(REVIEWERS[0]), at.seen, APPROVAL + SO_IT_IS)
    since = now - ENABLED
    ends: Any = since + timedelta(days=stored.policy.review.enabled_for_days)
    # Events are judged by it. The approval first: the database refuses a span that begins before it.
    with changing():
        RouteRequest.objects.filter(enablement=made).update(decided_at=since)
        Enablement.objects.filter(id=made.id).update(since=since, expires_at=ends)
