"""What a request cost, by the catalogue's prices, and what it cost that it was answered by a fallback. Pure arithmetic.

`cached_input_tokens` of an event are those of its input tokens that the primary had in its prompt cache. The cache is
a model's own: whoever falls back pays for them in full.
"""

from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from fallbacks.policy import Model

# Prices are of a million tokens.
MILLION = 1_000_000
# More digits than any price has; the database keeps as many.
SMALLEST = Decimal("1e-10")
# Nor is a request that costs more than this one; it could not be stored either.
HIGHEST = 10**9


def told(sent: str | float) -> Decimal:
    """Return what a sender says that a request cost, as it is kept. Raises ValueError where none costs that."""
    try:
        amount = Decimal(str(sent))
    except InvalidOperation as error:  # an exponent beyond all that can be reckoned with
        raise ValueError from error
    if not 0 <= amount <= HIGHEST:
        raise ValueError
    return amount.quantize(SMALLEST)


class Costs(NamedTuple):
    """Costs of one answer by a fallback in USD; None where they cannot be known.

    `answer` is what it cost, `primary` what the primary would have cost, `cache_loss` what the fallback charged for
    tokens that the primary had cached, less what it charges for cached ones.
    """

    answer: Decimal | None = None
    primary: Decimal | None = None
    cache_loss: Decimal | None = None


def costs(
    primary: Model | None,
    fallback: Model | None,
    told: Decimal | None,
    input_tokens: int | None,
    cached_input_tokens: int | None,
    output_tokens: int | None,
) -> Costs:
    """Return the costs of an answer by `fallback` in the place of `primary`. `told` is what the sender said it cost."""
    cached = 0 if input_tokens is None else lost_tokens(input_tokens, cached_input_tokens or 0)
    answer = cost(fallback, input_tokens, 0, output_tokens) if told is None else told
    return Costs(answer, cost(primary, input_tokens, cached, output_tokens), _cache_loss(fallback, cached))


def lost_tokens(input_tokens: int | None, cached_input_tokens: int) -> int:
    """Return how many cached tokens a fallback had no use of: more than all there were is a slip of the sender's."""
    return cached_input_tokens if input_tokens is None else min(cached_input_tokens, input_tokens)


def cost(
    model: Model | None, input_tokens: int | None, cached_input_tokens: int, output_tokens: int | None
) -> Decimal | None:
    """Return the cost in USD of a request that this model answers; None where it cannot be known.

    `input_tokens` are all of them, `cached_input_tokens` those among them that come from the model's cache: where that
    has no price of its own, they cost what others do. Tokens that are not told of are none, but a request of which
    none are told has no known cost, and neither has one of a model without the price that is needed.
    """
    if model is None or (input_tokens is None and output_tokens is None):
        return None
    parts = (
        ((input_tokens or 0) - cached_input_tokens, model.input_price),
        (cached_input_tokens, _cached_price(model)),
        (output_tokens or 0, model.output_price),
    )
    if any(tokens and price is None for tokens, price in parts):
        return None
    return _dollars(sum((tokens * (price or Decimal()) for tokens, price in parts), Decimal()))


def _cache_loss(model: Model | None, cached: int) -> Decimal | None:
    if model is None or not cached:
        return None
    full, less = model.input_price, _cached_price(model)
    return None if full is None or less is None else _dollars(cached * (full - less))


def _cached_price(model: Model) -> Decimal | None:
    return model.input_price if model.cached_input_price is None else model.cached_input_price


def _dollars(millionths: Decimal) -> Decimal | None:
    total = millionths / MILLION
    return total.quantize(SMALLEST) if abs(total) <= HIGHEST else None
