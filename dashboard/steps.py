"""What people are asked again for: each step in words, and the page where it begins, by the names of addresses."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.urls import NoReverseMatch, Resolver404, resolve, reverse


@dataclass(frozen=True, slots=True)
class Step:
    """A step in words, and the page to begin it at again, which shows messages."""

    words: str
    page: str


# One for every door that is `fresh`.
STEPS: Mapping[str, Step] = {
    "first-run": Step("Make a key", "first-run"),
    "key-new": Step("Make a key", "keys"),
    "key-rotate": Step("Rotate a key", "key"),
    "route-approve": Step("Approve a route", "route"),
    "invite": Step("Invite somebody", "people"),
    "person-roles": Step("Change somebody’s roles", "person"),
    "person-deactivate": Step("Deactivate somebody", "person"),
    "person-reactivate": Step("Let somebody in again", "person"),
    "person-reset": Step("Make a link to get in again", "person"),
    "mfa_activate_totp": Step("Add an authenticator app", "account"),
    "mfa_deactivate_totp": Step("Remove the authenticator app", "account"),
    "passkey-add": Step("Add a passkey", "account"),
    "passkey-remove": Step("Remove a passkey", "account"),
    "recovery-codes": Step("Make new recovery codes", "account"),
    "provider-link": Step("Link your account", "account"),
}


def at(address: str) -> Step | None:
    """Return the step at an address, with the address of its page; None where it is none that is asked again for."""
    try:
        match = resolve(urlsplit(address).path)
    except (Resolver404, ValueError):
        return None
    step = STEPS.get(match.view_name)
    if step is None:
        return None
    try:
        # Of the same route, key or person.
        return Step(step.words, reverse(step.page, kwargs=match.captured_kwargs))  # type: ignore[attr-defined]
    except NoReverseMatch:
        return Step(step.words, reverse(step.page))
