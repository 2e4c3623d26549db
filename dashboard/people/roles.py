"""The roles as somebody chooses among them: what each may do, in words. Pure."""

from collections.abc import Collection
from dataclasses import dataclass

from dashboard.words import names
from fallbacks.permissions import GRANTS, PERMISSIONS, ROLES


@dataclass(frozen=True, slots=True)
class Choice:
    """A role to be chosen; `may` says what it may do."""

    role: str
    may: str
    chosen: bool


def choices(chosen: Collection[str]) -> list[Choice]:
    """Return all roles in their order."""
    return [Choice(role, said(role), role in chosen) for role in ROLES]


def said(role: str) -> str:
    """Say what a role may do: "All that viewers may; change policies and models; …"."""
    below = [other for other in ROLES if GRANTS[other] < GRANTS[role]]
    known = frozenset[str]().union(*(GRANTS[other] for other in below))
    own = [words for name, words in PERMISSIONS.items() if name in GRANTS[role] - known]
    whose = "the others" if len(below) == len(ROLES) - 1 else names([f"{other}s" for other in below])
    text = "; ".join([*([f"all that {whose} may"] if below else []), *own])
    return f"{text[:1].upper()}{text[1:]}."
