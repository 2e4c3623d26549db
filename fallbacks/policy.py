"""What a policy and the models of the catalogue say. Pure words: `refusals` checks them, `verdict` judges by them.

Everything here is frozen and hashable, so that what depends on it can be remembered.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, get_args

Notice = Literal["always", "paid", "never"]
NOTICES: tuple[Notice, ...] = get_args(Notice)
# The boundaries that a policy may permit to cross. Each has the name of the rule that guards it.
Boundary = Literal["billing_boundary", "compliance_boundary"]
BOUNDARIES: tuple[Boundary, ...] = get_args(Boundary)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model of the catalogue. Prices are USD per million tokens; None is not known."""

    name: str
    provider: str
    family: str
    request_shapes: frozenset[str]
    features: frozenset[str] = frozenset()
    data_region: str | None = None
    billing_account: str | None = None
    input_price: Decimal | None = None
    cached_input_price: Decimal | None = None
    output_price: Decimal | None = None

    def crosses(self, other: "Model") -> tuple[Boundary, ...]:
        """Return the boundaries between the two models, in the order of `BOUNDARIES`."""
        crossed: tuple[Boundary, ...] = ()
        if _differ(self.billing_account, other.billing_account):
            crossed += ("billing_boundary",)
        if _differ(self.data_region, other.data_region):
            crossed += ("compliance_boundary",)
        return crossed


def _differ(one: str | None, other: str | None) -> bool:
    """Tell whether two sides are known to differ: where one is not known, no boundary counts."""
    return one is not None and other is not None and one != other


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """How answers by the fallback are reviewed: which share of them, how many a day, and what passes.

    `sample_rate` and `pass_rate` are shares from 0 to 1.
    """

    sample_rate: float
    daily_cap: int
    min_reviews: int
    pass_rate: float
    criteria: tuple[str, ...]
    reviews_required: int = 1
    due_hours: int = 72
    enabled_for_days: int = 90
    auto_suspend: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One version of a workload's policy.

    What is left out allows nothing: no fallback, no trigger, no boundary crossed. `triggers` are names of
    error classes, `payload_classes` the request shapes that the workload sends, `degraded_above` a share from
    0 to 1. The numbers have the contract's defaults.
    """

    workload: str
    user_visible: bool
    primary: str
    notice: Notice
    payload_classes: frozenset[str]
    review: Review
    description: str = ""
    owner: str = ""
    fallback: str | None = None
    triggers: frozenset[str] = frozenset()
    min_attempts: int = 2
    message: str = ""
    paid_tiers: frozenset[str] = frozenset()
    permits: frozenset[str] = frozenset()
    degraded_above: float = 0.01
    for_minutes: int = 5
    escape_hatch: str = ""

    def asks_notice(self, tier: str | None) -> bool:
        """Tell whether a user of that tier must be told of an answer by the fallback.

        `paid` asks for it where the tier is a paid one; a tier that is not known is none.
        """
        return self.notice == "always" or (self.notice == "paid" and tier in self.paid_tiers)
