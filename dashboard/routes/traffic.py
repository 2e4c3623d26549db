"""What a workload's traffic says of its route: how often its primary is missed, what broke policy, what answers cost.

One query, over rollups alone.
"""

from dataclasses import dataclass
from decimal import Decimal

from django.db import connection
from psycopg import sql

from dashboard.queries import CELL, Scope, cells
from fallbacks.policy import BOUNDARIES
from fallbacks.rates import Counts
from fallbacks.rollups import BREAKDOWNS, TABLES
from fallbacks.timebuckets import Window
from fallbacks.verdict import RULES, mask

OF_BREAKDOWNS = ("rules", "events", "priced", "cost_usd", "primary_cost_usd")
FOUND = """
SELECT r.*, b.* FROM (
  SELECT sum(requests)::bigint, coalesce(sum(served), 0)::bigint, coalesce(sum(failed), 0)::bigint,
         coalesce(sum(blocked), 0)::bigint
  FROM ({counts}) counted
) r, (
  SELECT coalesce(sum(events) FILTER (WHERE rules & {any} <> 0), 0)::bigint,
         coalesce(sum(events) FILTER (WHERE rules & {crossing} <> 0), 0)::bigint,
         coalesce(sum(priced), 0)::bigint, coalesce(sum(cost_usd), 0), coalesce(sum(primary_cost_usd), 0)
  FROM ({kinds}) broken_down
) b
"""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Counts of a window. `crossed` are events that crossed a boundary which policy does not permit to cross."""

    counts: Counts
    violations: int
    crossed: int
    priced: int
    cost_usd: Decimal
    primary_cost_usd: Decimal

    @property
    def cost(self) -> Decimal | None:
        """What an answer by the fallback cost on average."""
        return self.cost_usd / self.priced if self.priced else None

    @property
    def primary_cost(self) -> Decimal | None:
        """What the primary would have asked for the same answer."""
        return self.primary_cost_usd / self.priced if self.priced else None


def traffic(workload: str, environment: str, window: Window) -> Traffic:
    """Return what was counted of a workload in an environment."""
    scope = Scope([workload], environment)
    query = sql.SQL(FOUND).format(
        counts=cells(TABLES, CELL, window, "day", scope),
        kinds=cells(BREAKDOWNS, OF_BREAKDOWNS, window, "day", scope),
        any=sql.Literal(mask(RULES)),
        crossing=sql.Literal(mask(BOUNDARIES)),
    )
    with connection.cursor() as cursor:
        cursor.execute(query)
        requests, served, failed, blocked, *rest = cursor.fetchone()
    return Traffic(Counts(requests, served, failed, blocked), *rest)
