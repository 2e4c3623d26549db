"""Signing in and out."""

import re
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client

PASSWORD = "a long one of the tests"
WRONG = "Name or password is wrong. Try again. After 5 wrong tries you wait 15 minutes."


@pytest.fixture
def dana(static_files: None, database: None) -> str:
    """The name of somebody who may sign in."""
    user = get_user_model().objects.create_user("dana", password=PASSWORD)
    user.groups.set(Group.objects.filter(name="viewer"))
    return "dana"


def post(client: Client, name: str, password: str, following: str = "") -> tuple[int, str, str]:
    """Sign in, and return status, address sent to, and page."""
    answer = client.post("/login", {"username": name, "password": password, "next": following})
    return answer.status_code, answer.headers.get("Location", ""), answer.content.decode()


def test_the_right_password_opens_the_overview_and_begins_a_new_session(dana: str) -> None:
    client = Client()
    client.get("/login")
    session = client.session
    session["from"] = "before"
    session.save()
    before = session.session_key
    client.cookies["sessionid"] = before or ""
    assert post(client, dana, PASSWORD)[:2] == (302, "/")
    assert client.session.session_key != before
    assert client.get("/").status_code == 200


def test_one_goes_where_one_wanted_to_go_but_never_off_the_site(dana: str) -> None:
    assert post(Client(), dana, PASSWORD, "/workloads/support-chat")[1] == "/workloads/support-chat"
    for foreign in ("https://elsewhere.example/", "//elsewhere.example", "javascript:alert(1)", "/\\elsewhere.example"):
        assert post(Client(), dana, PASSWORD, foreign)[1] == "/"


def test_a_known_and_an_unknown_name_get_the_same_answer(dana: str) -> None:
    known, unknown = (post(Client(), name, "wrong") for name in (dana, "nobody"))
    assert known[0] == unknown[0] == 200
    assert WRONG in known[2]
    assert without_token(known[2], dana) == without_token(unknown[2], "nobody")


def test_a_closed_account_gets_it_too(dana: str) -> None:
    get_user_model().objects.update(is_active=False)
    assert WRONG in post(Client(), dana, PASSWORD)[2]


def test_after_five_wrong_tries_even_the_right_password_waits(dana: str) -> None:
    answers = [post(Client(), dana, "wrong") for _ in range(5)]
    assert [status for status, _, _ in answers] == [200] * 4 + [429]
    status, _, page = post(Client(), dana, PASSWORD)
    assert status == 429
    assert "Wait 15 minutes" in page
    # An account that does not exist is locked alike.
    assert [post(Client(), "nobody", "wrong")[0] for _ in range(5)][-1] == 429


def test_texts_that_are_typed_stay_texts(dana: str) -> None:
    page = post(Client(), '"><script>alert(1)</script>', "wrong", '"><script>alert(2)</script>')[2]
    assert "<script>alert" not in page


def test_signing_out_ends_the_session_and_needs_a_post(viewer: Client) -> None:
    assert viewer.get("/logout").status_code == 405
    assert viewer.get("/").status_code == 200
    answer = viewer.post("/logout")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/login")
    assert viewer.get("/").status_code == 302


def test_a_form_of_another_site_does_nothing(dana: str) -> None:
    client = Client(enforce_csrf_checks=True)
    assert post(client, dana, PASSWORD)[0] == 403


def test_whoever_is_signed_in_does_not_see_the_login(viewer: Client) -> None:
    assert viewer.get("/login").headers["Location"] == "/"


def test_the_menu_names_the_person_and_the_roles(viewer: Client) -> None:
    page = viewer.get("/").content.decode()
    assert "<b>viewer</b><span>viewer</span>" in page
    assert 'action="/logout"' in page


def without_token(page: str, name: str) -> str:
    """The page without what is different at every answer."""
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", page).replace(f'value="{name}"', "")


@pytest.mark.parametrize(
    ("referer", "page"),
    [
        ("http://testserver/policies/support-chat/route?range=7d", "/policies/support-chat/route?range=7d"),
        ("https://evil.example/policies", "/policies"),
        ("http://testserver//evil.example", "/"),
        ("", "/"),
    ],
)
def test_who_was_signed_out_when_they_sent_a_form_comes_back_to_its_page(dana: str, referer: str, page: str) -> None:
    browser = Client()
    led: Any = browser.post("/policies/support-chat/route/request", {"why": "now"}, headers={"referer": referer})
    assert led["Location"] == f"/login?{urlencode({'next': page}, safe='/')}"
    assert "what you have just sent was not done" in browser.get(led["Location"]).text
    assert post(browser, dana, PASSWORD, page)[1] == page
