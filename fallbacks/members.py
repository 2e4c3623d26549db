"""People come, change their roles, and go: each step with its entry in the audit log, in one transaction.

Whoever changes people holds the rows of the roles, so two who do it at once do it one after the other, and the second
sees what the first did. There is always an admin left who can sign in.
"""

import contextlib
import re
import secrets
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.http import int_to_base36

from fallbacks import audit, links, review_queue
from fallbacks.links import Made
from fallbacks.models import Invitation, Sample, SignInReset, User
from fallbacks.models.link import Link
from fallbacks.models.user import with_roles
from fallbacks.not_now import NotNow
from fallbacks.permissions import MANAGE_PEOPLE, REVIEW_SAMPLES, ROLES, roles_with
from fallbacks.reading import storable
from fallbacks.ways_in import lead_in, ways_in

GOOD_FOR = timedelta(days=7)
# So long it is shown that somebody who was invited did not come.
SHOWN_FOR = timedelta(days=30)
MOST_NOTE = 200
# By whom the commands of a server act, in the audit log: no person may be called that.
SERVER = "manage.py"
# Of Django's names those of ASCII: names that only look alike must not be two people, in the log least of all.
NAME = re.compile(r"[A-Za-z0-9.@+_-]{1,150}")


@dataclass(frozen=True, slots=True)
class Gone:
    """Somebody who was deactivated, and how many samples they held."""

    person: User
    samples: int


# --- Inviting ----------------------------------------------------------------------------------------


def invite(by: User, roles: Collection[str], note: str = "") -> Made[Invitation]:
    """Make a link by which one person can join with these roles. Raises NotNow, also where no role is given."""
    given = _known(roles)
    if not given:
        raise NotNow("no_role", "Choose at least one role: without one, nothing would be open to them.")
    told = storable(note.strip())
    if len(told) > MOST_NOTE:
        raise NotNow("note", f"Write for whom it is in {MOST_NOTE} characters or fewer.")
    with changing(by):
        made = links.make(Invitation, GOOD_FOR, roles=given, note=told, invited_by=by)
        until = made.link.expires_at
        audit.append("person invited", by.username, subject=str(made.link), roles=given, note=told, until=until)
    return made


def open_invitations() -> QuerySet[Invitation]:
    """Return those by which somebody can still join, the newest first."""
    return links.open_of(Invitation).select_related("invited_by").order_by("-id")


def lapsed_invitations() -> QuerySet[Invitation]:
    """Return those of which the time ran out in the last 30 days and nobody joined, the latest first.

    Whoever was invited again waits for nothing: they are known by the note, if there is one.
    """
    now = timezone.now()
    found = Invitation.objects.filter(used_at=None, withdrawn_at=None)
    again = Invitation.objects.filter(note=OuterRef("note"), id__gt=OuterRef("id")).exclude(note="")
    found = found.filter(expires_at__lte=now, expires_at__gt=now - SHOWN_FOR).exclude(Exists(again))
    return found.select_related("invited_by").order_by("-expires_at", "-id")


def withdraw(number: int, by: User) -> None:
    """Make an invitation's link useless. Raises NotNow where it is of no use already."""
    with changing(by):
        found = open_invitations().filter(id=number).first()
        if found is None:
            raise NotNow("not_open", "That link is of no use any more: it was used, withdrawn, or its time ran out.")
        links.withdraw(found, by.username)


def invitation_of(token: str) -> Invitation:
    """Return the invitation of a link. Raises NotGood where nobody can join by it (any more)."""
    return links.find(Invitation.objects.select_related("invited_by"), token)


def accept(token: str, name: str, password: str) -> User:
    """Make the person who was invited. Raises NotGood, or NotNow where nobody can be called that."""
    # Slow, on purpose: not while others wait.
    encoded = make_password(password)
    with changing():
        # Again, with the lock held: of two who open one link, one joins.
        invitation = invitation_of(token)
        person = _make(name, encoded, invitation.roles)
        Invitation.objects.filter(id=invitation.id).update(used_at=Now(), used_by=person)
        by = invitation.invited_by.username
        audit.append("person joined", person.username, subject=str(invitation), roles=invitation.roles, invited_by=by)
    return person


