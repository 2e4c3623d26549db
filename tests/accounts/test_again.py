"""Asked again who one is: before what matters, when one signed in too long ago, and then what was sent goes on."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from dashboard.doors import DOORS
from fallbacks.models import ApiKey, User
from tests.accounts.people import PASSWORD, ask_for_key, code_of, later, make, sign_in, with_app
from tests.conftest import Person

pytestmark = pytest.mark.usefixtures("database", "stream", "static_files")
AGAIN = "/account/again?next=/first-run"
SHOWN = {"password": PASSWORD, "next": "/first-run"}


@pytest.fixture
def engineer() -> Client:
    make("eng", "engineer")
    return sign_in("eng")[0]


def test_whoever_has_just_signed_in_is_not_asked(engineer: Client, person: Person) -> None:
    assert ask_for_key(engineer).status_code == 200
    assert ask_for_key(person("engineer")).status_code == 200
    assert ApiKey.objects.count() == 2


def test_after_fifteen_minutes_the_password_is_asked_and_what_was_sent_goes_on(engineer: Client) -> None:
    later(engineer, 890)
    assert ask_for_key(engineer).status_code == 200
    later(engineer, 20)
    assert ask_for_key(engineer).headers["Location"] == AGAIN
    assert ApiKey.objects.count() == 1
    assert b"is kept, and goes on" in engineer.get(AGAIN).content
    assert b"password is wrong" in engineer.post("/account/again", SHOWN | {"password": "wrong"}).content
    assert ApiKey.objects.count() == 1
    answer = engineer.post("/account/again", SHOWN)
    assert (answer.status_code, ApiKey.objects.count()) == (200, 2)
    assert b"It is shown only now" in answer.content
    # And for the next fifteen minutes not again.
    assert ask_for_key(engineer).status_code == 200
    assert ApiKey.objects.count() == 3


def test_what_was_sent_goes_on_once_and_only_for_whom_it_was_asked(engineer: Client) -> None:
    later(engineer)
    ask_for_key(engineer)
    # Asked because of something else: what waits does not slip in.
    assert engineer.post("/account/again", SHOWN | {"next": "/account"}).headers["Location"] == "/account"
    assert engineer.post("/account/again", SHOWN).headers["Location"] == "/first-run"
    assert ApiKey.objects.count() == 0


def test_what_waited_too_long_is_forgotten(engineer: Client) -> None:
    later(engineer)
    ask_for_key(engineer)
    session = engineer.session
    session["waiting"] = {**session["waiting"], "at": session["waiting"]["at"] - 901}
    session.save()
    assert engineer.post("/account/again", SHOWN).status_code == 302
    assert ApiKey.objects.count() == 0


def test_what_goes_on_is_asked_at_the_door_once_more(engineer: Client) -> None:
    later(engineer)
    ask_for_key(engineer)
    User.objects.get(username="eng").groups.set(Group.objects.filter(name="viewer"))
    assert engineer.post("/account/again", SHOWN).status_code == 403
    assert ApiKey.objects.count() == 0


def test_looking_is_never_asked_for_and_suspending_neither(engineer: Client) -> None:
    make("rev", "reviewer")
    reviewer = sign_in("rev")[0]
    later(reviewer)
    assert reviewer.get("/first-run").status_code == 200
    assert reviewer.post("/policies/none/route/suspend").status_code == 404
    approve = reverse("route-approve", args=["none"])
    assert reviewer.post(approve).headers["Location"].startswith("/account/again")


def test_signing_in_elsewhere_does_not_count_here(engineer: Client) -> None:
    later(engineer)
    sign_in("eng")
    assert ask_for_key(engineer).headers["Location"] == AGAIN


def test_a_second_factor_is_shown_in_place_of_the_password() -> None:
    user = make("eng", "engineer")
    secret = with_app(user)
    browser = sign_in("eng")[0]
    browser.force_login(user, "fallbacks.people.WithRoles")
    later(browser)
    ask_for_key(browser)
    assert b"/account/again/code" in browser.get(AGAIN).content
    answer = browser.post("/account/again/code", {"code": code_of(secret), "next": "/first-run"})
    assert (answer.status_code, ApiKey.objects.count()) == (200, 1)


def test_wrong_passwords_are_counted_there_too(engineer: Client) -> None:
    later(engineer)
    answers = [engineer.post("/account/again", SHOWN | {"password": "wrong"}).status_code for _ in range(5)]
    assert answers == [200] * 4 + [429]
    assert engineer.post("/account/again", SHOWN).status_code == 429


def test_nobody_is_led_off_the_site(engineer: Client) -> None:
    for foreign in ("https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example"):
        assert engineer.post("/account/again", SHOWN | {"next": foreign}).headers["Location"] == "/"


def test_what_must_not_be_done_by_whoever_finds_an_open_desk() -> None:
    asked = {name for name, door in DOORS.items() if door.fresh}
    own = {
        "mfa_activate_totp",
        "mfa_deactivate_totp",
        "passkey-add",
        "passkey-remove",
        "recovery-codes",
        "provider-link",
    }
    assert asked >= {"route-approve", "first-run", "invite", "person-roles"} | own


def test_a_second_factor_is_not_changed_at_an_open_desk() -> None:
    make("eng", "engineer")
    browser = sign_in("eng")[0]
    later(browser)
    for path in ("/account/app", "/account/passkeys", "/account/recovery-codes"):
        assert browser.post(path).headers["Location"] == f"/account/again?next={path}"
