"""All rows of the table, in the order in which they are measured."""

from collections.abc import Callable

from bench import batches, drains, reading, restart, single, usual
from bench.figures import Figure
from bench.rig import Rig
from bench.sizes import Sizes

Measure = Callable[[Rig, Sizes], list[Figure]]
# By a name for --only.
MEASURES: dict[str, Measure] = {
    "single": single.measure,
    "batches": batches.measure,
    "drains": drains.measure,
    "usual": usual.measure,
    "reading": reading.measure,
    "restart": restart.measure,
}


def not_there() -> list[Figure]:
    """Return the rows of what the product does not do yet."""
    note = "there is no /api/v1/decisions yet"
    return [Figure("12", "POST /api/v1/decisions, server time, median", 5, 1, "less", " ms", note=note)]
