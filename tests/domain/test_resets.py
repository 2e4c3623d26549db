"""Somebody who is locked out gets in again by a link of an admin's; until they use it nothing changes for them."""

import hashlib
import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from importlib import import_module

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.contrib.auth import authenticate
from django.db import IntegrityError
from django.test import RequestFactory
from django.utils import timezone
from pytest_django import Settings

from fallbacks import arriving, audit, members, resets
from fallbacks.links import NotGood
from fallbacks.models import AuditEntry, SignInReset, User
from fallbacks.provider import Provider
from fallbacks.ways_in import ways_in
from tests.accounts.people import sign_in, with_app
from tests.domain.test_members import PASSWORD, again, entries, refused, run, session_of, somebody
from tests.side_by_side import at_once

pytestmark = pytest.mark.usefixtures("database")
NEW = "another long one of the tests"


@pytest.fixture
def ines() -> User:
    """An admin."""
    return somebody("ines", "admin")


@pytest.fixture
def dana() -> User:
    """Somebody who has all that one can sign in by, and a session."""
    made = somebody("dana", "engineer")
    with_app(made)
    Authenticator.objects.create(user=made, type=Authenticator.Type.WEBAUTHN, data={})
    return made


@pytest.fixture
def provider(settings: Settings) -> Provider:
    """A provider of the settings."""
    made = Provider("https://login.example", "observatory", "secret", "Company login", frozenset(), "groups", ())
    settings.OIDC = made
    return made


def comes_by(provider: Provider, name: str, password: str | None = None) -> User:
    person = somebody(name, "viewer", password=password)
    SocialAccount.objects.create(user=person, provider=provider.issuer, uid=name)
    return person


def opens(name: str, password: str) -> bool:
    """Tell whether a password opens an account."""
    return authenticate(RequestFactory().post("/login"), username=name, password=password) is not None


def is_alive(session: str) -> bool:
    return bool(import_module(settings.SESSION_ENGINE).SessionStore().exists(session))


def state_of(person: User) -> tuple[bool, list[str], int]:
    return opens(person.username, PASSWORD), ways_in([person])[person.pk], Authenticator.objects.count()


# --- Until it is used, and when it is ----------------------------------------------------------------


def test_until_the_link_is_used_nothing_changes(ines: User, dana: User) -> None:
    session, before = session_of(dana), state_of(dana)
    made = resets.make(dana.pk, ines)
    assert (state_of(dana), is_alive(session)) == (before, True)
    resets.reset_of(made.token)
    assert (state_of(dana), is_alive(session)) == (before, True)
    resets.withdraw(dana.pk, ines)
    assert (state_of(dana), is_alive(session)) == (before, True)
    assert before[1] == ["password", "passkey", "authenticator app"]


def test_when_it_is_used_all_that_opened_the_account_is_gone_but_roles_and_name(ines: User, dana: User) -> None:
    sessions, other = [session_of(dana), session_of(dana)], session_of(ines)
    with_app(ines)
    made = resets.make(dana.pk, ines)
    assert resets.use(made.token, NEW) == dana
    assert (opens("dana", PASSWORD), opens("dana", NEW)) == (False, True)
    assert ways_in([dana])[dana.pk] == ["password"]
    assert not Authenticator.objects.filter(user=dana).exists()
    assert [is_alive(session) for session in (*sessions, other)] == [False, False, True]
    assert Authenticator.objects.filter(user=ines).exists()
    assert again(dana).roles() == ["engineer"]


def test_a_sign_in_that_waits_for_its_second_factor_has_ended_too(ines: User, dana: User) -> None:
    browser, led = sign_in("dana")
    waiting = str(browser.session.session_key)
    assert (led, is_alive(waiting)) == ("/login/code", True)
    resets.use(resets.make(dana.pk, ines).token, NEW)
    assert not is_alive(waiting)


def test_the_log_tells_who_made_it_until_when_and_that_it_was_used(ines: User, dana: User) -> None:
    session_of(dana)
    resets.use(resets.make(dana.pk, ines).token, NEW)
    (made,), (used,) = entries("sign-in reset"), entries("sign-in reset used")
    assert (made["actor"], made["subject"], made["until"][:4]) == ("ines", "dana", str(timezone.now().year))
    assert (used["actor"], used["subject"], used["made_by"], used["sessions"]) == ("dana", "dana", "ines", 1)
    assert used["factors"] == ["passkey", "authenticator app"]
    assert audit.check().wrong == ""
    # And the person is told when, and by whose link.
    reset = resets.last_used(dana)
    assert reset is not None
    assert reset.made_by == ines
    assert resets.last_used(ines) is None


