"""A route's page and the audit log as people meet them: both themes, narrow and wide, and by keyboard."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from fallbacks import enablement
from fallbacks.models import Enablement
from fallbacks.recording import record
from fallbacks.rulebook import changing
from tests.browser.conftest import OpenPage
from tests.browser.test_pages import BOTH, HOSTILE, NARROW, WIDE, look
from tests.browser.test_policy_pages import open_all
from tests.conftest import Person
from tests.dashboard import stage
from tests.make import event, traffic
from tests.policy import on_the_way as way
from tests.policy.stored import verify

no_memory = stage.no_memory
PAGE = "/policies/support-chat/route"


@pytest.fixture
def figures(database: None) -> None:
    """A route that was sent back once, and has evidence and traffic; texts of every length."""
    way.put_route()
    verify()
    way.put_route(payload_classes=["chat"])
    way.put_route()
    verify(details=HOSTILE)
    way.samples(4, failed=1)
    way.samples(26, by=way.somebody("tomas", "reviewer"))
    now = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=5)
    hours = [now - timedelta(hours=hour) for hour in range(30)]
    record(
        [
            *(event(occurred_at=hour, tier="pro", user_notified=True, input_tokens=900_000) for hour in hours),
            *(event(occurred_at=hour, outcome="blocked", fallback=None) for hour in hours[:9]),
        ],
        [traffic(start=hour) for hour in hours],
    )


def seen(page: Page) -> None:
    open_all(page)
    look(page)


@BOTH
def test_the_page_is_sound_in_every_state_for_everybody(
    browser_page: OpenPage, person: Person, figures: None, theme: str, width: int
) -> None:
    engineer, reviewer, viewer = person("engineer"), person("reviewer"), person("viewer")

    def seen_by(*clients: Client) -> None:
        for client in clients:
            page = browser_page(PAGE, client, theme, width)
            seen(page)
            page.context.close()

    seen_by(engineer)
    engineer.post(f"{PAGE}/request", {"why": HOSTILE})
    seen_by(engineer, reviewer, viewer)
    reviewer.post(f"{PAGE}/reject", {"why": HOSTILE, "seen": way.standing().seen})
    seen_by(engineer)
    engineer.post(f"{PAGE}/request", {"why": "again"})
    reviewer.post(f"{PAGE}/approve", {"why": "", "seen": way.standing().seen})
    with changing():
        Enablement.objects.update(expires_at=datetime.now(UTC) + timedelta(days=9))
    seen_by(reviewer, viewer)
    reviewer.post(f"{PAGE}/suspend", {"why": HOSTILE})
    seen_by(viewer)


@BOTH
def test_pages_with_nothing_to_show_are_sound(
    browser_page: OpenPage, person: Person, database: None, theme: str, width: int
) -> None:
    admin = person("admin")
    look(browser_page("/audit", admin, theme, width))
    way.put_route()
    look(browser_page(PAGE, admin, theme, width))
    way.put_route(fallback=None)
    look(browser_page(PAGE, admin, theme, width))
    look(browser_page("/audit?actor=nobody&from=yesterday", admin, theme, width))


# How far apart the first and the last character of an element are drawn: less than nothing where they are turned round.
DRAWN = """it => {
  const text = it.firstChild, place = (at) => {
    const range = document.createRange();
    range.setStart(text, at);
    range.setEnd(text, at + 1);
    return range.getBoundingClientRect();
  };
  const first = place(0), last = place(text.length - 1);
  return first.top === last.top ? last.left - first.left : 0;
}"""


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_what_turns_writing_round_turns_nothing_beside_it(
    browser_page: OpenPage, person: Person, figures: None, width: int
) -> None:
    dana = way.dana()
    dana.first_name = "\u202eanad"
    dana.save()
    turned, admin = "\u202eeht yramirp saw yawa", person("admin")
    enablement.request("support-chat", way.ines(), turned)
    history, decision = ".turns :is(time, .mono)", "[aria-labelledby=de-title] time"
    for path, beside in ((PAGE, history), (PAGE, decision), ("/audit", "table.log time")):
        page = browser_page(path, admin, width=width)
        expect(page.locator("q").first).to_contain_text(turned)
        assert page.locator(beside).count()
        for at in page.locator(beside).all():
            assert at.evaluate(DRAWN) > 0, (path, at.inner_html())
    enablement.approve("support-chat", dana, way.standing().seen, turned)
    enablement.suspend("support-chat", dana, turned)
    page = browser_page(PAGE, admin, width=width)
    for at in page.locator(f"{history}, .note time, .say time").all():
        assert at.evaluate(DRAWN) > 0, at.inner_html()


@BOTH
def test_a_long_reason_is_read_at_a_click_and_fills_no_card(
    browser_page: OpenPage, person: Person, figures: None, theme: str, width: int
) -> None:
    way.samples(0, failed=1)[0].reviews.update(comment="so it is, " * 150)
    enablement.request("support-chat", way.ines(), "one\ntwo\nthree\n" + "a reason of many words " * 80)
    page = browser_page(PAGE, person("reviewer"), theme, width)
    look(page)
    beginning = page.locator(".turns .long").first
    assert beginning.bounding_box()["height"] < (400 if width == NARROW else 160)  # type: ignore[index]
    # In its lines.
    assert beginning.locator("summary bdi").evaluate("it => it.getClientRects().length") >= 4
    beginning.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(beginning.get_by_text("Show less")).to_be_visible()
    expect(beginning.locator("summary q")).to_be_hidden()
    expect(beginning.locator("> q")).to_be_visible()
    look(page)
    page.emulate_media(media="print")
    for whole in page.locator(".long > q").all():
        expect(whole).to_be_visible()


def tab_to(page: Page, name: str) -> None:
    """Come to a control as somebody without a mouse does."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.trim()") == name:
            return
    pytest.fail(f"No way to {name} by Tab")