# --- People ------------------------------------------------------------------------------------------


def make(name: str, roles: Collection[str], only_first: bool = False) -> str:
    """Make somebody from the server's own command line, and return their password, which is made at random.

    Raises NotNow where nobody can be called that, and, with `only_first`, where an admin can sign in already.
    """
    password = secrets.token_urlsafe(12)
    encoded, given = make_password(password), _known(roles)
    with changing():
        if only_first and (admins := _admins()):
            raise NotNow("has_admin", f"{admins[0].username} is an admin and can sign in.")
        _make(name, encoded, given)
        audit.append("roles changed", SERVER, subject=name, roles=given)
    return password


def name_problem(name: str) -> str:
    """Say why nobody new can be called that; nothing where they can. One query."""
    if not NAME.fullmatch(name):
        return "Use 1 to 150 letters from a to z, digits and . @ + - _ and nothing else."
    # In capitals and small letters it would still be taken for the other.
    if name.lower() == SERVER or User.objects.filter(username__iexact=name).exists():
        return f"There is a user {name} already: choose another name."
    return ""


def change_roles(number: int, roles: Collection[str], seen: Collection[str], by: User) -> User:
    """Give somebody these roles in place of those that `by` saw. Returns the person as they are now.

    Raises NotNow where the roles are others by now, and where no admin would be left. Who may no longer review holds
    no samples any more, and the open links of who may no longer invite are withdrawn.
    """
    given = _known(roles)
    with changing(by):
        person = one(number)
        before = person.roles()
        if before != _known(seen):
            raise NotNow("changed", "Somebody changed the roles since you looked: look again, then decide.")
        if before == given:
            return person
        give(person, given, before)
        _must_leave_an_admin(person)
        person = one(number)
        freed = let_go(person, by.username)
        audit.append("roles changed", by.username, subject=person.username, before=before, roles=given, samples=freed)
    return person


def deactivate(number: int, by: User) -> Gone:
    """Shut somebody out at once: sessions end, samples are free for others, links by them and for them are withdrawn.

    Roles, keys, and requests for routes stay. Raises NotNow where no admin would be left, or they are shut out already.
    """
    with changing(by):
        person = one(number)
        if not User.objects.filter(id=number, is_active=True).update(is_active=False):
            raise NotNow("not_active", f"{person.known_as} is deactivated already.")
        _must_leave_an_admin(person)
        ended = end_sessions(person)
        freed = let_go(one(number), by.username)
        audit.append("person deactivated", by.username, subject=person.username, samples=freed, sessions=ended)
    return Gone(person, len(freed))


def reactivate(number: int, by: User) -> User:
    """Let somebody in again, with the roles and the password that they had. Raises NotNow where they are not out."""
    with changing(by):
        person = one(number)
        if not User.objects.filter(id=number, is_active=False).update(is_active=True):
            raise NotNow("active", f"{person.known_as} is active already.")
        audit.append("person reactivated", by.username, subject=person.username, roles=person.roles())
    return person


def is_last_admin(person: User) -> bool:
    """Tell whether nobody but this person is an admin who can sign in."""
    return [admin.pk for admin in _admins()] == [person.pk]


# --- What the steps have in common -------------------------------------------------------------------


@contextlib.contextmanager
def changing(by: User | None = None) -> Iterator[None]:
    """Change people alone, in one transaction. Raises NotNow where `by` may not, or not any more."""
    with transaction.atomic():
        # Whoever gives anybody a role, by whatever way, shares these rows, and waits.
        list(Group.objects.select_for_update().filter(name__in=ROLES).order_by("pk"))
        # Of two admins who deactivate each other at once, the second is none any more.
        if by is not None and not one(by.pk).may(MANAGE_PEOPLE):
            raise NotNow("not_yours", f"To change people, one must be {' or '.join(roles_with(MANAGE_PEOPLE))}.")
        yield


