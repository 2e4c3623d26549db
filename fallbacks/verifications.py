"""Verifications: what somebody's integration test said of a route, and whether that still counts."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.db import transaction
from django.utils import timezone

from fallbacks import audit, forms
from fallbacks.models import Verification
from fallbacks.reading import Refused, storable
from fallbacks.refusals import Problem
from fallbacks.versions import Stored, latest

# A test says what was so when it ran: providers change their models.
GOOD_FOR = timedelta(days=30)


class Report(msgspec.Struct, forbid_unknown_fields=True, frozen=True, gc=False):
    """One run of a test, as it is sent. `id` is the sender's own of the run."""

    workload: forms.Slug
    primary: forms.ModelName
    fallback: forms.ModelName
    payload_class: forms.Slug
    passed: bool
    details: forms.Details | None = None
    id: forms.Identifier | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """The newest verification of one payload class of a route, and whether it counts.

    One that counts passed, is at most 30 days old, and is of the route as it is now.
    """

    payload_class: str
    newest: Verification | None
    counts: bool

    def age(self, now: datetime) -> timedelta | None:
        """Return how long ago it came; None where nothing did."""
        return None if self.newest is None else now - self.newest.received_at


def read(sent: Mapping[str, Any]) -> Report:
    """Return the report that was sent, from JSON. Raises Refused with all that is wrong with its fields."""
    report = forms.read(sent, Report)
    # As in an event: one bad byte must not cost a report.
    name = report.id and storable(report.id)
    if name is not None and not name.isprintable():
        raise Refused([forms.must_be("id")])
    return msgspec.structs.replace(report, id=name)


def receive(report: Report, by: str) -> tuple[Verification, bool]:
    """Store a report, and tell whether it is new: the same id of a workload counts once, as it was sent first.

    Raises Refused where it is not of the pair and of a payload class of the workload's policy.
    """
    if report.id is not None:
        found = Verification.objects.filter(workload__slug=report.workload, name=report.id).first()
        if found is not None:
            return found, False
    policy = latest(report.workload)
    if problems := list(_misfits(report, policy)):
        raise Refused(problems)
    assert policy is not None  # noqa: S101  or there was a problem
    route = {name: getattr(report, name) for name in ("primary", "fallback", "payload_class", "passed")}
    with transaction.atomic():
        made, is_new = Verification.objects.get_or_create(
            workload_id=policy.workload_id,
            name=report.id or uuid.uuid4().hex,
            defaults={**route, "details": storable(report.details or ""), "sent_by": by},
        )
        if is_new:
            audit.append("verification received", by, report.workload, made.name, **route)
    return made, is_new


def _misfits(report: Report, stored: Stored | None) -> Iterable[Problem]:
    if stored is None:
        yield Problem("workload", f"{report.workload} has no policy: there is no route to verify.")
        return
    policy = stored.policy
    if report.primary != policy.primary:
        yield Problem("primary", f"The policy's primary is {policy.primary}.")
    if policy.fallback is None:
        yield Problem("fallback", "The policy has no fallback: there is no route to verify.")
    elif report.fallback != policy.fallback:
        yield Problem("fallback", f"The policy's fallback is {policy.fallback}.")
    if report.payload_class not in policy.payload_classes:
        classes = ", ".join(sorted(policy.payload_classes))
        yield Problem("payload_class", f"The policy's payload classes are {classes}.")


def evidence(policies: Sequence[Stored], since: Mapping[int, datetime]) -> dict[int, list[Evidence]]:
    """Return by number of the workload what is known of each payload class of its route, in the order of their names.

    `since` is from `versions.routes_since`. Nothing where the policy has no fallback. One query, however many policies.
    """
    newest = _newest([policy.workload_id for policy in policies])
    oldest = timezone.now() - GOOD_FOR
    found: dict[int, list[Evidence]] = {}
    for stored in policies:
        policy, number = stored.policy, stored.workload_id
        from_when = max(since[number], oldest)
        found[number] = [
            Evidence(name, row, row is not None and row.passed and row.received_at >= from_when)
            for name in (sorted(policy.payload_classes) if policy.fallback else ())
            for row in [newest.get((number, policy.primary, policy.fallback, name))]
        ]
    return found


Key = tuple[int, str, str | None, str]


def _newest(workload_ids: Sequence[int]) -> Mapping[Key, Verification]:
    key = ("workload_id", "primary", "fallback", "payload_class")
    rows: Any = Verification.objects.filter(workload_id__in=workload_ids)
    return {
        (row.workload_id, row.primary, row.fallback, row.payload_class): row
        for row in rows.order_by(*key, "-received_at", "-id").distinct(*key)
    }