@BOTH
def test_a_route_is_asked_for_and_approved_by_keyboard_alone(
    browser_page: OpenPage, person: Person, figures: None, theme: str, width: int
) -> None:
    asker = browser_page(PAGE, person("engineer"), theme, width)
    asker.get_by_label("Why").focus()
    asker.keyboard.type("the primary was away twice")
    tab_to(asker, "Ask for enablement")
    asker.keyboard.press("Enter")
    expect(asker.get_by_text("You asked for this, so you cannot approve it.")).to_be_visible()
    expect(asker.get_by_role("button", name="Approve for users")).to_be_disabled()
    expect(asker.get_by_role("status").first).to_contain_text("You asked for enablement.")
    look(asker)
    decider = browser_page(PAGE, person("reviewer"), theme, width)
    decider.get_by_label("Why").focus()
    decider.keyboard.type("looked at all of them")
    tab_to(decider, "Approve for users")
    decider.keyboard.press("Enter")
    expect(decider.get_by_role("status").first).to_contain_text("The route is enabled")
    expect(decider.get_by_text("Yes, since")).to_be_visible()
    expect(decider.locator(".stepper li").last).to_have_class("done")
    look(decider)
    decider.get_by_label("Why").fill("it answers in French")
    decider.get_by_role("button", name="Suspend").click()
    expect(decider.get_by_role("status").first).to_contain_text("The route is suspended")
    assert way.state() == "suspended"


def test_who_decides_on_what_has_changed_is_asked_again_and_loses_no_word(
    browser_page: OpenPage, person: Person, figures: None, complaints: list[str]
) -> None:
    enablement.request("support-chat", way.ines(), "users need it")
    page = browser_page(PAGE, person("reviewer"))
    page.get_by_label("Why").fill("looked at all of them")
    way.samples(0, failed=1)
    page.get_by_role("button", name="Approve for users").click()
    expect(page.get_by_role("alert")).to_contain_text("Something changed since you looked")
    expect(page.get_by_label("Why")).to_have_value("looked at all of them")
    look(page)
    # Of a page with status 409 a browser says so.
    assert all("409" in said for said in complaints)
    complaints.clear()
    page.get_by_role("button", name="Approve for users").click()
    expect(page.get_by_role("status").first).to_contain_text("The route is enabled")


@BOTH
def test_the_audit_log_is_sound(browser_page: OpenPage, person: Person, figures: None, theme: str, width: int) -> None:
    admin = person("admin")
    enablement.request("support-chat", way.ines(), HOSTILE)
    page = browser_page("/audit", admin, theme, width)
    seen(page)
    page.locator("summary", has_text="Export").click()
    look(page)


def test_the_audit_log_is_filtered_and_saved(browser_page: OpenPage, person: Person, figures: None) -> None:
    page = browser_page("/policies", person("admin"))
    page.locator("summary[aria-label$='account menu']").click()
    page.get_by_role("link", name="Audit log").click()
    page.get_by_label("Did what").select_option("route sent back")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page).to_have_url(re.compile("action=route\\+sent\\+back"))
    expect(page.locator("table.log tbody tr")).to_have_count(1)
    page.locator("summary", has_text="Export").click()
    with page.expect_download() as started:
        page.get_by_role("button", name="Entries as JSON").click()
    found = json.loads(started.value.path().read_text())
    assert [row["action"] for row in found["results"]] == ["route sent back"]
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Show all").click()
    expect(page.locator("table.log tbody tr")).not_to_have_count(1)


def test_a_route_prints_without_what_it_is_worked_with(browser_page: OpenPage, viewer: Client, figures: None) -> None:
    page = browser_page(PAGE, viewer)
    page.emulate_media(media="print")
    expect(page.get_by_role("heading", name="What enabling needs")).to_be_visible()
    expect(page.locator(".crumbs")).to_be_hidden()
