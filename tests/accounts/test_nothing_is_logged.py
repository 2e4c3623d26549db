"""Whatever opens a door stands in no log: passwords, codes, keys, links, sessions, and what a provider tells."""

import io
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from fallbacks.models import User
from tests.accounts import issuer as issuers
from tests.accounts.issuer import SECRET, Issuer
from tests.accounts.people import PASSWORD, ask_for_key, code_of, make, recovery_code, sign_in, with_app
from tests.accounts.test_provider import KIM, come, read, there, to_provider

pytestmark = pytest.mark.usefixtures("database", "stream", "static_files")
WRONG = "a-password-that-is-wrong"
NEW = "another long one of the tests"


@pytest.fixture
def issuer(settings: Settings) -> Iterator[Issuer]:
    with issuers.running() as running:
        running.person = dict(KIM)
        settings.OIDC = read(running)
        yield running


def test_signing_in_by_password_app_and_recovery_code(written: io.StringIO) -> None:
    dana = make("dana", "engineer")
    secret = with_app(dana)
    sign_in("dana", WRONG)
    # A password that was typed where the name should be.
    sign_in(PASSWORD, WRONG)
    code, last = code_of(secret), recovery_code(dana)
    browser, _ = sign_in("dana")
    browser.post("/login/code", {"code": "000000"})
    browser.post("/login/code", {"code": code})
    session = browser.session.session_key
    sign_in("dana")[0].post("/login/code", {"code": last})
    browser.post("/account/password", {"old_password": WRONG, "new_password1": NEW, "new_password2": NEW})
    browser.post("/account/password", {"old_password": PASSWORD, "new_password1": NEW, "new_password2": NEW})
    assert User.objects.get().check_password(NEW)
    says_nothing_of(written, PASSWORD, WRONG, NEW, secret, code, last, session)


def test_coming_by_the_provider(written: io.StringIO, issuer: Issuer) -> None:
    browser, answer = come()
    assert answer.headers["Location"] == "/"
    way_back = there(to_provider(Client()))
    # In another browser it is good for nothing, and looked at all the same.
    Client().get(way_back)
    issuer.lies = {"aud": "somebody else"}
    come()
    codes = re.findall(r"(?:code|state)=([^&]+)", way_back)
    assert len(codes) == 2
    says_nothing_of(written, SECRET, *codes, browser.session.session_key)


def test_keys_and_invitations(written: io.StringIO) -> None:
    make("ines", "admin")
    browser, _ = sign_in("ines")
    key = re.search(r'value="(fo_[^"]+)"', ask_for_key(browser).text)
    assert key
    link = re.search(r"/invited/([^\"]+)\"", browser.post("/people/invite", {"role": "viewer"}).text)
    assert link
    Client().post(f"/invited/{link[1]}", {"username": "omar", "password": WRONG, "again": NEW})
    Client().post(f"/invited/{link[1]}", {"username": "omar", "password": NEW, "again": NEW})
    assert User.objects.filter(username="omar").exists()
    Client().get(f"/api/v1/rates?key={key[1]}", headers={"authorization": f"Bearer {key[1]}"})
    Client().get(f"/api/v1/{key[1]}")
    says_nothing_of(written, key[1].rpartition("_")[2], link[1], PASSWORD, WRONG, NEW)


def test_getting_in_again_by_a_link(written: io.StringIO) -> None:
    make("ines", "admin")
    browser, _ = sign_in("ines")
    link = re.search(r"/reset/([^\"]+)\"", browser.post(f"/people/{make('dana').pk}/reset").text)
    assert link
    Client().post(f"/reset/{link[1]}", {"password": WRONG, "again": NEW})
    Client().post(f"/reset/{link[1]}", {"password": NEW, "again": NEW})
    assert User.objects.get(username="dana").check_password(NEW)
    Client().get(f"/reset/{link[1]}")
    says_nothing_of(written, link[1], PASSWORD, WRONG, NEW)


def test_a_page_that_breaks_while_a_password_is_sent(written: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    make("dana")

    def broken(*_: Any) -> None:
        raise ValueError("something else")

    monkeypatch.setattr("dashboard.views.sign_in.perform_password_login", broken)
    browser = Client(raise_request_exception=False)
    assert browser.post("/login", {"username": "dana", "password": PASSWORD}).status_code == 500
    assert "ValueError" in written.getvalue()
    says_nothing_of(written, PASSWORD)


def says_nothing_of(written: io.StringIO, *secrets: str | None) -> None:
    lines = written.getvalue().splitlines()
    assert all(json.loads(line) for line in lines)
    assert [(secret, line) for secret in secrets for line in lines if not secret or secret in line] == []
