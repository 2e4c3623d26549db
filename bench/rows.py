"""All rows of the table, in the order in which they are measured."""

from collections.abc import Callable

from bench import batches, decisions, drains, judging, reading, restart, single, usual
from bench.figures import Figure
from bench.rig import Rig
from bench.sizes import Sizes

Measure = Callable[[Rig, Sizes], list[Figure]]
# By a name for --only.
MEASURES: dict[str, Measure] = {
    "single": single.measure,
    "batches": batches.measure,
    "drains": drains.measure,
    "judging": judging.measure,
    "usual": usual.measure,
    "reading": reading.measure,
    "decisions": decisions.measure,
    "restart": restart.measure,
}
