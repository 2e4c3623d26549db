"""What the events of one kind add up to: how many there are, what they cost, and how long they took."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from fallbacks.judging import Judged
from fallbacks.latencies import bin_of, packed
from fallbacks.pricing import Costs, lost_tokens
from fallbacks.rows import EventRow

NOTHING = Decimal()


class Assessed(NamedTuple):
    """An event, what it was judged to be, and what it cost."""

    row: EventRow
    verdict: Judged
    costs: Costs


@dataclass(slots=True)
class Measures:
    """Sums over events: the columns of a breakdown, by their names.

    `notices_due` counts answers of which users had to be told, `priced` those whose costs are summed up, and
    `cached_tokens_lost` input tokens that the primary had cached. Latencies are histograms, counts by bin.
    """

    events: int = 0
    notices_due: int = 0
    priced: int = 0
    cost_usd: Decimal = NOTHING
    primary_cost_usd: Decimal = NOTHING
    cached_tokens_lost: int = 0
    cache_loss_usd: Decimal = NOTHING
    primary_ms: dict[int, int] = field(default_factory=dict)
    fallback_ms: dict[int, int] = field(default_factory=dict)

    def count(self, event: Assessed) -> None:
        """Add one event."""
        row, verdict, costs = event
        self.events += 1
        if verdict.notice_due:
            self.notices_due += 1
        if row.primary_latency_ms is not None:
            place = bin_of(row.primary_latency_ms)
            self.primary_ms[place] = self.primary_ms.get(place, 0) + 1
        if row.fallback_latency_ms is not None:
            place = bin_of(row.fallback_latency_ms)
            self.fallback_ms[place] = self.fallback_ms.get(place, 0) + 1
        if row.outcome == "served" and row.cached_input_tokens:
            self.cached_tokens_lost += lost_tokens(row.input_tokens, row.cached_input_tokens)
        if costs.primary is not None and costs.answer is not None:
            self.priced += 1
            self.cost_usd += costs.answer
            self.primary_cost_usd += costs.primary
        if costs.cache_loss is not None:
            self.cache_loss_usd += costs.cache_loss

    def add(self, other: "Measures", times: int = 1) -> None:
        """Add what others add up to; take it away where `times` is -1."""
        self.events += times * other.events
        self.notices_due += times * other.notices_due
        self.priced += times * other.priced
        self.cost_usd += times * other.cost_usd
        self.primary_cost_usd += times * other.primary_cost_usd
        self.cached_tokens_lost += times * other.cached_tokens_lost
        self.cache_loss_usd += times * other.cache_loss_usd
        for mine, theirs in ((self.primary_ms, other.primary_ms), (self.fallback_ms, other.fallback_ms)):
            for place, count in theirs.items():
                mine[place] = mine.get(place, 0) + times * count

    def columns(self) -> dict[str, Any]:
        """Return the values of the columns."""
        return {
            "events": self.events,
            "notices_due": self.notices_due,
            "priced": self.priced,
            "cost_usd": self.cost_usd,
            "primary_cost_usd": self.primary_cost_usd,
            "cached_tokens_lost": self.cached_tokens_lost,
            "cache_loss_usd": self.cache_loss_usd,
            "primary_ms": packed(self.primary_ms),
            "fallback_ms": packed(self.fallback_ms),
        }
