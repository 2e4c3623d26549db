"""What somebody is told who may not: which roles may, and whom to ask."""

from collections.abc import Sequence
from typing import Any

from dashboard.errors import NotForYou
from dashboard.words import names
from fallbacks.models import User
from fallbacks.permissions import ROLES, roles_with

# As many as one can ask.
MOST_NAMED = 3


def refusal(user: Any, permission: str) -> NotForYou:
    """Return what to raise for somebody without a permission: it says which roles have it, and whom to ask."""
    held, needed = user.roles() if user.is_authenticated else [], roles_with(permission)
    are = f"You are {names([a_role(role) for role in held])}" if held else "You have no role yet"
    admins, more = people("admin")
    who = f"an admin ({names(admins)})" if admins and not more else "an admin"
    return NotForYou(
        f"This is {_whom(needed)}.",
        f"{are}: ask {who} for {'the role' if held else 'one'}.",
        "forbidden" if held else "no_role",
    )


def _whom(roles: Sequence[str]) -> str:
    """Say for whom something is, by the roles that may."""
    if set(roles) == set(ROLES):
        return "for people with a role"
    return f"for {names([f'{role}s' for role in roles])}" if roles else "closed"


def a_role(role: str) -> str:
    return f"an {role}" if role[0] in "aeiou" else f"a {role}"


def people(role: str) -> tuple[list[str], bool]:
    """Return some who hold a role, by name, and whether there are more. One query."""
    holders = User.objects.filter(is_active=True, groups__name=role).order_by("username")
    known = [user.known_as for user in holders[: MOST_NAMED + 1]]
    return known[:MOST_NAMED], len(known) > MOST_NAMED


def whom_to_ask() -> str:
    """Say who can make a change: by name where there are engineers. One query."""
    engineers, more = people("engineer")
    if not engineers:
        return "ask an admin, or for the role engineer"
    return f"ask an engineer, such as {names(engineers)}" if more else f"ask {names(engineers)}"
