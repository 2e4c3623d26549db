"""A route's way to users: proposed, verified, enabled. What changes the route sends it back to the start."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal

from django.db.models import Q

from fallbacks import verifications, versions
from fallbacks.models import Enablement
from fallbacks.policy import Model, Policy
from fallbacks.reading import Refused
from fallbacks.refusals import Problem
from fallbacks.rulebook import changing
from fallbacks.verifications import Evidence
from fallbacks.versions import Stored

RouteState = Literal["proposed", "verified", "enabled"]


def route_state(workload: str) -> RouteState:
    """Return how far the route of the workload's policy has come; a workload without one has proposed nothing yet."""
    stored = versions.latest(workload)
    return states([stored])[stored.workload_id] if stored else "proposed"


def states(
    policies: Sequence[Stored], evidence: Mapping[int, Sequence[Evidence]] | None = None
) -> dict[int, RouteState]:
    """Return by number of the workload how far its route has come. Four queries, however many policies; one, where
    the caller has asked for the evidence before.

    `verified`: each payload class of the policy has a verification that counts. `enabled`: users may get it.
    """
    evidence = verifications.evidence(policies) if evidence is None else evidence
    # Last: where the policy was read before a change and this after it, the change has closed what was open.
    open_now = set(
        Enablement.objects.filter(until=None, workload__in=[stored.workload_id for stored in policies]).values_list(
            "workload_id", "primary", "fallback"
        )
    )
    found: dict[int, RouteState] = {}
    for stored in policies:
        number, known = stored.workload_id, evidence[stored.workload_id]
        if (number, stored.policy.primary, stored.policy.fallback) in open_now:
            found[number] = "enabled"
        else:
            found[number] = "verified" if known and all(each.counts for each in known) else "proposed"
    return found


def is_rerouted(before: Policy, after: Policy) -> bool:
    """Tell whether a new version has another pair or other payload classes: what was verified is of another route."""
    return (before.primary, before.fallback, before.payload_classes) != (
        after.primary,
        after.fallback,
        after.payload_classes,
    )


def is_reshaped(before: Model, after: Model) -> bool:
    """Tell whether a model changed in what a route is verified and approved by."""
    return (before.family, before.request_shapes, before.data_region, before.billing_account) != (
        after.family,
        after.request_shapes,
        after.data_region,
        after.billing_account,
    )


def close_of_workload(workload: str, moment: datetime) -> bool:
    """End the workload's enablement at `moment`, within `rulebook.changing`; tell whether there was one."""
    return _close(Q(workload__slug=workload), moment) != []


def close_of_model(name: str, moment: datetime) -> list[str]:
    """End all enablements with this model in their pair, within `rulebook.changing`; return their workloads."""
    return _close(Q(primary=name) | Q(fallback=name), moment)


def _close(which: Q, moment: datetime) -> list[str]:
    still_open = Enablement.objects.filter(which, until=None)
    workloads = sorted(still_open.values_list("workload__slug", flat=True))
    still_open.update(until=moment)
    return workloads


def enable(workload: str, by: str, since: datetime | None = None) -> None:
    """Enable the route of the workload's policy for users, from now on or, in the demo, since an earlier time.

    For the demo and the tests alone: nothing asks here for reviews, nor for the approval of a second person, which a
    route of real users needs. Raises Refused where the route is not verified; one that is enabled stays as it is.
    """
    with changing() as moment:
        stored = versions.latest(workload)
        state = states([stored])[stored.workload_id] if stored else "proposed"
        if stored is None or stored.policy.fallback is None or state == "proposed":
            raise Refused([Problem("workload", f"The route of {workload} is not verified: send verifications first.")])
        if state != "enabled":
            Enablement.objects.create(
                workload_id=stored.workload_id,
                primary=stored.policy.primary,
                fallback=stored.policy.fallback,
                since=since or moment,
                approved_by=by,
            )


def close(workload: str) -> bool:
    """Take the workload's route from users, from now on; tell whether it was enabled."""
    with changing() as moment:
        return close_of_workload(workload, moment)
