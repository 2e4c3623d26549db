"""People who come by a provider of OpenID Connect, and the roles that the provider says they have."""

from collections.abc import Sequence

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models.functions import Now

from fallbacks import audit, members, review_queue
from fallbacks.models import Invitation, Sample, User
from fallbacks.models.user import with_roles
from fallbacks.permissions import MANAGE_PEOPLE, REVIEW_SAMPLES, ROLES, roles_with

# By whom roles are given, in the audit log. With a blank: no person is called that.
PROVIDER = "OpenID Connect"


def joined(person: User, roles: Sequence[str] | None, provider: str) -> None:
    """Note that somebody came for the first time, with these roles; none where an admin gives them."""
    with transaction.atomic():
        person.groups.set(Group.objects.filter(name__in=roles or []))
        audit.append("person joined", person.username, subject=f"by {provider}", roles=list(roles or []))


def take_roles(person: User, roles: Sequence[str]) -> list[str]:
    """Give somebody the roles that the provider says, and no others. Returns those they have now.

    The last admin who can sign in stays one, whatever the provider says: nobody could undo it.
    """
    with transaction.atomic():
        # Whoever changes people holds these rows: see `fallbacks.members`.
        list(Group.objects.select_for_update().filter(name__in=ROLES).order_by("pk"))
        before = with_roles(User.objects.filter(pk=person.pk)).get().roles()
        given = [role for role in ROLES if role in roles]
        admins = set(roles_with(MANAGE_PEOPLE))
        if not admins & set(given) and members.is_last_admin(person):
            given = [role for role in ROLES if role in given or role in admins & set(before)]
        if given == before:
            return before
        person.groups.remove(*Group.objects.filter(name__in=set(before) - set(given)))
        person.groups.add(*Group.objects.filter(name__in=set(given) - set(before)))
        now = with_roles(User.objects.filter(pk=person.pk)).get()
        freed = [] if now.may(REVIEW_SAMPLES) else _free_samples(now)
        if not now.may(MANAGE_PEOPLE):
            _withdraw_invitations(now)
        audit.append("roles changed", PROVIDER, subject=person.username, before=before, roles=given, samples=freed)
    return given


def _free_samples(person: User) -> list[int]:
    """Let others claim what somebody holds who may not review any more."""
    held = Sample.objects.select_for_update(of=("self",)).filter(held_by=person)
    found = list(held.order_by("id").values_list("id", flat=True))
    review_queue.free(Sample.objects.filter(id__in=found))
    return found


def _withdraw_invitations(person: User) -> None:
    """Withdraw what somebody invited to who may not invite any more."""
    for invitation in members.open_invitations().filter(invited_by=person):
        Invitation.objects.filter(id=invitation.id, used_at=None).update(withdrawn_at=Now())
        audit.append("invitation withdrawn", PROVIDER, subject=str(invitation), note=invitation.note)
