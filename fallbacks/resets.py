"""Somebody who is locked out gets in again: by a link that an admin makes, they choose a new password.

Until it is used nothing changes, so an admin's slip locks nobody out. Then all that they signed in by is gone: nobody
can tell what of it was lost, and what is in wrong hands.
"""

from datetime import timedelta

from django.apps import apps
from django.contrib.auth.hashers import make_password
from django.db.models import QuerySet
from django.db.models.functions import Now

from fallbacks import audit, links, members
from fallbacks.links import Made
from fallbacks.models import SignInReset, User
from fallbacks.not_now import NotNow
from fallbacks.ways_in import APP, PASSKEY, by_provider_alone, ways_in

GOOD_FOR = timedelta(hours=24)
# Recovery codes come along with them.
SECOND_FACTORS = (PASSKEY, APP)


def make(number: int, by: User) -> Made[SignInReset]:
    """Make a link for somebody. One that was open for them is of no use from then on.

    Raises NotNow where `by` means themselves, and where no link would help.
    """
    with members.changing(by):
        person = members.one(number)
        if person == by:
            raise NotNow("own", "Your own password and second factors are yours to change, on your account page.")
        if not person.is_active:
            raise NotNow("not_active", f"{person.known_as} is deactivated: let them in again first.")
        if not chooses_password(person) and not _second_factors(person):
            raise NotNow("by_provider", f"{person.known_as} has no password and no second factor here to lose.")
        for older in _open(person):
            links.withdraw(older, by.username)
        made = links.make(SignInReset, GOOD_FOR, person=person, made_by=by)
        audit.append("sign-in reset", by.username, subject=person.username, until=made.link.expires_at)
    return made


def withdraw(number: int, by: User) -> None:
    """Make the link for somebody useless. Raises NotNow where none is open."""
    with members.changing(by):
        found = open_for(members.one(number))
        if found is None:
            raise NotNow("not_open", "No link is open: it was used, withdrawn, or its time ran out.")
        links.withdraw(found, by.username)


def open_for(person: User) -> SignInReset | None:
    """Return the link by which somebody can get in again. One query."""
    return _open(person).first()


def last_used(person: User) -> SignInReset | None:
    """Return the link by which somebody last got in again. One query."""
    used = SignInReset.objects.filter(person=person, used_at__isnull=False)
    return used.select_related("made_by").order_by("-used_at").first()


def reset_of(token: str) -> SignInReset:
    """Return what a link is for. Raises NotGood where it is of no use (any more)."""
    return links.find(SignInReset.objects.select_related("made_by", "person"), token)


def use(token: str, password: str) -> User:
    """Let somebody in by a password that they chose, and end all that they signed in by before.

    Who comes by the provider alone chooses none, and what is given for them is not looked at. Raises NotGood, or NotNow
    where there is no password.
    """
    # Slow, on purpose: not while others wait.
    encoded = make_password(password)
    with members.changing():
        # Again, with the lock held: of two who open one link, one chooses the password.
        reset = reset_of(token)
        # Who changes by what this person signs in waits for this row, and sees then that their session has ended.
        person = User.objects.select_for_update(no_key=True).get(pk=reset.person.pk)
        if chooses_password(person):
            if not password:
                raise NotNow("password", "Choose a password.")
            User.objects.filter(pk=person.pk).update(password=encoded)
        factors = _second_factors(person)
        apps.get_model("mfa", "Authenticator").objects.filter(user=person).delete()
        ended = members.end_sessions(person)
        SignInReset.objects.filter(pk=reset.pk).update(used_at=Now())
        made_by, name = reset.made_by.username, person.username
        audit.append("sign-in reset used", name, subject=name, made_by=made_by, factors=factors, sessions=ended)
    return members.one(person.pk)


def chooses_password(person: User) -> bool:
    """Tell whether somebody gets a password by a link.

    Not who comes by the provider alone: it would let them in when the provider does no more.
    """
    return not by_provider_alone(person)


def _open(person: User) -> QuerySet[SignInReset]:
    return links.open_of(SignInReset).filter(person=person).select_related("made_by", "person")


def _second_factors(person: User) -> list[str]:
    return [way for way in ways_in([person])[person.pk] if way in SECOND_FACTORS]
