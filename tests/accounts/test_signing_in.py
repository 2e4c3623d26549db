"""Passwords, second factors and sessions: who gets in, who does not, and who is put out."""

import re

import pytest
from allauth.mfa.models import Authenticator
from django.contrib.auth.hashers import MD5PasswordHasher, make_password
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from fallbacks import settings as product
from fallbacks.models import AuditEntry, User
from tests.accounts.people import PASSWORD, code_of, is_in, make, recovery_code, sign_in, with_app
from tests.conftest import Person

pytestmark = pytest.mark.usefixtures("database", "static_files")
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


class Counting(MD5PasswordHasher):
    """Counts how often a hash is worked out."""

    algorithm = "counting"
    worked_out = 0

    def encode(self, password: str, salt: str) -> str:
        Counting.worked_out += 1
        return super().encode(password, salt)


# --- Passwords ---------------------------------------------------------------------------------------


def test_passwords_are_kept_by_argon2_and_older_hashes_are_renewed_at_sign_in(settings: Settings) -> None:
    settings.PASSWORD_HASHERS = product.PASSWORD_HASHERS
    assert make_password("anything").startswith("argon2")
    user = make("dana", "viewer")
    User.objects.filter(pk=user.pk).update(password=make_password(PASSWORD, hasher="pbkdf2_sha256"))
    assert sign_in("dana")[1] == "/"
    user.refresh_from_db()
    assert user.password.startswith("argon2")


@pytest.mark.parametrize("name", ["dana", "nobody", "closed", "no-password"])
def test_a_wrong_password_costs_as_much_whoever_is_meant(settings: Settings, name: str) -> None:
    settings.PASSWORD_HASHERS = [f"{__name__}.Counting"]
    make("dana")
    User.objects.filter(pk=make("closed").pk).update(is_active=False)
    User.objects.create_user("no-password")
    Counting.worked_out = 0
    assert sign_in(name, "wrong")[1] == ""
    assert Counting.worked_out == 1


def test_wrong_passwords_from_one_address_do_not_lock_anybody_out_elsewhere() -> None:
    make("dana")
    for _ in range(6):
        sign_in("dana", "wrong", REMOTE_ADDR="198.51.100.7")
    assert sign_in("dana", REMOTE_ADDR="198.51.100.7")[1] == ""
    assert sign_in("dana", REMOTE_ADDR="203.0.113.9")[1] == "/"


@pytest.mark.parametrize(
    ("theirs", "neighbour"), [("198.51.100.7", "198.51.100.8"), ("2001:db8:1::7", "2001:db8:2::7")]
)
def test_one_address_that_tries_many_names_waits_and_nobody_elsewhere_does(theirs: str, neighbour: str) -> None:
    make("dana")
    for number in range(60):
        sign_in(f"name-{number}", "wrong", REMOTE_ADDR=theirs)
    assert sign_in("dana", REMOTE_ADDR=theirs)[1] == ""
    answer = Client(REMOTE_ADDR=theirs).post("/login", {"username": "dana", "password": PASSWORD})
    assert (answer.status_code, b"Wait 15 minutes" in answer.content) == (429, True)
    assert sign_in("dana", REMOTE_ADDR=neighbour)[1] == "/"


def test_whoever_has_a_whole_network_of_the_sixth_version_has_one_address() -> None:
    make("dana")
    for number in range(60):
        sign_in(f"name-{number}", "wrong", REMOTE_ADDR=f"2001:db8:1::{number:x}")
    assert sign_in("dana", REMOTE_ADDR="2001:db8:1::ffff")[1] == ""


def test_their_wrong_passwords_for_one_name_count_together_too() -> None:
    make("dana")
    for number in range(5):
        sign_in("dana", "wrong", REMOTE_ADDR=f"2001:db8:1::{number:x}")
    assert sign_in("dana", REMOTE_ADDR="2001:db8:1::ffff")[1] == ""
    assert sign_in("dana", REMOTE_ADDR="2001:db8:2::1")[1] == "/"


def test_a_new_password_ends_all_other_sessions_and_is_in_the_log() -> None:
    make("dana")
    here, there = sign_in("dana")[0], sign_in("dana")[0]
    new = {"old_password": PASSWORD, "new_password1": "quite another one", "new_password2": "quite another one"}
    assert here.post("/account/password", new | {"old_password": "wrong"}).status_code == 400
    assert is_in(there)
    assert here.post("/account/password", new).status_code == 302
    assert "/account/sessions/" not in here.get("/account").content.decode()
    assert (is_in(here), is_in(there)) == (True, False)
    assert sign_in("dana", "quite another one")[1] == "/"
    entry = AuditEntry.objects.get(action="password changed")
    assert "another" not in f"{entry.details}{entry.subject}"


