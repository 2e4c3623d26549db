"""Signing in by a provider of OpenID Connect, against a real one on this machine."""

import html
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
import requests
from allauth.socialaccount.models import SocialAccount
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client
from pytest_django import Settings

from fallbacks import members, provider, review_queue
from fallbacks.environment import Environment
from fallbacks.links import NotGood
from fallbacks.models import ApiKey, AuditEntry, User
from tests import reviews
from tests.accounts import issuer as issuers
from tests.accounts.issuer import CLIENT, SECRET, Issuer
from tests.accounts.people import PASSWORD, ask_for_key, asked_for, is_in, later, make, sign_in, with_app

pytestmark = pytest.mark.usefixtures("database", "stream", "static_files")
KIM = {
    "sub": "kim-1",
    "email": "kim@corp.example",
    "email_verified": True,
    "preferred_username": "kim",
    "name": "Kim Lee",
}
ROLES = "observatory-admins=admin,eng=engineer"


@pytest.fixture(scope="module")
def started() -> Iterator[Issuer]:
    with issuers.running() as running:
        yield running


@pytest.fixture
def issuer(started: Issuer, settings: Settings) -> Issuer:
    """A provider where Kim is signed in, and our settings for it."""
    started.person, started.lies, started.info_lies = dict(KIM), {}, {}
    started.published, started.calls_itself = started.key, ""
    settings.OIDC = read(started, OIDC_ROLES=ROLES)
    return started


def read(issuer: Issuer, **more: str) -> provider.Provider | None:
    given = Environment(
        {
            "OIDC_ISSUER": issuer.address,
            "OIDC_CLIENT_ID": CLIENT,
            "OIDC_CLIENT_SECRET": SECRET,
            "OIDC_DOMAINS": "corp.example",
            **more,
        }
    )
    found = provider.read(given)
    assert given.wrong == []
    return found


def to_provider(browser: Client, path: str = "/login/provider", following: str = "") -> str:
    """Press the button, and return the address that the browser is sent to."""
    page = browser.post(path, {"next": following}).content.decode()
    found = re.search(r'content="0;url=([^"]+)"', page)
    assert found is not None, page
    return html.unescape(found[1])


def there(address: str) -> str:
    """Be at the provider, and return the path by which one is sent back."""
    answer = requests.get(address, allow_redirects=False, timeout=5)
    parts = urlsplit(answer.headers["Location"])
    assert parts.netloc == "testserver"
    return f"{parts.path}?{parts.query}"


def come(browser: Client | None = None, path: str = "/login/provider", following: str = "") -> tuple[Client, Any]:
    """Go there and back, and return the browser and our answer."""
    browser = browser or Client()
    return browser, browser.get(there(to_provider(browser, path, following)))


def roles(name: str = "kim") -> list[str]:
    return User.objects.get(username=name).roles()


# --- Coming in ---------------------------------------------------------------------------------------


def test_people_are_made_when_they_come_first_with_the_roles_of_the_claim(issuer: Issuer) -> None:
    issuer.person["groups"] = ["eng", "of no meaning here"]
    browser, answer = come(following="/events")
    assert answer.headers["Location"] == "/events"
    assert is_in(browser)
    kim = User.objects.get()
    assert (kim.username, kim.email, kim.known_as, kim.roles()) == ("kim", "kim@corp.example", "Kim Lee", ["engineer"])
    assert not kim.has_usable_password()
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.actor) == ("person joined", "kim")
    # Nothing of what the provider told is kept but who it is.
    assert SocialAccount.objects.get().extra_data == {}
    # PKCE, state and nonce were on the way.
    assert issuer.asked["code_challenge_method"] == "S256"
    assert len(issuer.asked["nonce"]) > 30
    assert come()[1].headers["Location"] == "/"
    assert User.objects.count() == 1


def test_roles_are_taken_over_at_each_sign_in_and_each_change_is_in_the_log(issuer: Issuer) -> None:
    make("root", "admin")
    issuer.person["groups"] = ["observatory-admins"]
    come()
    assert roles() == ["admin"]
    issuer.person["groups"] = "eng of-no-meaning"
    come()
    come()
    assert roles() == ["engineer"]
    entry = AuditEntry.objects.get(action="roles changed")
    assert (entry.actor, entry.subject) == ("OpenID Connect", "kim")
    assert '"before":["admin"]' in entry.details
    del issuer.person["groups"]
    come()
    assert roles() == []


