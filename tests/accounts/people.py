"""Somebody who signs in as people do, and what they have to show."""

import time
from typing import Any
from urllib.parse import parse_qs, urldefrag, urlsplit
from uuid import uuid4

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, generate_totp_secret, hotp_value
from django.contrib.auth.models import Group
from django.test import Client

from fallbacks.models import User

PASSWORD = "a long one of the tests"
STEP = 30  # seconds


def make(name: str, *roles: str) -> User:
    user = User.objects.create_user(name, password=PASSWORD)
    user.groups.set(Group.objects.filter(name__in=roles))
    return user


def sign_in(name: str, password: str = PASSWORD, following: str = "", **client: Any) -> tuple[Client, str]:
    """Return the browser, and where it was led."""
    browser = Client(**client)
    answer = browser.post("/login", {"username": name, "password": password, "next": following})
    return browser, answer.headers.get("Location", "")


def with_app(user: User) -> str:
    """Give somebody an authenticator app and recovery codes. Returns the app's secret."""
    secret = str(generate_totp_secret())
    TOTP.activate(user, secret)
    RecoveryCodes.activate(user)
    return secret


def code_of(secret: str) -> str:
    """Return what the app shows; not at the very end of the code's time."""
    left = STEP - time.time() % STEP
    if left < 2:
        time.sleep(left)
    return str(format_hotp_value(hotp_value(secret, int(time.time()) // STEP)))


def recovery_code(user: User) -> str:
    return str(RecoveryCodes(Authenticator.objects.get(user=user, type="recovery_codes")).get_unused_codes()[0])


def later(browser: Client, seconds: int = 901) -> None:
    """Let time pass since somebody signed in, in one browser."""
    session = browser.session
    session["shown_at"] -= seconds
    session.save()


def is_in(browser: Client) -> bool:
    return browser.get("/account").status_code == 200


def asked_for(answer: Any) -> str:
    """Return the address of the step that somebody is asked again for; "" where they are not asked."""
    address = urlsplit(answer.headers.get("Location", ""))
    if address.path != "/account/again":
        return ""
    following, number = urldefrag(parse_qs(address.query)["next"][0])
    return following if number else ""


def ask_for_key(browser: Client) -> Any:
    """Send something that is asked for again, as the page does."""
    return browser.post("/first-run", {"form": str(uuid4())})