def test_it_is_good_for_a_day(ines: User, dana: User) -> None:
    left = resets.make(dana.pk, ines).link.expires_at - timezone.now()
    assert timedelta(hours=23, minutes=59) < left <= timedelta(hours=24)


def test_of_it_only_the_hash_is_kept_and_it_cannot_be_guessed(ines: User, dana: User) -> None:
    made = resets.make(dana.pk, ines)
    # 256 bits, six a character.
    assert len(made.token) >= 43
    assert bytes(SignInReset.objects.get().digest) == hashlib.sha256(made.token.encode()).digest()
    resets.use(made.token, NEW)
    log = json.dumps([entry.details + entry.subject for entry in AuditEntry.objects.all()])
    assert made.token not in log
    assert NEW not in log


def test_without_a_password_nothing_happens(ines: User, dana: User) -> None:
    made, before = resets.make(dana.pk, ines), state_of(dana)
    refused("password", resets.use, made.token, "")
    assert state_of(dana) == before
    assert SignInReset.objects.get().state == "open"


# --- Links that are of no use ------------------------------------------------------------------------


def of_no_use(token: str, why: str) -> None:
    for step in (lambda: resets.reset_of(token), lambda: resets.use(token, NEW)):
        with pytest.raises(NotGood, match=why):
            step()


def test_it_is_good_once(ines: User, dana: User) -> None:
    made = resets.make(dana.pk, ines)
    resets.use(made.token, NEW)
    of_no_use(made.token, "used")
    refused("not_open", resets.withdraw, dana.pk, ines)
    assert len(entries("sign-in reset used")) == 1


def test_of_two_who_open_one_link_at_once_one_chooses_the_password(ines: User, dana: User) -> None:
    token = resets.make(dana.pk, ines).token
    errors = at_once(
        *(lambda password=password: resets.use(token, password) for password in (NEW, NEW + "!", NEW + "?"))
    )
    assert [type(error) for error in errors] == [NotGood, NotGood]
    assert len(entries("sign-in reset used")) == 1


def test_of_two_steps_at_once_the_second_sees_the_first(ines: User, dana: User) -> None:
    omar = somebody("omar", "admin")
    for _ in range(3):
        token = resets.make(dana.pk, ines).token
        before = again(dana).password
        errors = at_once(partial(resets.use, token, NEW), partial(resets.withdraw, dana.pk, omar))
        assert len(errors) == 1
        # Either it was used, or withdrawn and nothing changed.
        assert (SignInReset.objects.latest("pk").state == "used") == (again(dana).password != before)


def test_a_link_whose_time_is_over_lets_nobody_in(ines: User, dana: User) -> None:
    made = resets.make(dana.pk, ines)
    SignInReset.objects.update(expires_at=timezone.now())
    of_no_use(made.token, "expired")
    of_no_use(made.token[:-1], "unknown")
    refused("not_open", resets.withdraw, dana.pk, ines)
    assert opens("dana", PASSWORD)


def test_an_admin_withdraws_it_whoever_made_it(ines: User, dana: User) -> None:
    made = resets.make(dana.pk, ines)
    resets.withdraw(dana.pk, somebody("omar", "admin"))
    of_no_use(made.token, "withdrawn")
    assert [(entry["actor"], entry["subject"]) for entry in entries("sign-in reset withdrawn")] == [("omar", "dana")]


def test_a_newer_link_makes_the_older_one_useless(ines: User, dana: User) -> None:
    eve = somebody("eve", "viewer")
    others = resets.make(eve.pk, ines)
    older = resets.make(dana.pk, ines)
    newer = resets.make(dana.pk, somebody("omar", "admin"))
    of_no_use(older.token, "withdrawn")
    assert resets.open_for(dana) == newer.link
    assert resets.reset_of(others.token) == others.link
    assert entries("sign-in reset withdrawn")[0]["actor"] == "omar"
    resets.use(newer.token, NEW)


def test_of_two_admins_who_make_one_at_once_one_link_is_good(ines: User, dana: User) -> None:
    omar = somebody("omar", "admin")
    assert at_once(lambda: resets.make(dana.pk, ines), lambda: resets.make(dana.pk, omar)) == []
    assert sorted(each.state for each in SignInReset.objects.select_related("person")) == ["open", "withdrawn"]