def test_who_loses_a_role_there_holds_nothing_that_it_gave(issuer: Issuer) -> None:
    make("root", "admin")
    issuer.person["groups"] = ["observatory-admins"]
    come()
    kim = User.objects.get(username="kim")
    [sample] = reviews.sampled()
    review_queue.claim(kim)
    token = members.invite(kim, ["admin"]).token
    issuer.person["groups"] = ["eng"]
    come()
    assert not review_queue.held(kim).exists()
    assert f'"samples":[{sample.pk}]' in AuditEntry.objects.get(action="roles changed").details
    with pytest.raises(NotGood, match="withdrawn"):
        members.invitation_of(token)


def test_the_last_admin_stays_one_whatever_the_provider_says(issuer: Issuer) -> None:
    issuer.person["groups"] = ["observatory-admins"]
    come()
    issuer.person["groups"] = ["eng"]
    come()
    assert roles() == ["engineer", "admin"]


def test_who_has_no_role_sees_whom_to_ask(issuer: Issuer) -> None:
    browser, _ = come()
    assert b"You have no role yet" in browser.get("/").content


def test_without_a_mapping_an_admin_gives_the_roles(issuer: Issuer, settings: Settings) -> None:
    settings.OIDC = read(issuer)
    issuer.person["groups"] = ["observatory-admins"]
    come()
    assert roles() == []
    User.objects.get().groups.set([*make("other", "viewer").groups.all()])
    come()
    assert roles() == ["viewer"]


def test_the_button_is_there_where_a_provider_is(issuer: Issuer, settings: Settings) -> None:
    assert b"/login/provider" in Client().get("/login").content
    settings.OIDC = None
    assert b"/login/provider" not in Client().get("/login").content
    assert Client().post("/login/provider").status_code == 404


def test_a_number_there_of_any_length_is_one_person_here(issuer: Issuer) -> None:
    long = "s" * 254
    for number, sub in enumerate(("s" * 191, "s" * 192, long, long + "1", long + "2", "a\0", "a\ud800")):
        issuer.person = KIM | {"sub": sub, "preferred_username": f"kim-{number}", "email": f"kim-{number}@corp.example"}
        for _ in range(2):
            browser, answer = come()
            assert (answer.headers.get("Location"), is_in(browser)) == ("/", True), sub[-3:]
    assert SocialAccount.objects.count() == User.objects.count() == 7
    # A digest is nobody's number: whoever is called like one is somebody else.
    issuer.person = KIM | {"sub": SocialAccount.objects.get(user__username="kim-4").uid}
    come()
    assert User.objects.filter(username="kim").exists()


def test_names_are_kept_without_what_nobody_sees(issuer: Issuer) -> None:
    odd = "Kim\0\x1b\u202e\u2066 \u200bLee\u2028\ud800\n of  Ulm"
    issuer.person |= {"name": odd, "given_name": "\u202e", "family_name": 7, "preferred_username": 7}
    browser, _ = come()
    assert is_in(browser)
    assert User.objects.get().known_as == "Kim Lee of Ulm"


def test_an_address_with_what_nobody_sees_is_none(issuer: Issuer, settings: Settings) -> None:
    issuer.person |= {"email": "kim@corp\u202e.example"}
    assert come()[1].status_code == 403
    settings.OIDC = read(issuer, OIDC_DOMAINS="*")
    issuer.person |= {"preferred_username": "ki\u200bm"}
    assert come()[1].headers["Location"] == "/"
    # Nor is it somebody's user name without them.
    assert (User.objects.get().email, User.objects.get().username) == ("", "kim-1")


@pytest.mark.parametrize("name", ["Dana", "manage.py", "OpenID Connect"])
def test_who_brings_somebody_elses_user_name_along_is_known_by_their_own(issuer: Issuer, name: str) -> None:
    make("dana")
    first, _, last = name.partition(" ")
    issuer.person |= {"name": name, "given_name": first, "family_name": last}
    come()
    assert User.objects.get(username="kim").known_as == "kim"


# --- Kept out ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"email": "kim@elsewhere.example"}, 403),
        ({"email": "kim@corp.example.evil.example"}, 403),
        ({"email_verified": False}, 403),
        ({"email_verified": None}, 403),
        ({"email": ""}, 403),
    ],
)
def test_who_has_no_verified_address_of_a_named_domain_is_kept_out(
    issuer: Issuer, told: dict[str, Any], status: int
) -> None:
    issuer.person |= told
    browser, answer = come()
    assert (answer.status_code, is_in(browser), User.objects.count()) == (status, False, 0)


