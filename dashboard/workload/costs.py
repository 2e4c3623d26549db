"""What it cost that a fallback answered, how that is worked out, and what is to be done where it is not known. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from dashboard import words
from dashboard.breakdowns import Broken
from fallbacks.policy import Model
from fallbacks.rulebook import Rulebook

NOTHING = Decimal()


@dataclass(frozen=True, slots=True)
class Costs:
    """Costs of the answers of a window, of which `priced` have a price. `primary` and `fallback` are the pair that most
    of them are of: `others` tells whether there were more."""

    primary: str
    fallback: str
    others: bool
    served: int
    priced: int
    cost_usd: Decimal
    primary_cost_usd: Decimal
    cached_tokens_lost: int
    cache_loss_usd: Decimal
    working: str
    missing: str

    @property
    def delta_usd(self) -> Decimal | None:
        return self.cost_usd - self.primary_cost_usd if self.priced else None


def costs(pairs: Iterable[tuple[str, str, Broken]], book: Rulebook, workload: str) -> Costs:
    """Return what answers cost, from counts by primary and fallback. Where there was none, the pair is the policy's."""
    version = book.latest(workload)
    declared = (version.policy.primary, version.policy.fallback or "") if version else ("", "")
    answered = [(primary, fallback, broken) for primary, fallback, broken in pairs if broken.served]
    whole = sum((broken for *_, broken in answered), Broken())
    served: dict[tuple[str, str], int] = {}
    for primary, fallback, broken in answered:
        served[primary, fallback] = served.get((primary, fallback), 0) + broken.served
    primary, fallback = max(served, key=lambda pair: (served[pair], pair)) if served else declared
    tokens = int(whole.cached_tokens_lost)
    return Costs(
        primary=primary,
        fallback=fallback,
        others=len(served) > 1,
        served=whole.served,
        priced=whole.priced,
        cost_usd=whole.cost_usd,
        primary_cost_usd=whole.primary_cost_usd,
        cached_tokens_lost=tokens,
        cache_loss_usd=whole.cache_loss_usd,
        working=working(tokens, primary, book.models.get(fallback), alone=len(served) == 1),
        missing=missing(whole, book, primary, fallback),
    )


def working(tokens: int, primary: str, fallback: Model | None, *, alone: bool) -> str:
    """Say how the loss of the prompt cache is worked out."""
    if not tokens:
        return f"No input token of these requests was cached at {primary}, as far as their events tell."
    lost = f"{words.number(tokens)} input tokens were cached at {primary}"
    if fallback is None or fallback.input_price is None:
        return f"{lost}; what the fallback charged for them is not known."
    less = fallback.input_price if fallback.cached_input_price is None else fallback.cached_input_price
    each = f"{words.price(fallback.input_price)} − {words.price(less)} a million"
    product = f"{words.number(tokens)} × ({each})" if alone else f"each at the fallback's own prices, here {each}"
    return f"{lost}, and {fallback.name} charged them in full: {product}."


def missing(whole: Broken, book: Rulebook, primary: str, fallback: str) -> str:
    """Say why answers have no price, and what to do; nothing where all have one."""
    left = whole.served - whole.priced
    if not left:
        return ""
    said = f"Of {'no' if not whole.priced else words.number(left)} answer{'s' if whole.priced and left > 1 else ''}"
    said += " is a cost known" if not whole.priced else " no cost is known"
    unknown = [name for name in (primary, fallback) if not has_prices(book.models.get(name))]
    if unknown:
        return f"{said}: the catalogue has no prices of {words.both(unknown)}. With prices, events count from then on."
    return f"{said}: events have no tokens. Send input_tokens, cached_input_tokens and output_tokens with them."


def has_prices(model: Model | None) -> bool:
    return model is not None and model.input_price is not None and model.output_price is not None
