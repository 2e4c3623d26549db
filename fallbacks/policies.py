"""Policies: each workload's own, in versions. A new one is in force from the moment at which it is put."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from fallbacks import audit, canonical, catalogue, enablement, versions
from fallbacks.canonical import Difference
from fallbacks.drafts import policy_draft, refuse_unfit
from fallbacks.models import PolicyVersion, Workload
from fallbacks.policy import Policy
from fallbacks.reading import is_storable
from fallbacks.rulebook import changing
from fallbacks.versions import Stored


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """What a PUT did to a policy. `closed` tells that its route is not enabled any more because of it."""

    before: Stored | None
    after: Stored
    closed: bool = False

    @property
    def differences(self) -> list[Difference]:
        return difference(self.before.policy if self.before else None, self.after.policy)


Check = Callable[[Stored | None], None]


def difference(before: Policy | None, after: Policy) -> list[Difference]:
    """Return the fields in which two versions differ; all of them where there was none before."""
    return canonical.differences(canonical.policy_json(before) if before else {}, canonical.policy_json(after))


def put(workload: str, data: Mapping[str, Any], by: str, check: Check = lambda _: None) -> PolicyChange:
    """Put a workload's policy: a new version, in force from now on, unless nothing changed.

    `check` is given what is there, with the lock held, and may raise. Raises Refused where the policy cannot be used.
    """
    draft = policy_draft(data, workload, catalogue.models(), in_force(workload))
    with changing_policies_of([workload]) as moment:
        before = versions.latest(workload)
        check(before)
        # Again, for the catalogue and the policy may have changed before there was the lock.
        if before is None or draft != before.policy:
            refuse_unfit(draft, catalogue.models())
        return store(draft, by, moment)


def in_force(workload: str) -> Policy | None:
    """Return the policy that is in force; None where there is none, or the name is none that could be kept."""
    stored = versions.latest(workload) if is_storable(workload) else None
    return stored.policy if stored else None


@contextlib.contextmanager
def changing_policies_of(workloads: Iterable[str]) -> Iterator[datetime]:
    """Change policies of these workloads within `rulebook.changing`. Where a workload has no row yet, one is made.

    As the recorder does it: rows of workloads first, in their order, and then the lock. With the lock held already,
    who makes a row could wait for a recorder that waits for the lock.
    """
    with transaction.atomic():
        for slug in sorted(workloads):
            Workload.objects.get_or_create(slug=slug)
        with changing() as moment:
            yield moment


def store(policy: Policy, by: str, moment: datetime, since: datetime | None = None) -> PolicyChange:
    """Store a policy, in force from `moment` or, in the demo, since an earlier time.

    Within `changing_policies_of` its workload. Where nothing differs, nothing changes.
    """
    before = versions.latest(policy.workload)
    if before is not None and before.policy == policy:
        return PolicyChange(before, before)
    closed: list[str] = []
    if before is not None and enablement.is_rerouted(before.policy, policy):
        what = enablement.told(difference(before.policy, policy), enablement.ROUTE)
        closed = enablement.send_back([before], moment, by, f"the policy changed: {what}")
    row = PolicyVersion.objects.create(
        workload=Workload.objects.get(slug=policy.workload),
        version=before.version + 1 if before else 1,
        # Not before the last one, should the database's clock have been set back.
        since=max(since or moment, before.since) if before else since or moment,
        body=canonical.policy_json(policy),
        made_by=by,
    )
    after = Stored(row.workload_id, policy.workload, row.version, row.since, by, policy)
    change = PolicyChange(before, after, bool(closed))
    audit.append("policy put", by, policy.workload, f"version {row.version}", changed=change.differences)
    return change
