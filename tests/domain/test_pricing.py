"""A cost that nobody told is worked out from the catalogue's prices, and never made up."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from fallbacks import catalogue
from fallbacks.models import Event
from fallbacks.pricing import cost, costs
from fallbacks.recording import record
from tests import make
from tests.policy.make import BASELINE
from tests.policy.policies import MODELS

PRICED = replace(BASELINE, input_price=Decimal("2.5"), cached_input_price=Decimal("0.25"), output_price=Decimal("10"))


@pytest.mark.parametrize(
    ("tokens", "usd"),
    [
        ((1_000_000, 0, None), "2.5"),
        ((1_000_000, 1_000_000, None), "0.25"),
        ((1_000_000, 400_000, 100_000), "2.6"),
        ((None, 0, 1), "0.00001"),
        ((0, 0, 0), "0"),
        ((10**12, 0, None), "2500000"),
    ],
)
def test_tokens_cost_what_the_catalogue_says(tokens: Any, usd: str) -> None:
    assert cost(PRICED, *tokens) == Decimal(usd)


def test_what_is_not_known_has_no_cost() -> None:
    assert cost(PRICED, None, 0, None) is None
    assert cost(None, 1, 0, 1) is None
    # Of what cannot be stored, nothing is said: the event must not be lost for it.
    assert cost(replace(PRICED, input_price=Decimal(1_000_000)), 10**12, 0, None) is None
    assert cost(replace(PRICED, output_price=None), 1, 0, 1) is None
    assert cost(replace(PRICED, output_price=None), 1_000_000, 0, None) == Decimal("2.5")
    # Without a price of its own, what is cached costs what the rest does.
    assert cost(replace(PRICED, cached_input_price=None), 1_000_000, 1_000_000, None) == Decimal("2.5")


CHEAP = replace(BASELINE, input_price=Decimal("0.8"), cached_input_price=Decimal("0.08"), output_price=Decimal("4"))


def test_a_fallback_pays_in_full_for_what_the_primary_had_cached() -> None:
    found = costs(PRICED, CHEAP, None, 3_118, 2_560, 402)
    assert found.answer == Decimal("0.0041024")  # 3,118 at 0.8, 402 at 4
    assert found.primary == Decimal("0.006055")  # 558 at 2.5, 2,560 at 0.25, 402 at 10
    assert found.cache_loss == Decimal("0.0018432")  # 2,560 at 0.8 less 0.08


def test_what_the_sender_says_it_cost_is_what_it_cost() -> None:
    assert costs(PRICED, CHEAP, Decimal("0.5"), 1_000, None, None) == (Decimal("0.5"), Decimal("0.0025"), None)


def test_more_cached_than_there_were_is_a_slip_that_makes_no_negative_cost() -> None:
    assert costs(PRICED, CHEAP, None, 1_000_000, 5_000_000, None).primary == Decimal("0.25")
    assert costs(PRICED, CHEAP, None, None, 5, 1).cache_loss is None


def test_without_prices_nothing_is_made_up() -> None:
    assert costs(None, None, None, 10, 5, 1) == (None, None, None)
    unpriced = replace(BASELINE, input_price=None, cached_input_price=None, output_price=None)
    assert costs(unpriced, unpriced, None, 10, 5, 1) == (None, None, None)


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
