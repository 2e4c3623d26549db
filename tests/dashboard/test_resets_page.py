"""Somebody who is locked out: the link on their page, what it shows to whom, and how they get in by it."""

import json
import logging
import re
import threading
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from dashboard import asked_again
from fallbacks import members, resets
from fallbacks.logs import Lines
from fallbacks.models import AuditEntry, SignInReset, User
from fallbacks.provider import Provider
from tests.accounts.people import PASSWORD, asked_for, code_of, is_in, make, sign_in, with_app
from tests.conftest import Person
from tests.dashboard.stage import asked_of_the_database
from tests.dashboard.test_people_page import MOST_QUERIES, text
from tests.side_by_side import at_once, until_somebody_waits

NEW = "another long one of the tests"
TYPED = {"password": NEW, "again": NEW}

pytestmark = pytest.mark.usefixtures("database", "static_files")


@pytest.fixture
def admin(person: Person) -> Client:
    return person("admin")


@pytest.fixture
def dana() -> User:
    return make("dana", "engineer")


def link_for(admin: Client, person: User) -> str:
    """Make a link on somebody's page, and return its path."""
    answer = admin.post(f"/people/{person.pk}/reset")
    found = re.search(r'value="http://testserver(/reset/[^"]+)"', answer.content.decode())
    assert found, text(answer)
    return found[1]


def test_who_is_locked_out_chooses_a_new_password_and_is_in(admin: Client, dana: User) -> None:
    secret = with_app(dana)
    stolen = sign_in("dana")[0]
    stolen.post("/login/code", {"code": code_of(secret)})
    assert is_in(stolen)
    page = text(admin.get(f"/people/{dana.pk}"))
    assert "Locked out" in page
    assert "Until then nothing changes for them." in page
    link = link_for(admin, dana)
    assert is_in(stolen)
    guest = Client()
    page = text(guest.get(link))
    assert "Choose a new password admin made this link for dana" in page
    answer = guest.post(link, TYPED, follow=True)
    assert "Your new password is set" in text(answer)
    assert "add second factors again here" in text(answer)
    assert is_in(guest)
    assert not is_in(stolen)
    assert sign_in("dana")[1] == ""
    # Without a code: there is no app any more.
    assert sign_in("dana", NEW)[1] == "/"
    log = text(admin.get("/audit"))
    assert re.search(r"admin made a link for dana to reset their sign-in, good until ", log)
    assert "dana reset their sign-in by a link that admin made, which took away: authenticator app" in log


def test_their_account_tells_when_and_by_whose_link(admin: Client, dana: User) -> None:
    browser = sign_in("dana")[0]
    assert "Set anew" not in text(browser.get("/account"))
    link = link_for(admin, dana)
    assert "Set anew" not in text(browser.get("/account"))
    Client().post(link, TYPED)
    page = text(sign_in("dana", NEW)[0].get("/account"))
    assert re.search(
        r"Set anew \d\d:\d\d , by a link that admin made. If that was not you, tell an admin at once", page
    )


