"""What a request cost, by the catalogue's prices, where nobody said. Pure arithmetic."""

from decimal import Decimal

from fallbacks.policy import Model

# Prices are of a million tokens.
MILLION = 1_000_000
# More digits than any price has; the database keeps as many.
SMALLEST = Decimal("1e-10")
# Nor is a request that costs more than this one; it could not be stored either.
HIGHEST = 10**9


def cost(
    model: Model | None, input_tokens: int | None, cached_input_tokens: int | None, output_tokens: int | None
) -> Decimal | None:
    """Return the cost in USD of a request that this model answered; None where it cannot be known.

    `input_tokens` are all of them, `cached_input_tokens` those among them that came from the provider's cache: where
    that has no price of its own, they cost what others do. Tokens that are not told of are none, but a request of
    which none are told has no known cost, and neither has one of a model without the price that is needed.
    """
    if model is None or (input_tokens is None and output_tokens is None):
        return None
    cached = min(cached_input_tokens or 0, input_tokens or 0)
    cached_price = model.input_price if model.cached_input_price is None else model.cached_input_price
    parts = (
        ((input_tokens or 0) - cached, model.input_price),
        (cached, cached_price),
        (output_tokens or 0, model.output_price),
    )
    if any(tokens and price is None for tokens, price in parts):
        return None
    total = sum((tokens * (price or Decimal()) for tokens, price in parts), Decimal()) / MILLION
    return total.quantize(SMALLEST) if total <= HIGHEST else None