@pytest.mark.parametrize(
    "lies",
    [
        {"nonce": "of another sign-in"},
        {"nonce": None},
        {"aud": "another client"},
        {"iss": "https://elsewhere.example"},
        {"exp": int(time.time()) - 600},
        {"exp": ...},
        {"sub": "somebody-else"},
        {"azp": "another client"},
        {"azp": "another client", "aud": [CLIENT]},
        {"aud": [CLIENT, "another client"]},
    ],
    ids=lambda lies: "-".join(lies),
)
def test_an_id_token_that_is_not_for_this_sign_in_is_refused(issuer: Issuer, lies: dict[str, Any]) -> None:
    issuer.lies = lies
    browser, answer = come()
    assert (answer.status_code, is_in(browser), User.objects.count()) == (400, False, 0)


@pytest.mark.parametrize("more", [{"azp": CLIENT, "aud": [CLIENT, "another client"]}, {"aud": [CLIENT]}])
def test_an_id_token_for_several_is_good_where_it_was_made_for_us(issuer: Issuer, more: dict[str, Any]) -> None:
    issuer.lies = more
    assert is_in(come()[0])


def test_who_cancels_there_is_told_so(issuer: Issuer) -> None:
    browser = Client()
    path, _, query = there(to_provider(browser)).partition("?")
    state = dict(parse_qsl(query))["state"]
    assert Client().get(f"{path}?error=access_denied&state={state}").status_code == 400
    answer = browser.get(f"{path}?error=access_denied&state={state}")
    assert (answer.status_code, is_in(browser)) == (403, False)
    assert "was cancelled or refused by" in answer.text
    assert "Try again" in answer.text


def test_a_token_signed_by_somebody_else_is_refused(issuer: Issuer) -> None:
    issuer.published = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    assert come()[1].status_code == 400


def test_a_provider_that_calls_itself_otherwise_is_refused(issuer: Issuer) -> None:
    issuer.calls_itself = "https://elsewhere.example"
    assert Client().post("/login/provider").status_code == 502


def test_an_answer_is_good_once_and_in_the_browser_that_asked(issuer: Issuer) -> None:
    browser = Client()
    answer = there(to_provider(browser))
    # Somebody else is led there with it, to be signed in as Kim.
    victim = Client()
    assert (victim.get(answer).status_code, is_in(victim)) == (400, False)
    path, _, query = answer.partition("?")
    forged = f"{path}?{urlencode(dict(parse_qsl(query)) | {'state': 'made up'})}"
    assert browser.get(forged).status_code == 400
    assert browser.get(answer).status_code == 302
    assert browser.get(answer).status_code == 400


def test_a_code_of_somebody_else_does_not_get_through_pkce(issuer: Issuer) -> None:
    """A code that was stolen on its way is put into a sign-in of the thief's own."""
    stolen = dict(parse_qsl(urlsplit(there(to_provider(Client()))).query))["code"]
    thief = Client()
    path, _, query = there(to_provider(thief)).partition("?")
    answer = thief.get(f"{path}?{urlencode(dict(parse_qsl(query)) | {'code': stolen})}")
    assert (answer.status_code, is_in(thief)) == (400, False)


def test_somebody_who_was_deactivated_stays_out_with_the_roles_they_had(issuer: Issuer) -> None:
    come()
    User.objects.update(is_active=False)
    issuer.person["groups"] = ["eng"]
    browser, answer = come()
    assert (answer.status_code, is_in(browser), roles()) == (403, False, [])


@pytest.mark.parametrize("taken", [{"username": "KIM"}, {"username": "k", "email": "Kim@Corp.example"}])
def test_an_account_that_is_there_is_not_taken_over(issuer: Issuer, taken: dict[str, str]) -> None:
    User.objects.create_user(password=PASSWORD, **taken)
    browser, answer = come()
    assert (answer.status_code, is_in(browser), SocialAccount.objects.count()) == (409, False, 0)
    assert "If it is yours, sign in with its password" in answer.content.decode()


