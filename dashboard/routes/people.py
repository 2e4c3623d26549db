"""People by name: those who may decide, and those whom a page names. One query."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Q

from dashboard.words import names
from fallbacks.models import User
from fallbacks.models.user import with_roles
from fallbacks.permissions import DECIDE_ROUTES


@dataclass(frozen=True)
class People:
    """Names by number and by name to sign in with; `deciders` are the numbers of those who may decide, by name."""

    by_number: Mapping[int, str]
    by_username: Mapping[str, str]
    deciders: Sequence[int]

    def name(self, number: int | None) -> str:
        return self.by_number.get(number or 0, "somebody")

    def deciders_but(self, number: int | None) -> list[str]:
        """Return who may decide besides somebody, by name."""
        return [self.by_number[each] for each in self.deciders if each != number]


def people(numbers: Collection[int | None], usernames: Collection[str]) -> People:
    """Return who may decide, and those who are asked for."""
    deciding = User.objects.filter(is_active=True, groups__permissions__codename=DECIDE_ROUTES)
    asked = Q(id__in=[each for each in numbers if each]) | Q(username__in=list(usernames)) | Q(id__in=deciding)
    rows = list(with_roles(User.objects.filter(asked)).order_by("username"))
    return People(
        {row.id: row.known_as for row in rows},
        {row.username: row.known_as for row in rows},
        [row.id for row in rows if row.may(DECIDE_ROUTES)],
    )


def any_of(found: Sequence[str]) -> str:
    """Say who can: "Any of 3 reviewers can: Dana Kim, Tomás Ruiz and Aya Sato."""
    if not found:
        return "Nobody else is a reviewer: ask an admin to give somebody the role."
    if len(found) == 1:
        return f"One reviewer can: {found[0]}."
    return f"Any of {len(found)} reviewers can: {names(found)}."
