"""Where two texts differ, word by word, as marks in both. Pure.

A longest common run of words, by Hyyrö's bit-parallel way: a whole row of the table is one number, so the worst texts
of 16 KiB take tens of milliseconds, and no text takes longer because of what is in it.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

# Words, signs one by one, and scripts without blanks letter by letter.
_UNBLANKED = "\u3040-\u30ff\u3400-\u9fff"
_WORD = re.compile(rf"[{_UNBLANKED}]|[^\W{_UNBLANKED}]+|[^\w\s]")
_LINE = re.compile(r"[^\n]*\S[^\n]*")
# Cells of the table, 8 MB of bits. Texts of more words are compared by lines.
MOST_CELLS = 64_000_000
# Equal words between two differences: fewer are no likeness, and only break the marks up.
LEAST_EQUAL = 2


class Piece(NamedTuple):
    """A part of a text, and whether the other text has none like it there."""

    text: str
    differs: bool


def marked(first: str, second: str) -> tuple[list[Piece], list[Piece]]:
    """Return both texts in pieces; put together, they are the texts."""
    by_words = len(_WORD.findall(first)) * len(_WORD.findall(second)) <= MOST_CELLS
    pattern = _WORD if by_words else _LINE
    spans = [[match.span() for match in pattern.finditer(text)] for text in (first, second)]
    a, b = ([text[start:end] for start, end in found] for text, found in zip((first, second), spans, strict=True))
    pairs = _common(a, b)
    if by_words:
        pairs = _without_crumbs(pairs, len(a), len(b))
    same_a, same_b = {i for i, _ in pairs}, {j for _, j in pairs}
    return list(_pieces(first, spans[0], same_a)), list(_pieces(second, spans[1], same_b))


def _common(a: Sequence[str], b: Sequence[str]) -> list[tuple[int, int]]:
    """Return the places, in both, of a longest run of words that both have in this order."""
    where: dict[str, int] = defaultdict(int)
    for i, word in enumerate(a):
        where[word] |= 1 << i
    full = (1 << len(a)) - 1
    row, rows = full, []
    for word in b:
        matches = row & where.get(word, 0)
        row = ((row + matches) | (row - matches)) & full
        rows.append(row)
    found = []
    i, j = len(a), len(b)
    while i and j:
        if rows[j - 1] >> (i - 1) & 1:
            i -= 1
        elif j > 1 and not rows[j - 2] >> (i - 1) & 1:
            j -= 1
        else:
            i, j = i - 1, j - 1
            found.append((i, j))
    return found[::-1]


def _without_crumbs(pairs: Sequence[tuple[int, int]], length_a: int, length_b: int) -> list[tuple[int, int]]:
    """Leave out runs that are short and lie between differences; those at an end of both texts stay."""
    runs: list[list[tuple[int, int]]] = []
    for i, j in pairs:
        if runs and runs[-1][-1] == (i - 1, j - 1):
            runs[-1].append((i, j))
        else:
            runs.append([(i, j)])
    return [
        pair
        for run in runs
        if len(run) >= LEAST_EQUAL or run[0] == (0, 0) or run[-1] == (length_a - 1, length_b - 1)
        for pair in run
    ]


def _pieces(text: str, spans: Sequence[tuple[int, int]], same: set[int]) -> Iterator[Piece]:
    """Cut the text where equal and differing words meet. Blanks between two differing words belong to them."""
    cut = 0
    for number, (start, end) in enumerate(spans):
        if number in same or (number and number - 1 not in same):
            continue
        last = number
        while last + 1 < len(spans) and last + 1 not in same:
            last += 1
        end = spans[last][1]
        if start > cut:
            yield Piece(text[cut:start], False)
        yield Piece(text[start:end], True)
        cut = end
    if cut < len(text):
        yield Piece(text[cut:], False)