def test_its_owner_links_it_and_then_comes_by_both(issuer: Issuer) -> None:
    make("kim", "viewer")
    browser, _ = sign_in("kim")
    _, answer = come(browser, "/account/provider")
    assert answer.headers["Location"] == "/account"
    assert AuditEntry.objects.filter(action="sign-in linked", actor="kim").exists()
    assert come()[1].headers["Location"] == "/"
    assert sign_in("kim")[1] == "/"
    assert User.objects.count() == 1
    # What belongs to one is not another's.
    make("eve")
    eve, _ = sign_in("eve")
    assert come(eve, "/account/provider")[1].status_code == 409


def test_a_second_factor_of_ours_is_asked_for_too(issuer: Issuer) -> None:
    come()
    with_app(User.objects.get())
    browser, answer = come()
    assert answer.headers["Location"] == "/login/code"
    assert not is_in(browser)


def test_who_comes_by_the_provider_gets_no_passkey_past_it(issuer: Issuer) -> None:
    browser, _ = come()
    assert browser.get("/account/passkeys").headers["Location"] == "/account"
    assert b"You have none" in browser.get("/account").content


# --- Asked again -------------------------------------------------------------------------------------


def test_who_has_no_password_shows_again_at_the_provider_who_they_are(issuer: Issuer) -> None:
    issuer.person["groups"] = ["eng"]
    browser, _ = come()
    later(browser)
    assert asked_for(ask_for_key(browser)) == "/first-run"
    assert b"/account/again/provider" in browser.get("/account/again?next=/first-run").content
    issuer.person["auth_time"] = int(time.time()) - 901
    _, answer = come(browser, "/account/again/provider", "/first-run")
    assert (answer.status_code, ApiKey.objects.count()) == (403, 0)
    issuer.person["auth_time"] = int(time.time())
    _, answer = come(browser, "/account/again/provider", "/first-run")
    assert (answer.status_code, ApiKey.objects.count()) == (200, 1)
    assert (issuer.asked["prompt"], issuer.asked["max_age"]) == ("login", "0")


@pytest.mark.parametrize("at", [None, "now", True, float("nan"), [], 10**12, "in five minutes"])
def test_a_time_that_is_none_does_not_count_as_just_asked(issuer: Issuer, at: Any) -> None:
    issuer.person["groups"] = ["eng"]
    browser, _ = come()
    later(browser)
    ask_for_key(browser)
    issuer.lies = {"auth_time": int(time.time()) + 300 if at == "in five minutes" else at}
    _, answer = come(browser, "/account/again/provider", "/first-run")
    assert (answer.status_code, ApiKey.objects.count()) == (403, 0)
    issuer.lies = {"auth_time": time.time() + 30}
    assert come(browser, "/account/again/provider", "/first-run")[1].status_code == 200


def test_somebody_else_at_the_provider_does_not_count(issuer: Issuer) -> None:
    issuer.person["groups"] = ["eng"]
    browser, _ = come()
    later(browser)
    ask_for_key(browser)
    issuer.person |= {"sub": "eve-1", "preferred_username": "eve", "email": "eve@corp.example"}
    _, answer = come(browser, "/account/again/provider", "/first-run")
    assert (answer.status_code, ApiKey.objects.count()) == (403, 0)


# --- Settings ----------------------------------------------------------------------------------------


def test_what_is_wrong_with_the_settings_is_said() -> None:
    given = Environment({"OIDC_ISSUER": "http://login.example", "OIDC_ROLES": "eng=boss,=admin"})
    provider.read(given)
    for words in (
        "OIDC_ISSUER is 'http://login.example': write it as https://",
        "OIDC_CLIENT_ID is not set",
        "OIDC_CLIENT_SECRET is not set",
        "OIDC_DOMAINS is not set",
        "OIDC_ROLES has 'eng=boss'",
        "OIDC_ROLES has '=admin'",
    ):
        assert any(sentence.startswith(words) for sentence in given.wrong), words
    assert provider.read(Environment({})) is None


def test_the_claim_may_lie_deeper_and_everybody_may_be_let_in(issuer: Issuer) -> None:
    of = read(issuer, OIDC_DOMAINS="*", OIDC_ROLES="a=admin,a=reviewer", OIDC_ROLES_CLAIM="realm_access.roles")
    assert of is not None
    assert of.lets_in("", False)
    assert of.roles_of({"realm_access": {"roles": ["a"]}}) == ["reviewer", "admin"]
    for odd in ({}, {"realm_access": "a"}, {"realm_access": {"roles": 7}}, {"realm_access": {"roles": [["a"]]}}):
        assert of.roles_of(odd) == []
    assert replace(of, roles=()).roles_of({}) is None