def test_the_link_is_shown_once_and_kept_nowhere(admin: Client, dana: User) -> None:
    link = link_for(admin, dana)
    token = link.removeprefix("/reset/")
    assert token not in admin.get(f"/people/{dana.pk}").content.decode()
    Client().post(link, TYPED)
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        for (table,) in cursor.fetchall():
            cursor.execute(f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s', [f"%{token}%"])
            assert cursor.fetchone() == (0,), table


def test_the_link_is_told_to_no_other_address_no_cache_and_no_log(admin: Client, dana: User) -> None:
    used = link_for(admin, dana)
    Client().post(used, TYPED)
    link = link_for(admin, dana)
    for path in (link, used, "/reset/none"):
        for client in (Client(), admin):
            answer = client.get(path)
            assert answer["Referrer-Policy"] == "strict-origin"
            assert "no-store" in answer["Cache-Control"]
    assert "no-store" in admin.post(f"/people/{dana.pk}/reset")["Cache-Control"]
    record = logging.makeLogRecord(
        {"msg": "Internal Server Error: %s", "args": (link,), "levelname": "ERROR", "path": f'"{link}"'}
    )
    line = Lines().format(record)
    assert link.removeprefix("/reset/") not in line
    assert json.loads(line)["path"] == '"/reset/…"'


def test_to_look_at_a_link_does_not_use_it_up(admin: Client, dana: User) -> None:
    link = link_for(admin, dana)
    for client in (Client(), admin, sign_in("dana")[0]):
        with CaptureQueriesContext(connection) as queries:
            assert (client.get(link).status_code, client.head(link).status_code) == (200, 200)
        assert {query["sql"].split()[0] for query in queries} <= {"SELECT"}
    assert SignInReset.objects.get().state == "open"
    assert sign_in("dana")[1] == "/"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"password": "short", "again": "short"}, "too short"),
        ({"password": "password1234", "again": "password1234"}, "too common"),
        ({"password": "dana.engineer", "again": "dana.engineer"}, "too similar"),
        ({"password": NEW, "again": "another"}, "not the same as above"),
        ({}, "too short"),
    ],
)
def test_what_is_no_good_password_is_said_beside_it_and_nothing_is_lost(
    admin: Client, typed: dict[str, str], said: str
) -> None:
    dana = make("dana-engineer")
    link = link_for(admin, dana)
    answer = Client().post(link, typed)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert said in page
    assert 'aria-invalid="true"' in page
    assert not re.search(r'type="password"[^>]* value=', page)
    assert sign_in("dana-engineer")[1] == "/"
    assert Client().post(link, TYPED).status_code == 302


@pytest.mark.parametrize(
    ("state", "status", "said"),
    [
        ("used", 410, "This link was used .* If it was not, tell admin at once"),
        ("withdrawn", 410, "This link was withdrawn Nobody gets in by it any more. .* Ask admin for another"),
        ("replaced", 410, "This link was withdrawn .* There may be a newer one. Ask admin for another"),
        ("deactivated", 410, "This link was withdrawn .* Ask admin for another"),
        ("expired", 410, "The time of this link is over It was good for 24 hours. Ask admin for another"),
        ("unknown", 404, "There is no such link .* ask whoever sent it"),
    ],
)
def test_a_link_that_is_over_says_so_and_whom_to_ask(
    admin: Client, dana: User, state: str, status: int, said: str
) -> None:
    link = link_for(admin, dana)
    if state == "used":
        Client().post(link, TYPED)
    elif state == "withdrawn":
        answer = admin.post(f"/people/{dana.pk}/reset/withdraw", follow=True)
        assert "Withdrawn: that link is of no use any more" in text(answer)
    elif state == "replaced":
        link_for(admin, dana)
    elif state == "deactivated":
        admin.post(f"/people/{dana.pk}/deactivate")
    elif state == "expired":
        SignInReset.objects.update(expires_at=timezone.now())
    else:
        link = "/reset/another"
    password = User.objects.get(pk=dana.pk).password
    for answer in (Client().get(link), Client().post(link, {"password": NEW + "!", "again": NEW + "!"})):
        assert answer.status_code == status
        assert re.search(said, text(answer))
    assert User.objects.get(pk=dana.pk).password == password


def test_who_is_signed_in_as_another_changes_nothing_by_it(admin: Client, dana: User) -> None:
    link = link_for(admin, dana)
    for answer in (admin.get(link), admin.post(link, TYPED)):
        assert "You are signed in as admin This link is for dana" in text(answer)
    assert SignInReset.objects.get().state == "open"
    assert sign_in("dana")[1] == "/"