def test_who_is_deactivated_gets_none_and_theirs_is_withdrawn_for_good(ines: User, dana: User) -> None:
    made = resets.make(dana.pk, ines)
    members.deactivate(dana.pk, ines)
    of_no_use(made.token, "withdrawn")
    refused("not_active", resets.make, dana.pk, ines)
    members.reactivate(dana.pk, ines)
    of_no_use(made.token, "withdrawn")
    assert entries("sign-in reset withdrawn")[0]["actor"] == "ines"
    assert opens("dana", PASSWORD)


def test_who_was_deactivated_past_the_page_comes_in_by_none_either(ines: User, dana: User) -> None:
    made = resets.make(dana.pk, ines)
    User.objects.filter(pk=dana.pk).update(is_active=False)
    of_no_use(made.token, "withdrawn")
    assert not again(dana).check_password(NEW)


@pytest.mark.parametrize(
    "step",
    [
        lambda ada, ines: members.change_roles(ada.pk, ["viewer"], ["admin"], ines),
        lambda ada, ines: members.deactivate(ada.pk, ines),
        lambda ada, ines: arriving.take_roles(ada, ["viewer"]),
    ],
    ids=["another role", "deactivated", "the provider's word"],
)
def test_whoever_may_no_longer_manage_people_has_no_open_links(
    ines: User, dana: User, step: Callable[[User, User], object]
) -> None:
    ada, eve = somebody("ada", "admin"), somebody("eve", "viewer")
    theirs, of_ines = resets.make(dana.pk, ada), resets.make(eve.pk, ines)
    step(ada, ines)
    of_no_use(theirs.token, "withdrawn")
    assert resets.reset_of(of_ines.token)


# --- Who may, and for whom ---------------------------------------------------------------------------


@pytest.mark.parametrize("roles", [(), ("viewer", "engineer", "reviewer")])
def test_nobody_but_an_admin_makes_or_withdraws_one(ines: User, dana: User, roles: tuple[str, ...]) -> None:
    mallory = somebody("mallory", *roles)
    refused("not_yours", resets.make, dana.pk, mallory)
    resets.make(dana.pk, ines)
    refused("not_yours", resets.withdraw, dana.pk, mallory)
    assert SignInReset.objects.get().state == "open"


def test_nobody_makes_one_for_themselves(ines: User) -> None:
    assert "account page" in refused("own", resets.make, ines.pk, ines)
    # Nor whoever writes SQL.
    with pytest.raises(IntegrityError):
        SignInReset.objects.create(digest=b"x", expires_at=timezone.now(), person=ines, made_by=ines)
    refused("nobody", resets.make, 0, ines)


def test_the_last_admin_is_helped_by_one_that_the_server_makes(ines: User) -> None:
    with_app(ines)
    Authenticator.objects.create(user=ines, type=Authenticator.Type.WEBAUTHN, data={})
    run("create_admin", "omar", "--another")
    omar = User.objects.get(username="omar")
    resets.use(resets.make(ines.pk, omar).token, NEW)
    assert opens("ines", NEW)
    assert ways_in([ines])[ines.pk] == ["password"]
    assert again(ines).may("manage_people")
    members.deactivate(omar.pk, ines)


# --- Who comes by a provider -------------------------------------------------------------------------


def test_who_comes_by_the_provider_alone_has_nothing_to_lose_here(ines: User, provider: Provider) -> None:
    kim = comes_by(provider, "kim")
    refused("by_provider", resets.make, kim.pk, ines)
    assert SignInReset.objects.count() == 0


def test_a_second_factor_behind_the_provider_is_taken_off_and_no_password_is_made(
    ines: User, provider: Provider
) -> None:
    kim = comes_by(provider, "kim")
    with_app(kim)
    session = session_of(kim)
    made = resets.make(kim.pk, ines)
    resets.use(made.token, NEW)
    assert not again(kim).has_usable_password()
    assert ways_in([kim])[kim.pk] == ["Company login"]
    assert not Authenticator.objects.exists()
    assert not is_alive(session)


def test_who_has_a_password_and_the_provider_chooses_a_new_one_and_stays_linked(ines: User, provider: Provider) -> None:
    kim = comes_by(provider, "kim", PASSWORD)
    resets.use(resets.make(kim.pk, ines).token, NEW)
    assert opens("kim", NEW)
    assert ways_in([kim])[kim.pk] == ["password", "Company login"]


def test_who_came_by_a_provider_that_is_gone_gets_a_password(
    ines: User, provider: Provider, settings: Settings
) -> None:
    kim = comes_by(provider, "kim")
    settings.OIDC = None
    resets.use(resets.make(kim.pk, ines).token, NEW)
    assert opens("kim", NEW)
