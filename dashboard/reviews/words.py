"""What reviews are about, in words for people. Pure."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from dashboard import words
from fallbacks.sampling import REASONS


class Reason(NamedTuple):
    """Why a sample was picked: in a few words, and what that means."""

    word: str
    means: str


WHY: Mapping[str, Reason] = dict(
    zip(
        REASONS,
        (
            Reason("First answers of a new pair", "nobody has looked at this pair of models yet"),
            Reason("Broke policy", "each answer that broke a rule is looked at"),
            Reason("Share", "the policy's share of all answers"),
            Reason("Error class", "the first of its error class that day"),
            Reason("Paid tier", "the first to a paid tier that day"),
        ),
        strict=True,
    )
)
# Of criteria that policies often name.
ASKS: Mapping[str, str] = {
    "correct": "Every fact and figure is right",
    "complete": "Answers all of what was asked",
    "tone": "Polite, in the voice of the product",
    "safe": "Nothing in it can harm anybody",
    "format": "In the form that was asked for",
    "no_inventions": "Promises nothing that is not in the input",
}
MARKS: Mapping[str, str] = {"pass": "Pass", "fail": "Fail", "na": "n/a"}
# One, and more.
MASKED: Mapping[str, tuple[str, str]] = {
    "e-mail": ("e-mail address", "e-mail addresses"),
    "phone": ("phone number", "phone numbers"),
    "card": ("card number", "card numbers"),
    "iban": ("IBAN", "IBANs"),
    "key": ("key", "keys"),
}


def why(reason: str) -> Reason:
    """Return the words for a reason of sampling."""
    return WHY.get(reason, Reason(reason, ""))


def masked(counts: Mapping[str, int]) -> str:
    """Say what was masked in the texts: 1 e-mail address, 2 card numbers. Empty where nothing was."""
    said = []
    for kind, count in sorted(counts.items()):
        one, more = MASKED.get(kind, (kind, kind))
        said.append(f"{words.number(count)} {one if count == 1 else more}")
    return ", ".join(said)


def due(at: datetime, now: datetime) -> str:
    """Say when a sample is to be scored: due in 22 h, overdue by 3 h."""
    return f"overdue by {words.duration(now - at)}" if at <= now else f"due in {words.duration(at - now)}"


def samples(count: int) -> str:
    """Write a number of samples."""
    return "1 sample" if count == 1 else f"{words.number(count)} samples"


def marks(count: int) -> str:
    """Say how many marks are missing."""
    return "1 mark is missing" if count == 1 else f"{words.number(count)} marks are missing"