NEW = {"new_password1": "quite another one", "new_password2": "quite another one"}


def test_five_wrong_old_passwords_and_that_person_waits_wherever_they_are() -> None:
    make("dana")
    make("kim")
    browsers = [sign_in("dana", REMOTE_ADDR=f"198.51.100.{number}")[0] for number in range(5)]
    wrong = NEW | {"old_password": "wrong"}
    assert [each.post("/account/password", wrong).status_code for each in browsers] == [400] * 5
    answer = browsers[0].post("/account/password", NEW | {"old_password": PASSWORD})
    assert (answer.status_code, b"wait 15 minutes" in answer.content) == (429, True)
    assert User.objects.get(username="dana").check_password(PASSWORD)
    # It is still changed by nobody who only looks, and a colleague changes theirs.
    assert browsers[0].get("/account/password").status_code == 200
    colleague = sign_in("kim", REMOTE_ADDR="198.51.100.0")[0]
    assert colleague.post("/account/password", NEW | {"old_password": PASSWORD}).status_code == 302


def test_what_is_wrong_with_the_new_password_is_not_counted() -> None:
    make("dana")
    browser = sign_in("dana")[0]
    for wrong in ({"new_password2": "mistyped"}, {"old_password": ""}, {"new_password1": "short"}):
        for _ in range(6):
            assert browser.post("/account/password", {"old_password": PASSWORD, **NEW, **wrong}).status_code == 400
    assert browser.post("/account/password", {"old_password": PASSWORD, **NEW}).status_code == 302


def test_a_password_that_many_have_is_refused() -> None:
    make("dana")
    browser = sign_in("dana")[0]
    new = {"old_password": PASSWORD, "new_password1": "password1", "new_password2": "password1"}
    assert b"too common" in browser.post("/account/password", new).content


# --- Second factors ----------------------------------------------------------------------------------


def test_with_an_app_the_password_alone_opens_nothing() -> None:
    secret = with_app(make("dana", "viewer"))
    browser, led = sign_in("dana", following="/events")
    before = browser.session.session_key
    assert led == "/login/code"
    assert not is_in(browser)
    assert browser.post("/login/code", {"code": "000000"}).status_code == 200
    assert not is_in(browser)
    assert browser.post("/login/code", {"code": code_of(secret)}).headers["Location"] == "/events"
    assert is_in(browser)
    assert browser.session.session_key != before


def test_a_code_is_good_once() -> None:
    secret = with_app(make("dana"))
    code = code_of(secret)
    assert sign_in("dana")[0].post("/login/code", {"code": code}).status_code == 302
    assert b"was used already" in sign_in("dana")[0].post("/login/code", {"code": code}).content


def test_a_recovery_code_stands_in_for_the_app_once() -> None:
    user = make("dana")
    with_app(user)
    code = recovery_code(user)
    assert sign_in("dana")[0].post("/login/code", {"code": code}).status_code == 302
    assert sign_in("dana")[0].post("/login/code", {"code": code}).status_code == 200


def test_after_five_wrong_codes_even_the_right_one_waits_wherever_it_comes_from() -> None:
    secret = with_app(make("dana"))
    for number in range(5):
        browser = sign_in("dana", REMOTE_ADDR=f"198.51.100.{number}")[0]
        assert b"not right" in browser.post("/login/code", {"code": "000000"}).content
    browser = sign_in("dana")[0]
    assert b"Wait 5 minutes" in browser.post("/login/code", {"code": code_of(secret)}).content
    assert not is_in(browser)


def test_wrong_codes_of_one_person_stop_nobody_else_at_their_address() -> None:
    with_app(make("dana"))
    kim = make("kim")
    with_app(kim)
    browser = sign_in("dana")[0]
    for _ in range(12):
        browser.post("/login/code", {"code": "000000"})
    assert b"Wait 5 minutes" in browser.post("/login/code", {"code": "000000"}).content
    assert sign_in("kim")[0].post("/login/code", {"code": recovery_code(kim)}).status_code == 302


@pytest.mark.parametrize("way", ["password", "sessions/end-others"])
def test_a_sign_in_that_waits_for_its_second_factor_ends_like_a_session(way: str) -> None:
    user = make("dana")
    secret = with_app(user)
    owner = sign_in("dana")[0]
    owner.post("/login/code", {"code": recovery_code(user)})
    begun = sign_in("dana")[0]
    told = owner.post(f"/account/{way}", {"old_password": PASSWORD, **NEW}, follow=True)
    assert b"signed out at 1 other place." in told.content
    assert begun.post("/login/code", {"code": code_of(secret)}).headers["Location"] == "/login"
    assert (is_in(owner), is_in(begun)) == (True, False)


