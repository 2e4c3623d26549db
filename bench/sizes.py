"""How much is measured: a full run, or a quick one that fits beside tests."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Requests, events and rounds of each figure."""

    rounds: int = 3
    singles: int = 8_000
    batches: int = 1_500
    drained: int = 600  # batches of a drain alone
    judged: int = 1_000_000  # events judged
    usual: int = 400  # events through the usual design
    delay_seconds: float = 20.0
    few_events: int = 200_000
    events: int = 2_000_000
    looks: int = 100  # requests of each page


QUICK = Sizes(
    singles=1_500,
    batches=200,
    drained=150,
    judged=60_000,
    usual=200,
    delay_seconds=5.0,
    few_events=20_000,
    events=200_000,
    looks=10,
)