def _known(roles: Collection[str]) -> list[str]:
    if unknown := sorted(set(roles) - set(ROLES)):
        raise NotNow("no_such_role", f"There is no role {', '.join(unknown)}: the roles are {', '.join(ROLES)}.")
    return [role for role in ROLES if role in roles]


def one(number: int) -> User:
    """Return somebody as they are now. Raises NotNow where there is nobody."""
    found = with_roles(User.objects.filter(pk=number)).first()
    if found is None:
        raise NotNow("nobody", "There is no such person.")
    return found


def _make(name: str, password: str, roles: Collection[str]) -> User:
    if problem := name_problem(name):
        raise NotNow("name", problem)
    person = User.objects.create(username=name, password=password)
    person.groups.set(Group.objects.filter(name__in=roles))
    return person


def _admins() -> list[User]:
    """Return who may manage people and can sign in. Three queries."""
    may = User.objects.filter(is_active=True, groups__permissions__codename=MANAGE_PEOPLE)
    found = list(may.distinct().order_by("pk"))
    ways = ways_in(found)
    return [person for person in found if lead_in(ways[person.pk])]


def _must_leave_an_admin(person: User) -> None:
    """Refuse what was just done to somebody, `person` as they were before, where no admin is left by it."""
    if person.may(MANAGE_PEOPLE) and not _admins():
        raise NotNow(
            "last_admin", f"{person.known_as} is the last admin who can sign in: first make somebody else an admin."
        )


def give(person: User, roles: Collection[str], before: Collection[str]) -> None:
    """Give somebody roles in place of those that they had. Within a transaction that changes people."""
    person.groups.remove(*Group.objects.filter(name__in=set(before) - set(roles)))
    person.groups.add(*Group.objects.filter(name__in=set(roles) - set(before)))


def let_go(person: User, by: str) -> list[int]:
    """Take from somebody what they hold and may not any more; return the samples that others can claim now.

    Within a transaction that changes people. Also samples that the time ran out for: they could be taken up again.
    And open links: who must go must not come in again, nor as somebody else, by one that they made.
    """
    for link in _of_no_use(person):
        links.withdraw(link, by)
    if person.may(REVIEW_SAMPLES):
        return []
    held = Sample.objects.select_for_update(of=("self",)).filter(held_by=person)
    found = list(held.order_by("id").values_list("id", flat=True))
    review_queue.free(Sample.objects.filter(id__in=found))
    return found


def _of_no_use(person: User) -> Iterator[Link]:
    """Return the open links by which nobody must come in any more, after what was just done to somebody."""
    resets = links.open_of(SignInReset).select_related("person")
    if not person.may(MANAGE_PEOPLE):
        yield from open_invitations().filter(invited_by=person)
        yield from resets.filter(made_by=person)
    if not person.is_active:
        yield from resets.filter(person=person)


def end_sessions(person: User, but: str = "") -> int:
    """End all sessions of somebody, but one if its key is given, and return how many there were. Within a transaction.

    Also sign-ins that wait for their second factor: whoever began one has shown a password that may be the old one. A
    session does not tell whose it is before it is opened: all that are alive are. 10,000 take half a second.
    """
    sessions = import_module(settings.SESSION_ENGINE).SessionStore.get_model_class().objects
    alive = sessions.filter(expire_date__gt=timezone.now()).exclude(session_key=but)
    keys = [session.session_key for session in alive.iterator() if _is_of(session.get_decoded(), person)]
    sessions.filter(session_key__in=keys).delete()
    apps.get_model("usersessions", "UserSession").objects.filter(user=person).exclude(session_key=but).delete()
    return len(keys)


def _is_of(held: Mapping[str, Any], person: User) -> bool:
    """Tell whether a session is somebody's; one that waits for its second factor is, too."""
    begun = held.get("account_login") or {}
    return held.get(SESSION_KEY) == str(person.pk) or begun.get("user_pk") == int_to_base36(person.pk)
