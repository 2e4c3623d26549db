"""What is typed stays a text."""

import re
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect
from pytest_django import Settings

from fallbacks import policies
from fallbacks.models import User
from tests import hostile
from tests.accounts import issuer as issuers
from tests.accounts import people, test_provider
from tests.browser.hostile.eyes import OPEN_ALL
from tests.browser.hostile.stage import ODD, SUPPORT, Stage
from tests.browser.hostile.texts import Texts, on_one_line
from tests.browser.hostile.visitor import Visitor, Visits

pytestmark = pytest.mark.usefixtures("database", "stream")


def typable(text: str) -> bool:
    """A field of one line cuts off blanks and ends of lines, and a list of names is cut at commas."""
    return hostile.breaks_out(text) and on_one_line(text) and text == text.strip() and "," not in text


@pytest.fixture
def typed() -> Texts:
    return Texts()


def test_who_signs_in_stays_here_and_what_they_typed_stays_a_text(visits: Visits, typed: Texts) -> None:
    people.make("joined", "viewer")
    visitor = visits(None)
    page = visitor.page

    def sign_in(name: str, password: str, following: str) -> None:
        page.goto(f"/login?{urlencode({'next': following})}")
        page.get_by_label("User name").fill(name)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Sign in", exact=True).click()

    for name, following in zip(typed.some(3, "name", 150, typable), typed.some(3, "next", 400, typable), strict=True):
        sign_in(name, "wrong", following)
        expect(page.get_by_role("alert")).to_contain_text("Name or password is wrong.")
        visitor.sees(name)
    for following in [each for each in hostile.ADDRESSES if "<" not in each][::6]:
        sign_in("joined", people.PASSWORD, following)
        # To a page that there may not be, and never to one of somebody else's.
        expect(page).not_to_have_url(re.compile("/login"))
        visitor.forgive(404)
        visitor.sees()
        page.context.clear_cookies()
    people.with_app(User.objects.get(username="joined"))
    sign_in("joined", people.PASSWORD, typed.one("next", 400, typable))
    expect(page.get_by_role("heading", name="One more step")).to_be_visible()
    visitor.sees()


def test_a_name_that_a_provider_tells_stays_a_text(visits: Visits, settings: Settings) -> None:
    texts = Texts()
    first, last, name, error = (texts.one(of, 100, typable) for of in ("first", "last", "provider", "error"))
    with issuers.running() as issuer:
        provider = test_provider.read(issuer)
        assert provider is not None
        settings.OIDC = replace(provider, name=name)
        issuer.person = {"sub": first, "email": "kim@corp.example", "email_verified": True}
        issuer.person |= {"given_name": first, "family_name": last, "preferred_username": first}
        browser, answer = test_provider.come()
    assert answer.headers["Location"] == "/"
    visitor = visits(browser)
    visitor.page.goto("/account")
    visitor.page.locator("summary.avatar-mini").click()
    visitor.sees(f"{first} {last}", name)
    visitor = visits(None)
    visitor.page.goto("/login")
    visitor.sees(f"Sign in by {name}")
    visitor.page.goto(f"/login/provider/back?{urlencode({'error': error, 'state': error, 'code': error})}")
    visitor.forgive(400)
    visitor.sees("The provider’s answer is not good.")


def test_what_is_typed_in_forms_stays_a_text(visits: Visits, typed: Texts) -> None:
    on = Stage(typed)
    visitor = visits(on.clients["admin"])
    for fill_in in (save_a_view, make_a_key, put_a_model, put_a_policy, invite, let_in, suspend, review):
        fill_in(visitor, on)


def save_a_view(visitor: Visitor, on: Stage) -> None:
    page, name = visitor.page, on.texts.one("view typed", 80, typable)
    page.goto("/events?outcome=served")
    page.locator("summary", has_text="Views").click()
    for said in (f"Saved as “{name}”.", f"You have a view called “{name}”"):
        page.get_by_label("Save what you see as").fill(name)
        with page.expect_response("**/views"):
            page.get_by_role("button", name="Save view").click()
        expect(page.locator(".views-said")).to_contain_text(said[:8])
        visitor.sees(said)
    page.goto("/views")
    other = on.texts.one("view typed", 80, typable)
    page.locator("tr", has=page.locator("summary", has_text="Rename")).first.locator("summary").first.click()
    page.get_by_label("Name", exact=True).first.fill(other)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("is called")
    visitor.sees(f"is called “{other}” now")


