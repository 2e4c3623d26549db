"""Places where a drain can be made to die, so that tests see what is left: off unless the environment asks for it.

FALLBACKS_CRASH_POINTS="before-commit=0.05,after-commit=0.05" kills the process, as `kill -9` does, in one of twenty
passes of each. Never set it where the data matters.
"""

import os
import random
import signal

POINTS = ("before-commit", "after-commit", "after-acknowledge")


def read(text: str) -> dict[str, float]:
    """Return the probability of each point named. Raises ValueError for what is no point, or no probability."""
    chances = {}
    for word in filter(None, text.split(",")):
        name, _, chance = word.strip().partition("=")
        if name not in POINTS or not 0 <= float(chance) <= 1:
            raise ValueError(f"FALLBACKS_CRASH_POINTS has {word!r}: write point=0..1, points are {', '.join(POINTS)}")
        chances[name] = float(chance)
    return chances


_chances = read(os.environ.get("FALLBACKS_CRASH_POINTS", ""))


def armed(name: str) -> bool:
    """Tell whether the point may kill."""
    return name in _chances


def reach(name: str) -> None:
    """Pass the point `name`, perhaps not alive."""
    if _chances and random.random() < _chances.get(name, 0):  # noqa: S311
        os.kill(os.getpid(), signal.SIGKILL)
