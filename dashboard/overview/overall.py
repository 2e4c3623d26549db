"""The figures of an environment: rates over what reports its traffic, what users were told, and what it cost. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from dashboard import words
from dashboard.breakdowns import Broken, Values
from dashboard.overview import sentences
from fallbacks.rates import Counts

# How counts of a window are read for what is made here.
DIMENSIONS = ("workload", "error_class", "outcome")


@dataclass(frozen=True, slots=True)
class Overall:
    """Sums over workloads. `counts` are of those that report their traffic, `without_rate` of the others.

    `broken` are answers by a fallback that broke policy; `broken_unanswered` had none.
    """

    counts: Counts
    without_rate: Counts
    left_out: str
    broken: int
    broken_unanswered: int
    silent: int
    notices_due: int
    served: int
    priced: int
    cost_delta_usd: Decimal | None
    cache_loss_usd: Decimal

    @property
    def cost(self) -> str:
        """What fallbacks cost more or less than their primaries would have."""
        return words.money(self.cost_delta_usd, signed=True)

    @property
    def cost_of(self) -> str:
        """Of what that is the cost."""
        if not self.served:
            return "no answer by a fallback"
        if not self.priced:
            return f"no price is known of {_answers(self.served)}"
        lost = f"with {words.money(self.cache_loss_usd)} of prompt cache lost" if self.cache_loss_usd else ""
        part = f"of {words.number(self.priced)} priced answers of {words.number(self.served)}"
        return ", ".join(filter(None, [lost, part if self.priced < self.served else ""])) or _of(self.served)


def overall(counts: Mapping[str, Counts], cells: Mapping[Values, Broken]) -> Overall:
    """Return the sums. `cells` are by `DIMENSIONS`."""
    reporting = sentences.reporting(counts)
    others = [slug for slug in counts if slug not in reporting and counts[slug].events]
    answered = [broken for (*_, outcome), broken in cells.items() if outcome == "served"]
    violations, broken = sum(each.violations for each in cells.values()), sum(each.violations for each in answered)
    served, priced = sum(each.served for each in answered), sum(each.priced for each in answered)
    # Field by field: there may be thousands of cells, and most of what they hold is not asked for here.
    delta = sum((each.cost_usd - each.primary_cost_usd for each in answered if each.priced), Decimal())
    return Overall(
        counts=sum((counts[slug] for slug in reporting), Counts()),
        without_rate=sum((counts[slug] for slug in others), Counts()),
        left_out=sentences.left_out(others),
        broken=broken,
        broken_unanswered=violations - broken,
        silent=sum(each.silent for each in answered),
        notices_due=sum(each.notices_due for each in answered),
        served=served,
        priced=priced,
        cost_delta_usd=None if served and not priced else delta,
        cache_loss_usd=sum((each.cache_loss_usd for each in answered), Decimal()),
    )


def _answers(count: int) -> str:
    return f"{words.number(count)} answer{'' if count == 1 else 's'}"


def _of(count: int) -> str:
    return f"of {_answers(count)}"
