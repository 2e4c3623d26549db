"""A cost that nobody told is worked out from the catalogue's prices, and never made up."""

from dataclasses import replace
from decimal import Decimal

import pytest

from fallbacks import catalogue
from fallbacks.models import Event
from fallbacks.pricing import cost
from fallbacks.recording import record
from tests import make
from tests.policy.make import BASELINE
from tests.policy.policies import MODELS

PRICED = replace(BASELINE, input_price=Decimal("2.5"), cached_input_price=Decimal("0.25"), output_price=Decimal("10"))


@pytest.mark.parametrize(
    ("tokens", "usd"),
    [
        ((1_000_000, None, None), "2.5"),
        ((1_000_000, 1_000_000, None), "0.25"),
        ((1_000_000, 400_000, 100_000), "2.6"),
        ((None, None, 1), "0.00001"),
        ((0, 0, 0), "0"),
        # More cached than there were: a slip of the sender, which makes no negative cost.
        ((1_000_000, 5_000_000, None), "0.25"),
        ((10**12, None, None), "2500000"),
    ],
)
def test_tokens_cost_what_the_catalogue_says(tokens: tuple[int | None, ...], usd: str) -> None:
    assert cost(PRICED, *tokens) == Decimal(usd)


def test_what_is_not_known_has_no_cost() -> None:
    assert cost(PRICED, None, 5, None) is None
    assert cost(None, 1, None, 1) is None
    # Of what cannot be stored, nothing is said: the event must not be lost for it.
    assert cost(replace(PRICED, input_price=Decimal(1_000_000)), 10**12, None, None) is None
    assert cost(replace(PRICED, output_price=None), 1, None, 1) is None
    assert cost(replace(PRICED, output_price=None), 1_000_000, None, None) == Decimal("2.5")
    # Without a price of its own, what is cached costs what the rest does.
    assert cost(replace(PRICED, cached_input_price=None), 1_000_000, 1_000_000, None) == Decimal("2.5")


@pytest.mark.usefixtures("database")
def test_an_event_gets_the_cost_of_the_model_that_answered_unless_it_told_its_own() -> None:
    catalogue.put("baseline-chat", MODELS["baseline-chat"], "tests")
    tokens = {"input_tokens": 1_000_000, "output_tokens": 0}
    record(
        [
            make.event(id="worked out", **tokens),
            make.event(id="told", cost_usd=Decimal("0.5"), **tokens),
            make.event(id="none told"),
            make.event(id="not answered", outcome="failed", **tokens),
            make.event(id="not in the catalogue", fallback="mystery-chat", **tokens),
        ]
    )
    assert dict(Event.objects.values_list("id", "cost_usd")) == {
        "worked out": Decimal("2.5"),
        "told": Decimal("0.5"),
        "none told": None,
        "not answered": None,
        "not in the catalogue": None,
    }
