"""Passkeys without a browser: good ones, and all that somebody may send in the place of one."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from allauth.mfa.models import Authenticator
from django.core.cache import cache
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.accounts.passkeys import Device, add, alone
from tests.accounts.people import is_in, later, make, sign_in, with_app

pytestmark = pytest.mark.usefixtures("database", "stream", "static_files")
REFUSED = "That is not right, or was used already."
# Of what a browser sends, what a passkey is known by; and what nobody needs to look at.
PARTS = (
    ("rawId",),
    ("response",),
    ("response", "clientDataJSON"),
    ("response", "attestationObject"),
    ("response", "authenticatorData"),
    ("response", "signature"),
    ("response", "userHandle"),
)
BESIDE = (("id",), ("type",), ("clientExtensionResults",), ("authenticatorAttachment",))
NOTHING = object()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
# What is neither JSON nor a credential.
ODD = (
    *("", "null", "7", "1e999", "[]", "{}", '{"id":1}', '{"id":"AA","rawId":"AA","response":[]}', "{", "NaN", '"text"'),
    *("9" * 5000, "[" * 100_000, '{"a":' * 100_000, '{"rawId":"AA","response":{"userHandle":"MTIzNDU2Nzg5MDEyMw"}}'),
)


@pytest.fixture
def device() -> Device:
    """Of dana, who is signed in nowhere any more."""
    make("dana", "engineer")
    return add(sign_in("dana")[0])


def changed(credential: dict[str, Any], part: tuple[str, ...], into: Any) -> dict[str, Any]:
    """Return the credential with one part changed, or without it."""
    within = found = json.loads(json.dumps(credential))
    for name in part[:-1]:
        within = within[name]
    if into is NOTHING:
        within.pop(part[-1], None)
    else:
        within[part[-1]] = into
    return dict(found)


def test_a_passkey_signs_in_alone_is_a_second_step_and_shows_again_who_one_is(device: Device) -> None:
    browser = Client()
    sent = json.dumps(device.shown(alone(browser)))
    assert browser.post("/login/passkey", {"credential": sent}).headers["Location"] == "/"
    assert is_in(browser)
    second = sign_in("dana")[0]
    sent = json.dumps(device.shown(second.get("/login/code").context["js_data"]["request_options"]))
    assert second.post("/login/code", {"credential": sent}).headers["Location"] == "/"
    later(second)
    page = second.get("/account/again/passkey?next=/account")
    sent = json.dumps(device.shown(page.context["js_data"]["request_options"]))
    answer = second.post("/account/again/passkey", {"credential": sent, "next": "/account"})
    assert answer.headers["Location"] == "/account"


@pytest.mark.parametrize(("following", "led_to"), [("/reviews?mine=1", "/reviews?mine=1"), ("//evil.example", "/")])
def test_who_signs_in_by_a_passkey_goes_on_to_where_they_wanted_to_go(
    device: Device, following: str, led_to: str
) -> None:
    browser = Client()
    good = json.dumps(device.shown(alone(browser)))
    answer = browser.post("/login/passkey", {"credential": "{}", "next": following})
    assert answer.headers["Location"] == f"/login?{urlencode({'next': following}, safe='/')}"
    assert browser.post("/login/passkey", {"credential": good, "next": following}).headers["Location"] == led_to
    assert is_in(browser)


def ways(device: Device) -> Iterator[tuple[str, Client, dict[str, Any]]]:
    """Return each address that takes a passkey, with a browser there and a good answer."""
    browser = Client()
    yield "/login/passkey", browser, device.shown(alone(browser))
    second = sign_in("dana")[0]
    yield "/login/code", second, device.shown(second.get("/login/code").context["js_data"]["request_options"])
    owner = Client()
    owner.post("/login/passkey", {"credential": json.dumps(device.shown(alone(owner)))})
    page = owner.get("/account/again/passkey")
    yield "/account/again/passkey", owner, device.shown(page.context["js_data"]["request_options"])
    yield "/account/passkeys", owner, Device().made(owner)


def is_refused(path: str, browser: Client, sent: str) -> None:
    """Send something, and see it refused with the words for a wrong passkey."""
    # Or else it would wait after five.
    cache.clear()
    answer = browser.post(path, {"credential": sent, "name": "Another"}, follow=True)
    assert answer.status_code == 200, (path, sent[:80])
    assert REFUSED in answer.text, (path, sent[:80])
    assert Authenticator.objects.filter(type="webauthn").count() == 1


def test_whatever_is_no_passkey_is_refused_like_a_wrong_one(device: Device) -> None:
    for path, browser, _ in ways(device):
        for sent in ODD:
            is_refused(path, browser, sent)


def test_a_passkey_of_which_a_part_is_odd_is_refused_too(device: Device) -> None:
    for path, browser, good in ways(device):
        for part in PARTS:
            # Whose passkey it is, is known already where somebody has shown their password.
            if part[-1] in good | good["response"] and (part[-1] != "userHandle" or path == "/login/passkey"):
                for into in (NOTHING, 7, None, [], {}, "", "not base64 \0", "AAAA"):
                    is_refused(path, browser, json.dumps(changed(good, part, into)))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    value=JSON,
    part=st.sampled_from([part for part in PARTS if part[-1] != "attestationObject"]),
    beside=st.sampled_from(BESIDE),
)
def test_with_anything_in_it_a_passkey_is_refused(
    device: Device, value: Any, part: tuple[str, ...], beside: tuple[str, ...]
) -> None:
    """At the address that is open to everybody."""
    browser = Client()
    good = device.shown(alone(browser))
    for sent in (value, changed(good, part, value)):
        is_refused("/login/passkey", browser, json.dumps(sent))
    sent = json.dumps(changed(good, beside, value))
    assert browser.post("/login/passkey", {"credential": sent}).headers["Location"] in ("/", "/login")


def test_of_a_new_passkey_only_what_is_needed_is_kept() -> None:
    make("dana")
    browser, device = sign_in("dana")[0], Device()
    sent = device.made(browser) | {
        "clientExtensionResults": {"credProps": {"rk": "\0"}},
        "more": "\0\ud800",
        "authenticatorAttachment": None,
    }
    browser.post("/account/passkeys", {"credential": json.dumps(sent), "name": "Device"})
    assert set(Authenticator.objects.get(type="webauthn").data["credential"]) == {"id", "rawId", "type", "response"}
    second = sign_in("dana")[0]
    sent = device.shown(second.get("/login/code").context["js_data"]["request_options"])
    assert second.post("/login/code", {"credential": json.dumps(sent)}).headers["Location"] == "/"


def test_who_has_a_passkey_alone_is_asked_for_it_first_and_for_no_digits_of_an_app(device: Device) -> None:
    page = sign_in("dana")[0].get("/login/code").text
    assert page.index("Use a passkey") < page.index("Recovery code")
    assert "authenticator app" not in page
    assert "required autofocus" not in page
    owner = Client()
    owner.post("/login/passkey", {"credential": json.dumps(device.shown(alone(owner)))})
    assert "authenticator app" not in owner.get("/account/again/code").text
    with_app(make("kim"))
    page = sign_in("kim")[0].get("/login/code").text
    assert "The six digits of your authenticator app" in page
    assert "required autofocus" in page
    assert "Use a passkey" not in page
