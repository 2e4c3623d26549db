"""How people sign in: by their password, by the provider of OpenID Connect, by a passkey, with a second factor."""

from collections.abc import Collection, Iterator, Sequence

from django.apps import apps
from django.conf import settings

from fallbacks.models import User
from fallbacks.provider import Provider

PASSWORD, PASSKEY, APP = "password", "passkey", "authenticator app"
# allauth's kinds. Recovery codes come along with the others.
_KINDS = {"webauthn": PASSKEY, "totp": APP}


def ways_in(people: Collection[User]) -> dict[int, list[str]]:
    """Return by what each of these signs in, by number; the provider by its name. Two queries."""
    found = {person.pk: [PASSWORD] if person.has_usable_password() else [] for person in people}
    for number, way in (*_provider(found), *_factors(found)):
        if way not in found[number]:
            found[number].append(way)
    return found


def lead_in(ways: Sequence[str]) -> bool:
    """Tell whether one of these opens by itself: an app alone does not."""
    return any(way != APP for way in ways)


def by_provider_alone(person: User) -> bool:
    """Tell whether somebody signs in by the provider, and has no password here. One query, none for most."""
    return not person.has_usable_password() and any(_provider([person.pk]))


def _provider(numbers: Collection[int]) -> Iterator[tuple[int, str]]:
    # Whoever came by another provider than that of the settings has no way in by it any more.
    provider: Provider | None = settings.OIDC
    if provider is not None:
        accounts = apps.get_model("socialaccount", "SocialAccount").objects
        for number in accounts.filter(user__in=list(numbers), provider=provider.issuer).values_list("user", flat=True):
            yield number, provider.name


def _factors(numbers: Collection[int]) -> Iterator[tuple[int, str]]:
    rows = apps.get_model("mfa", "Authenticator").objects.filter(user__in=list(numbers), type__in=_KINDS)
    for number, kind in rows.order_by("-type").values_list("user", "type"):
        yield number, _KINDS[kind]
