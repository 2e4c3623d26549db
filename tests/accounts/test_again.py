"""Asked again who one is: before what matters, when one signed in too long ago, and then what was sent goes on."""

from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from dashboard import asked_again, steps
from dashboard.doors import DOORS
from fallbacks.models import ApiKey, Invitation, User
from tests.accounts.people import PASSWORD, ask_for_key, asked_for, code_of, later, make, sign_in, with_app
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
    assert asked_for(ask_for_key(engineer)) == "/first-run"
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


def test_a_session_that_does_not_say_when_is_asked(engineer: Client) -> None:
    session = engineer.session
    del session[asked_again.SHOWN_AT]
    session.save()
    assert asked_for(ask_for_key(engineer)) == "/first-run"


def test_what_was_sent_goes_on_once_and_only_for_whom_it_was_asked(engineer: Client) -> None:
    later(engineer)
    ask_for_key(engineer)
    # Asked because of something else: what waits does not slip in.
    assert engineer.post("/account/again", SHOWN | {"next": "/account"}).headers["Location"] == "/account"
    assert ApiKey.objects.count() == 0
    assert engineer.post("/account/again", SHOWN).status_code == 200
    assert engineer.post("/account/again", SHOWN).headers["Location"] == "/first-run"
    assert ApiKey.objects.count() == 1


def test_two_windows_that_sent_to_one_address_go_on_each_with_its_own(engineer: Client) -> None:
    later(engineer)
    first, second = (
        parse_qs(urlsplit(engineer.post("/first-run", {"form": str(uuid4())}).headers["Location"]).query)["next"][0]
        for _ in range(2)
    )
    assert "is not kept: send it again afterwards" in engineer.get("/account/again", {"next": first}).text
    answer = engineer.post("/account/again", SHOWN | {"next": first}, follow=True)
    assert "“Make a key”: what you sent is not kept any more" in answer.text
    assert ApiKey.objects.count() == 0
    assert "is kept, and goes on" in engineer.get("/account/again", {"next": second}).text
    assert engineer.post("/account/again", SHOWN | {"next": second}).status_code == 200
    assert ApiKey.objects.count() == 1


def test_what_waited_too_long_is_forgotten(engineer: Client) -> None:
    later(engineer)
    ask_for_key(engineer)
    session = engineer.session
    session["waiting"] = {**session["waiting"], "at": session["waiting"]["at"] - 901}
    session.save()
    assert engineer.post("/account/again", SHOWN).status_code == 302
    assert ApiKey.objects.count() == 0


def test_what_was_sent_goes_on_once_also_for_requests_that_come_together(engineer: Client) -> None:
    later(engineer)
    ask_for_key(engineer)
    kept = engineer.session["waiting"]
    assert engineer.post("/account/again", SHOWN).status_code == 200
    for _ in range(2):
        # As a request has it that read the session before the first one wrote it.
        session = engineer.session
        session["waiting"] = kept
        session.save()
        assert b"It was done already" in engineer.post("/account/again", SHOWN, follow=True).content
    assert ApiKey.objects.count() == 1


def test_what_is_too_much_to_keep_puts_nothing_older_in_its_place(engineer: Client) -> None:
    later(engineer)
    ask_for_key(engineer)
    assert engineer.post("/first-run", {"form": "x" * (asked_again.MOST_KEPT + 1)}).headers["Location"] == AGAIN
    page = engineer.get(AGAIN).text
    assert "is kept, and goes on" not in page
    assert "is not kept: send it again afterwards" in page
    answer = engineer.post("/account/again", SHOWN, follow=True)
    assert "“Make a key”: what you sent is not kept any more" in answer.text
    assert ApiKey.objects.count() == 0


def test_who_is_asked_sees_for_which_step(engineer: Client) -> None:
    later(engineer)
    ask_for_key(engineer)
    assert "<b>Make a key</b>" in engineer.get(AGAIN).text
    assert "<b>" not in engineer.get("/account/again?next=/account").text.partition("<h1")[2].partition("<form")[0]
    assert {name for name, door in DOORS.items() if door.fresh} == set(steps.STEPS)


@pytest.mark.parametrize("displaced", [True, False])
def test_who_sent_what_is_not_kept_any_more_is_told_so_on_a_page_that_is_there(displaced: bool) -> None:
    make("ines", "admin")
    gone = f"/people/{make('dana').pk}"
    admin = sign_in("ines")[0]
    later(admin)
    admin.post(f"{gone}/deactivate")
    if displaced:
        admin.post("/people/invite", {"role": "viewer"})
    else:
        session = admin.session
        session["waiting"] = {**session["waiting"], "at": session["waiting"]["at"] - 901}
        session.save()
    answer = admin.post("/account/again", SHOWN | {"next": f"{gone}/deactivate"}, follow=True)
    assert answer.redirect_chain == [(gone, 302)]
    assert answer.status_code == 200
    assert "“Deactivate somebody”: what you sent is not kept any more" in answer.text
    assert User.objects.get(username="dana").is_active
    assert Invitation.objects.count() == 0


def test_every_step_begins_at_a_page_that_says_what_became_of_it() -> None:
    admin = sign_in(make("ines", "admin").username)[0]
    # The others are of one person, key or route.
    for page in {step.page for step in steps.STEPS.values()} - {"person", "key", "route"}:
        session = admin.session
        session["shown_at"] -= 901
        session.save()
        name = next(name for name, step in steps.STEPS.items() if step.page == page and name != "passkey-remove")
        answer = admin.post("/account/again", SHOWN | {"next": reverse(name)}, follow=True)
        assert answer.redirect_chain == [(reverse(page), 302)]
        assert "what you sent is not kept any more" in answer.text, page


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
    assert asked_for(reviewer.post(approve)) == approve


def test_signing_in_elsewhere_does_not_count_here(engineer: Client) -> None:
    later(engineer)
    sign_in("eng")
    assert asked_for(ask_for_key(engineer)) == "/first-run"


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
    assert asked >= {"route-approve", "first-run", "invite", "person-roles", "person-reset"} | own


def test_a_second_factor_is_not_changed_at_an_open_desk() -> None:
    make("eng", "engineer")
    browser = sign_in("eng")[0]
    later(browser)
    for path in ("/account/app", "/account/passkeys", "/account/recovery-codes"):
        assert asked_for(browser.post(path)) == path