def make_a_key(visitor: Visitor, on: Stage) -> None:
    page, name = visitor.page, on.texts.one("key typed", 100, typable)
    page.goto("/keys/new")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Workloads").fill(name)
    page.get_by_role("button", name="Make the key").click()
    expect(page.get_by_role("alert")).to_contain_text("Not made.")
    visitor.sees(name)
    page.get_by_label("Workloads").fill("")
    page.get_by_role("button", name="Make the key").click()
    expect(page.get_by_label("New API key")).to_be_visible()
    visitor.sees(f"Here is the key {name}.")
    page.goto("/keys")
    page.locator(".keys-table a.name").first.click()
    page.locator("summary", has_text="Revoke").click()
    page.get_by_role("button", name="Revoke for good").click()
    expect(page.get_by_text("It opens nothing any more", exact=True)).to_be_visible()
    visitor.sees(f"{name} is revoked.")


def put_a_model(visitor: Visitor, on: Stage) -> None:
    page = visitor.page
    name, provider, feature = (on.texts.one(f"{of} typed", 60, typable) for of in ("model", "provider", "feature"))
    page.goto("/models/edit")
    page.get_by_label("Name", exact=True).fill(name)
    for label, text in (
        ("Provider", provider),
        ("API family", provider),
        ("Request shapes", feature),
        ("Features", feature),
    ):
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").first).to_contain_text("Not saved.")
    visitor.sees(name, provider, feature)
    page.get_by_label("Request shapes", exact=True).fill("chat")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text("is saved.")
    visitor.sees(f"{name} is saved.", provider, feature)


def put_a_policy(visitor: Visitor, on: Stage) -> None:
    page = visitor.page
    owner, criterion, by = (on.texts.one(f"{of} typed", 64, typable) for of in ("owner", "criterion", "by"))
    page.goto(f"/policies/{SUPPORT}/edit")
    page.get_by_label("Owner", exact=True).fill(owner)
    page.get_by_label("Criteria", exact=True).fill(f"{criterion}, {criterion}")
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing is saved")
    visitor.sees(owner, criterion)
    page.get_by_label("Criteria", exact=True).fill(criterion)
    policies.put(SUPPORT, on.bodies[SUPPORT] | {"description": by}, by)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Not saved:")
    visitor.sees(owner, criterion, f"{by} saved version")
    page.get_by_role("button", name="Save all the same").click()
    expect(page.get_by_role("status").first).to_contain_text("is saved")
    visitor.sees(owner, criterion)


def invite(visitor: Visitor, on: Stage) -> None:
    page, note = visitor.page, on.texts.one("note typed", 200, typable)
    page.goto("/people/invite")
    page.get_by_label("For whom").fill(note)
    page.get_by_role("checkbox", name="Viewer See").uncheck()
    page.get_by_role("button", name="Make the link").click()
    expect(page.get_by_role("alert")).to_contain_text("No link was made.")
    visitor.sees(note)
    page.get_by_role("checkbox", name="Engineer").check()
    page.get_by_role("button", name="Make the link").click()
    expect(page.get_by_label("Link of the invitation")).to_be_visible()
    visitor.sees(f"For {note}, as engineer")


def let_in(visitor: Visitor, on: Stage) -> None:
    page = visitor.page
    page.goto(f"/people/{on.gone.pk}")
    page.locator("form[action$=reactivate] button").click()
    expect(page.get_by_role("status").first).to_contain_text("can sign in again.")
    visitor.sees(f"{on.gone.known_as} can sign in again.")
    page.locator("form[action$=reset] button").click()
    expect(page.locator("#link")).to_be_visible()
    visitor.sees(f"For {on.gone.known_as}")


def suspend(visitor: Visitor, on: Stage) -> None:
    page, why = visitor.page, on.texts.one("why typed", 2000, typable)
    page.goto(f"/policies/{ODD[0]}/route")
    page.get_by_label("Why").fill(why)
    page.get_by_role("button", name="Suspend").click()
    expect(page.get_by_role("status").first).to_contain_text("The route is suspended")
    page.evaluate(OPEN_ALL)
    visitor.sees(why)


def review(visitor: Visitor, on: Stage) -> None:
    """Score a sample, see what the keys do, and skip the next one."""
    page = visitor.page
    comment, reason = on.texts.one("comment typed", 2000, typable), on.texts.one("skipped typed", 500, typable)
    page.goto("/reviews")
    page.keyboard.press("c")
    expect(page.locator("#missing")).to_contain_text("missing")
    for mark in page.locator("label.pass").all():
        mark.click()
    page.locator("#comment").fill(comment)
    page.locator("[data-send]").click()
    expect(page.get_by_text("Sent. ").first).to_be_visible()
    visitor.sees(on.model_names[1])
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()
    visitor.sees(*(f"{name}: pass, fail, not applicable" for name in on.bodies[SUPPORT]["review"]["criteria"][:6]))
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    expect(page.locator("#skip-reason")).to_be_focused()
    page.keyboard.insert_text(reason)
    with page.expect_response("**/skip"):
        page.keyboard.press("Enter")
    expect(page.get_by_text("Skipped: ").first).to_be_visible()
    visitor.sees()