def test_a_sign_in_is_completed_with_the_password_that_it_was_begun_with() -> None:
    user = make("dana")
    secret = with_app(user)
    browser = sign_in("dana")[0]
    # As `manage.py changepassword` does, which ends no session.
    user.set_password("quite another one")
    user.save()
    answer = browser.post("/login/code", {"code": code_of(secret)}, follow=True)
    assert answer.redirect_chain[-1][0] == "/login"
    assert b"The password was changed since you began to sign in" in answer.content
    assert not is_in(browser)
    assert sign_in("dana", "quite another one")[1] == "/login/code"


def test_what_second_factors_are_checked_by_is_not_readable_in_the_database() -> None:
    user = make("dana")
    secret = with_app(user)
    kept = " ".join(str(each.data) for each in Authenticator.objects.all())
    assert secret not in kept
    assert recovery_code(user) not in kept


def test_adding_an_app_shows_recovery_codes_in_that_answer_alone() -> None:
    make("dana")
    browser = sign_in("dana")[0]
    page = browser.get("/account/app").content.decode()
    found = re.search(r'id="secret" readonly value="([A-Z2-7]+)"', page)
    assert found is not None
    assert browser.post("/account/app", {"code": "000000"}).status_code == 200
    answer = browser.post("/account/app", {"code": code_of(found[1])})
    codes = re.findall(r"(\d{8})\n", answer.content.decode())
    assert len(codes) == 10
    assert answer.headers["Cache-Control"].find("no-store") >= 0
    assert codes[0] not in browser.get("/account").content.decode()
    assert codes[0] not in browser.get("/account/recovery-codes").content.decode()
    assert sign_in("dana")[1] == "/login/code"
    # New ones take the place of the old.
    new = browser.post("/account/recovery-codes").content.decode()
    assert codes[0] not in new
    assert sign_in("dana")[0].post("/login/code", {"code": codes[0]}).status_code == 200
    assert browser.post("/account/app/remove").status_code == 302
    assert sign_in("dana")[1] == "/"
    log = list(
        AuditEntry.objects.filter(action__startswith="second").order_by("number").values_list("action", flat=True)
    )
    assert log == ["second factor added", "second factor added", "second factor removed"]


def test_nobody_takes_the_second_step_without_the_first() -> None:
    with_app(make("dana"))
    assert Client().get("/login/code").headers["Location"] == "/login"
    assert Client().post("/login/code", {"code": "000000"}).headers["Location"] == "/login"


# --- Sessions ----------------------------------------------------------------------------------------


def test_sessions_are_listed_with_browser_and_address_and_ended_by_their_owner_alone(person: Person) -> None:
    make("dana")
    here = sign_in("dana", REMOTE_ADDR="203.0.113.9", headers={"user-agent": FIREFOX})[0]
    there = sign_in("dana", REMOTE_ADDR="198.51.100.7")[0]
    page = here.get("/account").content.decode()
    assert "Firefox on Linux" in page
    assert "203.0.113.9" in page
    assert "198.51.100.7" in page
    numbers = re.findall(r"/account/sessions/(\d+)/end", page)
    assert len(numbers) == 1
    assert person("admin").post(f"/account/sessions/{numbers[0]}/end").status_code == 404
    assert is_in(there)
    assert here.post(f"/account/sessions/{numbers[0]}/end").status_code == 302
    assert (is_in(here), is_in(there)) == (True, False)


def test_all_others_are_ended_at_once() -> None:
    make("dana")
    browsers = [sign_in("dana")[0] for _ in range(3)]
    stranger = sign_in(make("kim").username)[0]
    browsers[1].post("/account/sessions/end-others")
    assert [is_in(each) for each in (*browsers, stranger)] == [False, True, False, True]


def test_whoever_is_deactivated_is_out_at_the_next_request() -> None:
    user = make("dana")
    browser = sign_in("dana")[0]
    assert is_in(browser)
    User.objects.filter(pk=user.pk).update(is_active=False)
    assert not is_in(browser)


def test_the_account_page_asks_little_of_the_database_and_once_who_is_signed_in() -> None:
    user = make("dana", "admin")
    with_app(user)
    browser, _ = sign_in("dana")
    browser.post("/login/code", {"code": recovery_code(user)})
    with CaptureQueriesContext(connection) as queries:
        assert browser.get("/account").status_code == 200
    assert len(queries) <= 12
    assert sum('FROM "fallbacks_user"' in query["sql"] for query in queries) == 1
