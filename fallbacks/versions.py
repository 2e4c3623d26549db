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


@dataclass(frozen=True, slots=True)
class Route:
    """The pair of a workload's policy, and since when the route is what it is, its models included."""

    primary: str
    fallback: str | None
    since: datetime


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
# equal JSON. One row a workload, for other statements to join.
ROUTES = """
SELECT pair.workload_id, pair."primary", pair.fallback, greatest(pair.since, max(m.reshaped_at)) AS since FROM (
  SELECT DISTINCT ON (workload_id)
         workload_id, since, body->>'primary' AS "primary", body->>'fallback' AS fallback
  FROM (
    SELECT workload_id, version, since, body,
           lag(route) OVER (PARTITION BY workload_id ORDER BY version) IS DISTINCT FROM route AS is_another
    FROM (
      SELECT workload_id, version, since, body,
             jsonb_build_array(body->'primary', body->'fallback', body->'payload_classes') AS route
      FROM policy_version
    ) routes
  ) turns
  WHERE is_another ORDER BY workload_id, version DESC
) pair LEFT JOIN model m ON m.name IN (pair."primary", pair.fallback)
GROUP BY pair.workload_id, pair."primary", pair.fallback, pair.since
"""

ROUTES_OF = "SELECT * FROM ({routes}) route WHERE workload_id = ANY(%s::bigint[])"


def routes_since(policies: Sequence[Stored]) -> dict[int, datetime]:
    """Return by number of the workload since when its route is what it is, its models included. One query.

    `policies` are the newest ones.
    """
    found = routes(each.workload_id for each in policies)
    return {number: route.since for number, route in found.items()}


def routes(workloads: Iterable[int]) -> dict[int, Route]:
    """Return by number of the workload its route as it is; one without a policy is left out. One query."""
    with connection.cursor() as cursor:
        cursor.execute(ROUTES_OF.format(routes=ROUTES), [list(workloads)])
        return {number: Route(*fields) for number, *fields in cursor.fetchall()}


def _stored(rows: Iterable[PolicyVersion]) -> list[Stored]:
    return [
        Stored(row.workload_id, row.workload.slug, row.version, row.since, row.made_by, policy_from(row.body))
        for row in rows
    ]
