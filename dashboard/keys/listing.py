"""Keys as their page lists them: filtered, the newest first, in pages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q

from fallbacks import key_ring
from fallbacks.models import ApiKey, User
from fallbacks.permissions import MANAGE_KEYS
from fallbacks.reading import HIGHEST_ROW, whole_number
from fallbacks.scopes import SCOPES

PAGE = 50
# In the place of an owner: keys that manage.py made.
NOBODY = "-"
STATES = ("good", "expired", "revoked")
# A key that ends within this is to be rotated.
SOON = timedelta(days=7)
# By state: icon, colour, word.
LOOKS = {
    "good": ("circle-check", "normal", "Good"),
    "replaced": ("hourglass", "degraded", "Replaced"),
    "soon": ("hourglass", "degraded", "Ends soon"),
    "expired": ("clock-off", "none", "Expired"),
    "revoked": ("key-off", "none", "Revoked"),
}


@dataclass(frozen=True)
class Shown:
    """A key for people."""

    row: ApiKey
    now: datetime

    @property
    def good(self) -> bool:
        return self.row.state(self.now) == "good"

    @property
    def heir(self) -> ApiKey | None:
        """The key that takes its place."""
        return getattr(self.row, "replaced_by", None)

    @property
    def look(self) -> tuple[str, str, str]:
        state: str = self.row.state(self.now)
        if state == "good" and self.heir is not None:
            state = "replaced"
        elif state == "good" and self.row.expires_at is not None and self.row.expires_at < self.now + SOON:
            state = "soon"
        return LOOKS[state]

    @property
    def icon(self) -> str:
        return self.look[0]

    @property
    def kind(self) -> str:
        return self.look[1]

    @property
    def word(self) -> str:
        return self.look[2]

    @property
    def left_behind(self) -> bool:
        """Whether its owner was deactivated."""
        return self.row.owner is not None and not self.row.owner.is_active


@dataclass(frozen=True, slots=True)
class Filters:
    """Which keys are asked for; empty lets everything through. `problems` say what was not understood."""

    owner: str = ""
    scope: str = ""
    state: str = ""
    problems: Sequence[str] = ()

    @property
    def any(self) -> bool:
        return bool(self.owner or self.scope or self.state)


@dataclass(frozen=True, slots=True)
class Page:
    """Some keys, and the number after which the older ones start; None where there is none."""

    keys: Sequence[Shown]
    older: int | None


def asked(query: Mapping[str, str], owners: Sequence[User]) -> Filters:
    """Read the filters. `owners` are those that may be chosen."""
    known = {"owner": {NOBODY, *(owner.username for owner in owners)}, "scope": set(SCOPES), "state": set(STATES)}
    given = {name: query.get(name, "") for name in known}
    wrong = [name for name, value in given.items() if value and value not in known[name]]
    problems = [f"There is no such {name}: all are shown." for name in wrong]
    return Filters(**{name: "" if name in wrong else value for name, value in given.items()}, problems=problems)


def owners(user: User) -> list[User]:
    """Return whose keys there are, for those who see others' too. One query at most."""
    if not user.may(MANAGE_KEYS):
        return []
    return list(User.objects.filter(pk__in=ApiKey.objects.exclude(owner=None).values("owner")).order_by("username"))


def page(user: User, filters: Filters, before: str, now: datetime) -> Page:
    """Return the keys that somebody sees, those made before the number `before`, or the newest. One query."""
    found = key_ring.seen_by(user).filter(key_ring.in_state(filters.state, now)).order_by("-pk")
    if filters.owner:
        found = found.filter(Q(owner=None) if filters.owner == NOBODY else Q(owner__username=filters.owner))
    if filters.scope:
        found = found.filter(scopes__contains=[filters.scope])
    if (number := whole_number(before, HIGHEST_ROW)) is not None:
        found = found.filter(pk__lt=number)
    rows = list(found[: PAGE + 1])
    return Page([Shown(row, now) for row in rows[:PAGE]], rows[PAGE - 1].pk if len(rows) > PAGE else None)


def counts(user: User, now: datetime) -> dict[str, int]:
    """Return how many keys somebody sees, how many of them are good, and how many of these are of nobody who is active.

    One query.
    """
    good = key_ring.in_state("good", now)
    return key_ring.seen_by(user).aggregate(
        all=Count("pk"), good=Count("pk", filter=good), left_behind=Count("pk", filter=good & Q(owner__is_active=False))
    )
