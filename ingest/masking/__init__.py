"""Masking: what must not be kept of a text is replaced before the text goes anywhere.

| what | how it is known |
|---|---|
| `[key]` | the shapes of keys and tokens, and a long value behind `api_key=` and the like |
| `[e-mail]` | a name, an @ and a domain |
| `[iban]` | the length of its country and its check digits |
| `[card]` | the first digits of an issuer, 14 to 19 digits, and Luhn's check |
| `[phone]` | `+` and a length that its country has; or a number that is valid in one of `REGIONS` as it is written |

In doubt it is masked; but a plain number that no word calls a phone's stays: most of these are orders and amounts.
Widths and alphabets of digits, and signs that nobody sees, make no difference. The time that it takes grows with the
length of the text alone: what has too many numbers to look at each is masked without looking.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from ingest.masking import keys, numbers, phones, signs
from ingest.masking.signs import Span

Find = Callable[[str], Iterable[Span]]
# What is masked as one is nothing of those after it.
WORDS: tuple[tuple[str, Find], ...] = (("key", keys.keys), ("e-mail", keys.emails))
NUMBERS: tuple[tuple[str, Find], ...] = (
    ("iban", numbers.ibans),
    ("card", numbers.cards),
    ("phone", phones.with_country),
    ("phone", phones.american),
    ("phone", phones.at_home),
)


def mask(text: str) -> tuple[str, Counter[str]]:
    """Return the text with all of these replaced, and how many there were of each kind."""
    plain, places = signs.folded(text)
    found: list[tuple[int, int, str]] = []
    # Most texts have no number that is long enough.
    for kind, find in (*WORDS, *NUMBERS) if numbers.RUN.search(plain) else WORDS:
        if spans := list(find(plain)):
            plain = blanked(plain, spans)
            found += [(start, end, kind) for start, end in spans]
    if not found:
        return text, Counter()
    pieces, done = [], 0
    for start, end, kind in sorted(found):
        first, last = (start, end - 1) if places is None else (places[start], places[end - 1])
        pieces += [text[done:first], f"[{kind}]"]
        done = last + 1
    return "".join([*pieces, text[done:]]), Counter(kind for *_, kind in found)


def blanked(plain: str, spans: Sequence[Span]) -> str:
    """Return the text with these spans blanked, as long as before: what is known is not looked at again."""
    pieces, done = [], 0
    for start, end in spans:
        pieces += [plain[done:start], "\0" * (end - start)]
        done = end
    return "".join([*pieces, plain[done:]])
