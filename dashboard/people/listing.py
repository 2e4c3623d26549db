"""Everybody, as the page of people lists them: by name, in pages, with what they are and how they sign in."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Count, Q

from fallbacks.models import User
from fallbacks.models.user import with_roles
from fallbacks.permissions import MANAGE_PEOPLE
from fallbacks.reading import storable
from fallbacks.ways_in import ways_in

PAGE = 100
MOST_TYPED = 150


@dataclass(frozen=True, slots=True)
class Row:
    """Somebody, and by what they sign in."""

    person: User
    ways: Sequence[str]


@dataclass(frozen=True, slots=True)
class Page:
    """Some people, and the name after which the next page starts; empty where there is none."""

    rows: Sequence[Row]
    following: str


@dataclass(frozen=True, slots=True)
class Counts:
    """How many can sign in, how many of these are admins, and how many are shut out."""

    active: int
    admins: int
    deactivated: int


def page(typed: str = "", after: str = "") -> Page:
    """Return those whose name has what was typed in it, by the name they sign in with. Three queries."""
    found = with_roles(User.objects.order_by("username"))
    if typed := storable(typed.strip())[:MOST_TYPED]:
        found = found.filter(
            Q(username__icontains=typed) | Q(first_name__icontains=typed) | Q(last_name__icontains=typed)
        )
    if after := storable(after):
        found = found.filter(username__gt=after)
    people = list(found[: PAGE + 1])
    shown = people[:PAGE]
    ways = ways_in(shown)
    return Page([Row(person, ways[person.pk]) for person in shown], shown[-1].username if len(people) > PAGE else "")


def counts() -> Counts:
    """Count everybody. One query."""
    return Counts(
        **User.objects.aggregate(
            active=Count("pk", filter=Q(is_active=True), distinct=True),
            admins=Count("pk", filter=Q(is_active=True, groups__permissions__codename=MANAGE_PEOPLE), distinct=True),
            deactivated=Count("pk", filter=Q(is_active=False), distinct=True),
        )
    )
