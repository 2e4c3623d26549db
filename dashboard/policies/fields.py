"""Fields of a form, with what was typed in them and what is wrong with that. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

# known: a text, or nothing where it is not known. names: separated by commas. many: boxes to tick. share: typed as
# percent. switch: yes or no. amount: a price.
Kind = Literal["text", "known", "long", "names", "many", "choice", "switch", "whole", "share", "amount"]
# By field: what was typed, or chosen.
Typed = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Choice:
    """What can be chosen, how it is written, and what is to be known of it."""

    value: str
    word: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field, named as in the API (`review.pass_rate`); with what was typed in it and what is wrong with that."""

    name: str
    label: str
    kind: Kind
    hint: str = ""
    unit: str = ""
    choices: tuple[Choice, ...] = ()
    values: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        return self.name.replace(".", "-")

    @property
    def value(self) -> str:
        return self.values[0] if self.values else ""

    @property
    def described_by(self) -> str:
        """The ids of what is said of it."""
        return " ".join([f"{self.id}-hint"] * bool(self.hint) + [f"{self.id}-problem"] * bool(self.problems))


@dataclass(frozen=True, slots=True)
class Section:
    """Fields that belong together."""

    id: str
    title: str
    hint: str
    fields: tuple[Field, ...]


def bound(fields: Iterable[Field], typed: Typed, problems: Mapping[str, Sequence[str]]) -> tuple[Field, ...]:
    """Return the fields with what was typed in them. A choice that is not known is kept as one."""
    return tuple(
        _bound(field, tuple(typed.get(field.name, ())), tuple(problems.get(field.name, ()))) for field in fields
    )


def _bound(field: Field, values: tuple[str, ...], problems: tuple[str, ...]) -> Field:
    choices = field.choices
    if field.kind in ("many", "choice"):
        known = {choice.value for choice in choices}
        choices += tuple(Choice(value, value, "not known") for value in values if value and value not in known)
    return replace(field, values=values, problems=problems, choices=choices)
