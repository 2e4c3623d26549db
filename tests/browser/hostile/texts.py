"""Payloads for fields, to each in turn."""

import itertools
from collections.abc import Callable, Iterator

from tests import hostile

Fits = Callable[[str], bool]


def whatever(text: str) -> bool:
    return True


def unbroken(text: str) -> bool:
    return len(max(text.split(), key=len)) >= 60


def on_one_line(text: str) -> bool:
    return bool(text.strip()) and not any(letter < " " or letter == "\x7f" for letter in text)


class Texts:
    """Gives payloads to fields, to each in turn: as they are, or harmless ones that look the same to the product."""

    def __init__(self, *, are_harmless: bool = False) -> None:
        self.are_harmless = are_harmless
        self._turns: dict[tuple[str, int], Iterator[str]] = {}

    def one(self, of: str, most: int, fits: Fits = whatever) -> str:
        """Return the next payload for a field that takes so many characters."""
        if (of, most) not in self._turns:
            found = hostile.fitting(most, fits)
            # Fields begin far from each other, by the golden ratio: so a few rows show many payloads.
            first = int(len(found) * (len(self._turns) * 0.618 % 1))
            self._turns[of, most] = itertools.cycle([*found[first:], *found[:first]])
        return self.put(next(self._turns[of, most]))

    def some(self, count: int, of: str, most: int, fits: Fits = whatever) -> list[str]:
        return [self.one(of, most, fits) for _ in range(count)]

    def put(self, text: str) -> str:
        return hostile.harmless(text) if self.are_harmless else text
