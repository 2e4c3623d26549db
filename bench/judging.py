"""Row 5b: what judging takes of the time in which events are recorded, by policies of several versions."""

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from django.utils import timezone

from bench import samples, stack
from bench.figures import Figure
from bench.rig import Rig
from bench.sizes import Sizes
from fallbacks import partitions, recording, rulebook
from fallbacks.models import CatalogueModel, PolicyVersion, Workload
from fallbacks.rows import EventRow
from tests.policy import on_the_way as way
from tests.policy.policies import MODELS, policy

BATCH = 5_000
TIERS = (None, "free", "pro", "enterprise")


def measure(rig: Rig, sizes: Sizes) -> list[Figure]:
    figure = Figure("5b", "judging / recording, of its time", 0.15, 0.05, "less")
    stack.empty()
    CatalogueModel.objects.all().delete()
    write_policies(datetime.now(UTC))
    partitions.ensure_around(timezone.now())
    spent = 0.0
    assessed = recording.assessed

    def timed(events: Any) -> Any:
        nonlocal spent
        started = time.perf_counter()
        found = assessed(events)
        spent += time.perf_counter() - started
        return found

    recording.assessed = timed
    try:
        for _ in range(sizes.rounds):
            spent, whole = 0.0, 0.0
            for rows in batches(sizes.judged // sizes.rounds):
                started = time.perf_counter()
                recording.record(rows)
                whole += time.perf_counter() - started
            figure.runs.append(spent / whole)
    finally:
        recording.assessed = assessed
    figure.detail = {"events": sizes.judged, "µs an event": whole / (sizes.judged // sizes.rounds) * 1e6}
    stack.empty()
    return [figure]


def write_policies(now: datetime) -> None:
    """Give each workload two versions, of which the second is in force for the last five minutes, and enable it."""
    with rulebook.changing():
        for name in ("premium-chat", "baseline-chat"):
            given = {key: value for key, value in MODELS[name].items() if key != "name"}
            CatalogueModel.objects.create(name=name, updated_by="bench", **given)
        for slug in samples.WORKLOADS:
            workload = Workload.objects.create(slug=slug)
            for version, since in ((1, now - timedelta(days=1)), (2, now - timedelta(minutes=5))):
                body = policy(slug, "premium-chat", "baseline-chat", triggers=["overloaded", "timeout"][:version])
                PolicyVersion.objects.create(
                    workload=workload, version=version, since=since, body=body, made_by="bench"
                )
            way.enable(slug, since=now - timedelta(days=1))


def batches(events: int) -> Iterator[list[EventRow]]:
    """Yield events as the drain has them, of many tiers and tries: alike enough to be real, and not all the same."""
    dice = random.Random(events)  # noqa: S311  events, not secrets
    for _ in range(events // BATCH):
        sent = [samples.event(dice, samples.WORKLOADS, timedelta(minutes=10)) for _ in range(BATCH)]
        yield [
            msgspec.convert(
                {
                    **event,
                    "status": str(event["status"]),
                    "environment": "production",
                    "outcome": "served",
                    "received_at": event["occurred_at"],
                    "attempts": dice.randint(1, 3),
                    "tier": dice.choice(TIERS),
                    "user_notified": dice.choice((True, False, None)),
                    "payload_class": "chat",
                },
                Row,
            ).row()
            for event in sent
        ]


class Row(msgspec.Struct):
    """An event as it is sent, to be read from an object: rows are arrays."""

    workload: str
    occurred_at: datetime
    id: str
    received_at: datetime
    environment: str
    primary: str
    fallback: str
    status: str
    reason: str
    outcome: str
    attempts: int
    tier: str | None
    user_notified: bool | None
    payload_class: str

    def row(self) -> EventRow:
        return EventRow(**msgspec.structs.asdict(self))