def test_who_is_still_signed_in_uses_their_own_and_goes_on(admin: Client, dana: User) -> None:
    here, there = sign_in("dana")[0], sign_in("dana")[0]
    before = here.session.session_key
    answer = here.post(link_for(admin, dana), TYPED, follow=True)
    assert "Your new password is set" in text(answer)
    assert (is_in(here), is_in(there)) == (True, False)
    assert here.session.session_key != before


def test_a_form_of_another_site_uses_no_link(admin: Client, dana: User) -> None:
    link = link_for(admin, dana)
    assert Client(enforce_csrf_checks=True).post(link, TYPED).status_code == 403
    assert SignInReset.objects.get().state == "open"


def test_who_signed_in_long_ago_is_asked_who_they_are_before_a_link_is_made(admin: Client, dana: User) -> None:
    User.objects.get(username="admin").set_password(PASSWORD)
    session = admin.session
    session[asked_again.SHOWN_AT] -= 16 * 60
    session.save()
    path = f"/people/{dana.pk}/reset"
    assert asked_for(admin.post(path)) == path
    assert SignInReset.objects.count() == 0
    # What takes a way in from somebody is never held up.
    resets.make(dana.pk, User.objects.get(username="admin"))
    assert admin.post(f"{path}/withdraw")["Location"] == f"/people/{dana.pk}"
    assert SignInReset.objects.get().state == "withdrawn"


def test_what_was_sent_goes_on_to_the_link(dana: User) -> None:
    make("ines", "admin")
    browser = sign_in("ines")[0]
    session = browser.session
    session[asked_again.SHOWN_AT] -= 16 * 60
    session.save()
    path = f"/people/{dana.pk}/reset"
    browser.post(path)
    answer = browser.post("/account/again", {"password": PASSWORD, "next": path})
    assert "The link is made. It is shown only now." in text(answer)


def test_a_persons_page_says_what_is_so_with_their_link(admin: Client, dana: User, person: Person) -> None:
    page = text(admin.get(f"/people/{dana.pk}"))
    assert "Make a link" in page
    assert "Withdraw it" not in page
    link_for(admin, dana)
    page = text(admin.get(f"/people/{dana.pk}"))
    assert re.search(r"A link is open until .* You made it \d\d:\d\d", page)
    assert "Make a new link Withdraw it" in page
    assert "The link by which they could get in again is withdrawn." in page
    assert len(asked_of_the_database(admin, f"/people/{dana.pk}")) <= MOST_QUERIES
    other = person("admin", "viewer")
    assert re.search(r"A link is open until .* admin made it", text(other.get(f"/people/{dana.pk}")))
    # Withdrawn twice is not an error.
    other.post(f"/people/{dana.pk}/reset/withdraw")
    assert "No link is open" in text(admin.post(f"/people/{dana.pk}/reset/withdraw", follow=True))


def test_for_oneself_and_for_who_is_out_there_is_none(admin: Client, dana: User) -> None:
    own = User.objects.get(username="admin").pk
    page = text(admin.get(f"/people/{own}"))
    assert "Your own password and second factors are on your account" in page
    answer = admin.post(f"/people/{own}/reset")
    assert answer.status_code == 409
    assert "Nothing was changed. Your own password" in text(answer)
    admin.post(f"/people/{dana.pk}/deactivate")
    assert "Locked out" not in text(admin.get(f"/people/{dana.pk}"))
    assert "dana is deactivated: let them in again first" in text(admin.post(f"/people/{dana.pk}/reset"))
    assert admin.post("/people/0/reset").status_code == 404
    assert SignInReset.objects.count() == 0


