"""People who come by a provider of OpenID Connect, and the roles that the provider says they have."""

from collections.abc import Sequence

from django.contrib.auth.models import Group
from django.db import transaction

from fallbacks import audit, members
from fallbacks.models import User
from fallbacks.models.user import with_roles
from fallbacks.permissions import MANAGE_PEOPLE, ROLES, roles_with

# By whom roles are given, in the audit log. With a blank: no person is called that.
PROVIDER = "OpenID Connect"


def stands_for_somebody(name: str) -> bool:
    """Tell whether a name that somebody brings along is another's: a person's user name, or that of a machine."""
    machines = (members.SERVER, PROVIDER.lower())
    return name.lower() in machines or User.objects.filter(username__iexact=name).exists()


def joined(person: User, roles: Sequence[str] | None, provider: str) -> None:
    """Note that somebody came for the first time, with these roles; none where an admin gives them."""
    with transaction.atomic():
        person.groups.set(Group.objects.filter(name__in=roles or []))
        audit.append("person joined", person.username, subject=f"by {provider}", roles=list(roles or []))


def take_roles(person: User, roles: Sequence[str]) -> list[str]:
    """Give somebody the roles that the provider says, and no others. Returns those they have now.

    The last admin who can sign in stays one, whatever the provider says: nobody could undo it.
    """
    with members.changing():
        before = with_roles(User.objects.filter(pk=person.pk)).get().roles()
        given = [role for role in ROLES if role in roles]
        admins = set(roles_with(MANAGE_PEOPLE))
        if not admins & set(given) and members.is_last_admin(person):
            given = [role for role in ROLES if role in given or role in admins & set(before)]
        if given == before:
            return before
        members.give(person, given, before)
        freed = members.let_go(with_roles(User.objects.filter(pk=person.pk)).get(), PROVIDER)
        audit.append("roles changed", PROVIDER, subject=person.username, before=before, roles=given, samples=freed)
    return given
