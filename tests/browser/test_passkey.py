"""A passkey from its making to signing in by it alone, by Chromium's own authenticator."""

import re

import pytest
from playwright.sync_api import Page, expect

from fallbacks.models import ApiKey
from tests.accounts.people import PASSWORD, make
from tests.browser.conftest import OpenPage
from tests.browser.test_pages import look

pytestmark = pytest.mark.usefixtures("database", "stream")


def with_authenticator(page: Page) -> None:
    """Give the browser a device that knows its owner and does not wait for a finger."""
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "automaticPresenceSimulation": True}
    knows = dict.fromkeys(("hasResidentKey", "hasUserVerification", "isUserVerified"), True)
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": options | knows})


def make_old(page: Page) -> None:
    """Let time pass since the person signed in."""
    from django.contrib.sessions.backends.db import SessionStore

    key = next(each["value"] for each in page.context.cookies() if each.get("name") == "sessionid")
    session = SessionStore(key)
    session["shown_at"] -= 901
    session.save()


def test_a_passkey_is_made_signs_in_by_itself_and_shows_again_who_one_is(browser_page: OpenPage, address: str) -> None:
    make("eng", "engineer")
    # Passkeys belong to names, and not to numbers.
    here = address.replace("127.0.0.1", "localhost")
    page = browser_page(f"{here}/login?next=/account/passkeys", None)
    with_authenticator(page)
    page.get_by_label("User name").fill("eng")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Add a passkey")).to_be_visible()
    page.get_by_label("Name").fill("Laptop")
    page.get_by_role("button", name="Add the passkey").click()
    expect(page.get_by_role("heading", name="Keep these recovery codes")).to_be_visible()
    look(page)
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_text("Laptop", exact=True).first).to_be_visible()
    look(page)

    page.context.clear_cookies()
    page.goto(f"{here}/login?next=/first-run")
    page.get_by_role("button", name="Sign in with a passkey").click()
    expect(page).to_have_url(re.compile(r"\d/first-run$"))

    # With the password too: who has no app is asked for no digits of one.
    page.context.clear_cookies()
    page.goto(f"{here}/login?next=/first-run")
    page.get_by_label("User name").fill("eng")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    expect(page.get_by_role("button", name="Use a passkey")).to_be_focused()
    expect(page.get_by_label("Recovery code")).to_be_visible()
    look(page)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page).to_have_url(re.compile(r"\d/first-run$"))

    make_old(page)
    page.get_by_role("button", name="Make a key").click()
    page.get_by_role("link", name="Use a passkey").click()
    expect(page.get_by_text("is kept, and goes on")).to_be_visible()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_text("It is shown only now")).to_be_visible()
    assert ApiKey.objects.count() == 1