def test_who_comes_by_the_provider_alone_gets_no_password_but_loses_second_factors(
    admin: Client, settings: Settings
) -> None:
    settings.OIDC = Provider("https://login.example", "id", "secret", "Company login", frozenset(), "groups", ())
    kim = User.objects.create_user("kim")
    SocialAccount.objects.create(user=kim, provider="https://login.example", uid="kim")
    page = text(admin.get(f"/people/{kim.pk}"))
    assert "they sign in by Company login, and get back there what they lost" in page
    assert "Make a link" not in page
    assert admin.post(f"/people/{kim.pk}/reset").status_code == 409
    with_app(kim)
    link = link_for(admin, kim)
    guest = Client()
    form = guest.get(link)
    assert "Take off your second factors" in text(form)
    assert 'type="password"' not in form.content.decode()
    answer = guest.post(link, TYPED, follow=True)
    assert "Your second factors are gone, and all your sessions. Sign in as always." in text(answer)
    assert not is_in(guest)
    assert not User.objects.get(pk=kim.pk).has_usable_password()
    assert Authenticator.objects.count() == 0


# --- Whatever was under way --------------------------------------------------------------------------


def under_way(send: Any, meanwhile: Any) -> Any:
    """Send something while something else is done and not committed, and return the answer to what was sent."""
    answers: list[Any] = []
    done = threading.Event()

    def first() -> None:
        with transaction.atomic():
            meanwhile()
            done.set()
            until_somebody_waits()

    def second() -> None:
        done.wait(10)
        answers.append(send())

    assert at_once(first, second) == []
    return answers[0]


@pytest.mark.parametrize("how", ["by a link", "deactivated"])
def test_who_is_put_out_meanwhile_leaves_no_password_behind(dana: User, how: str) -> None:
    ines = make("ines", "admin")
    token = resets.make(dana.pk, ines).token
    browser = sign_in("dana")[0]
    theirs = {"old_password": PASSWORD, "new_password1": NEW + "!", "new_password2": NEW + "!"}

    def put_out() -> None:
        if how == "by a link":
            resets.use(token, NEW)
        else:
            members.deactivate(dana.pk, ines)

    answer = under_way(lambda: browser.post("/account/password", theirs), put_out)
    assert answer.status_code == 403
    now = User.objects.get(pk=dana.pk)
    assert now.check_password(NEW if how == "by a link" else PASSWORD)
    assert now.is_active == (how == "by a link")
    assert not AuditEntry.objects.filter(action="password changed").exists()


@pytest.mark.parametrize("path", ["/account/app", "/account/recovery-codes"])
def test_who_is_put_out_meanwhile_leaves_no_second_factor_behind(dana: User, path: str) -> None:
    token = resets.make(dana.pk, make("ines", "admin")).token
    browser = sign_in("dana")[0]
    found = re.search(r'id="secret" readonly value="([A-Z2-7]+)"', browser.get("/account/app").content.decode())
    assert found
    sent = {"code": code_of(found[1])}
    if path == "/account/recovery-codes":
        browser.post("/account/app", sent)
    answer = under_way(lambda: browser.post(path, sent), lambda: resets.use(token, NEW))
    assert answer.status_code == 403
    assert Authenticator.objects.count() == 0
    assert sign_in("dana", NEW)[1] == "/"


def test_nor_does_who_comes_by_the_provider(dana: User, settings: Settings) -> None:
    settings.OIDC = Provider("https://login.example", "id", "secret", "Company login", frozenset(), "groups", ())
    browser = Client()
    with_app(dana)
    SocialAccount.objects.create(user=dana, provider="https://login.example", uid="dana")
    User.objects.filter(pk=dana.pk).update(password="!")
    browser.force_login(User.objects.get(pk=dana.pk), "fallbacks.people.WithRoles")
    token = resets.make(dana.pk, make("ines", "admin")).token
    answer = under_way(lambda: browser.post("/account/recovery-codes"), lambda: resets.use(token, ""))
    assert answer.status_code == 403
    assert Authenticator.objects.count() == 0


def test_a_link_is_no_use_to_a_session_that_waits_for_its_code(admin: Client, dana: User) -> None:
    secret = with_app(dana)
    waiting = sign_in("dana")[0]
    Client().post(link_for(admin, dana), TYPED)
    assert waiting.post("/login/code", {"code": code_of(secret)}).headers["Location"] == "/login"
    assert not is_in(waiting)
