"""The versions of policies, as they are stored: read here, written by `policies`."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from fallbacks.models import PolicyVersion
from fallbacks.plaindata import policy_from
from fallbacks.policy import Policy


@dataclass(frozen=True, slots=True)
class Stored:
    """One version of a workload's policy: in force from `since`, made by a key, a person or manage.py."""

    workload_id: int
    workload: str
    version: int
    since: datetime
    made_by: str
    policy: Policy


def latest(workload: str) -> Stored | None:
    """Return the newest version of the workload's policy. One query."""
    rows = PolicyVersion.objects.filter(workload__slug=workload).order_by("-version")
    return next(iter(_stored(rows.select_related("workload")[:1])), None)


def latest_of(workloads: Collection[str] | None = None, after: str = "", limit: int | None = None) -> list[Stored]:
    """Return the newest version of each workload that has a policy, by name: of `workloads` (None: of all), of those
    that come after `after`, and no more than `limit`. One query."""
    rows = PolicyVersion.objects.filter(workload__slug__gt=after).order_by("workload__slug", "-version")
    if workloads is not None:
        rows = rows.filter(workload__slug__in=workloads)
    return _stored(rows.distinct("workload__slug").select_related("workload")[:limit])


def history(workload: str) -> list[Stored]:
    """Return all versions of the workload's policy, newest first. One query."""
    rows = PolicyVersion.objects.filter(workload__slug=workload).order_by("-version")
    return _stored(rows.select_related("workload"))


# A route is the pair and the payload classes, and what its models are: lists are stored sorted, so that equal ones are
# equal JSON.
ROUTES_SINCE = """
SELECT turns.workload_id, greatest(max(turns.since), max(m.reshaped_at)) FROM (
  SELECT workload_id, since,
         lag(route) OVER (PARTITION BY workload_id ORDER BY version) IS DISTINCT FROM route AS is_another
  FROM (
    SELECT workload_id, version, since,
           jsonb_build_array(body->'primary', body->'fallback', body->'payload_classes') AS route
    FROM policy_version WHERE workload_id = ANY(%s::bigint[])
  ) routes
) turns
JOIN unnest(%s::bigint[], %s::text[], %s::text[]) AS pair (workload_id, "primary", fallback) USING (workload_id)
LEFT JOIN model m ON m.name IN (pair."primary", pair.fallback)
WHERE turns.is_another GROUP BY turns.workload_id
"""


def routes_since(policies: Sequence[Stored]) -> dict[int, datetime]:
    """Return by number of the workload since when its route is what it is, its models included. One query.

    `policies` are the newest ones.
    """
    routes = [(each.workload_id, each.policy.primary, each.policy.fallback) for each in policies]
    numbers, primaries, fallbacks = (list(column) for column in zip(*routes, strict=True)) if routes else ([], [], [])
    with connection.cursor() as cursor:
        cursor.execute(ROUTES_SINCE, [numbers, numbers, primaries, fallbacks])
        return dict(cursor.fetchall())


def _stored(rows: Iterable[PolicyVersion]) -> list[Stored]:
    return [
        Stored(row.workload_id, row.workload.slug, row.version, row.since, row.made_by, policy_from(row.body))
        for row in rows
    ]
