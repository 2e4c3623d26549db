"""The list of events as support meets it: filter, open, copy, page, by keyboard, in both themes and narrow."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from fallbacks.recording import record
from tests.browser.conftest import OpenPage
from tests.browser.test_pages import BOTH, HOSTILE, NARROW, look
from tests.dashboard import stage
from tests.make import event

no_memory = stage.no_memory


@pytest.fixture
def figures(database: None) -> datetime:
    """A policy, and events that keep and break it in most ways. Returns the time of the latest."""
    stage.put_models()
    stage.put_policy()
    stage.enable()
    at = datetime.now(UTC).replace(microsecond=66_000) - timedelta(minutes=2)
    kinds = (
        {"user_notified": True, "tier": "pro"},
        {"tier": "pro", "user_notified": False, "attempts": 2},
        {"outcome": "failed", "fallback": None, "status": "429"},
        {"outcome": "blocked", "status": "400", "error_code": "content_filter"},
        {"provider_features": ["beta"], "status": "402", "tier": "free", "fallback_latency_ms": 2040},
    )
    record(
        [
            *(
                event(occurred_at=at - timedelta(seconds=n), request_id=f"req_{n}", trace_id=f"trace-{n // 3}", **kind)
                for n in range(120)
                for kind in [kinds[n % len(kinds)]]
            ),
            event(workload="hostile", occurred_at=at, id=HOSTILE[:64], reason=HOSTILE, tier="x", request_id="hostile"),
            event(occurred_at=at, environment="staging"),
        ]
    )
    return at


def open_all(page: Page) -> None:
    page.evaluate("document.querySelectorAll('details:not(.menu)').forEach((it) => { it.open = true; })")


@BOTH
def test_every_state_of_the_list_is_sound(
    browser_page: OpenPage, viewer: Client, figures: datetime, theme: str, width: int
) -> None:
    page = browser_page("/events?workload=support-chat", viewer, theme, width)
    look(page)
    for menu in ("Add filter", "Columns", "Last"):
        page.locator("main summary", has_text=menu).first.click()
        look(page)
        page.keyboard.press("Escape")
    page.locator(".event-list a").nth(1).click()
    expect(page.get_by_role("heading", name="Event at")).to_be_in_viewport()
    open_all(page)
    look(page)
    for path in ("/events?outcome=ok&blah=1", "/events?tier=gold&range=1h", "/lookup?q=trace-1", "/lookup?q=nothing"):
        page.goto(path)
        look(page)
    page.goto("/lookup?q=hostile")
    open_all(page)
    look(page)


def test_support_finds_one_request_and_what_became_of_it(
    browser_page: OpenPage, viewer: Client, figures: datetime
) -> None:
    page = browser_page("/events", viewer)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    expect(page.get_by_text("121 events in the last 24 hours, production.")).to_be_visible()
    # Filters, by the form and by the box.
    page.locator("summary", has_text="Add filter").click()
    form = page.get_by_role("form", name="Filters to add")
    form.get_by_label("Outcome", exact=True).select_option("served")
    form.get_by_label("Workload", exact=True).fill("support-chat")
    page.keyboard.press("Enter")
    expect(page.get_by_text("72 events match, of 120 in the last 24 hours of support-chat")).to_be_visible()
    expect(page).to_have_url(re.compile(r"/events\?outcome=served&workload=support-chat$"))
    page.get_by_role("searchbox", name="Search in reasons and ids").fill("req_11 over")
    page.keyboard.press("Enter")
    expect(page.locator(".event-list tbody tr")).to_have_count(7)
    page.get_by_role("link", name="Remove filter: Text has req_11 over").click()
    # Pages, there and back.
    first = page.locator(".event-list tbody time").first.inner_text()
    page.get_by_role("link", name="Older").click()
    expect(page.locator(".event-list tbody tr")).to_have_count(22)
    page.get_by_role("link", name="Newer").click()
    expect(page.locator(".event-list tbody time").first).to_have_text(first)
    # One event, by keyboard alone.
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    panel = page.get_by_role("complementary")
    expect(panel).to_contain_text("had to be told, and was not told.")
    expect(page.locator("tr[aria-current]")).to_have_count(1)
    look(page)
    for button, shows in (
        ("Copy JSON", '"request_id": "req_1"'),
        ("Copy curl", '\'{"id": "event-'),
        ("Copy link", "/events?range=custom"),
    ):
        panel.get_by_role("button", name=button).click()
        expect(panel.get_by_role("button", name="Copied")).to_be_visible()
        assert shows in page.evaluate("navigator.clipboard.readText()")
        expect(panel.get_by_role("button", name=button)).to_be_visible(timeout=3000)
    copied = page.evaluate("navigator.clipboard.readText()")
    panel.get_by_role("button", name="Copy JSON").click()
    expect(panel.get_by_role("button", name="Copied")).to_be_visible()
    assert json.loads(page.evaluate("navigator.clipboard.readText()"))["rules"] == ["silent"]
    # Its trace, and back to the list.
    panel.get_by_role("link", name=re.compile(r"\d\d:\d\d:\d\d")).first.click()
    expect(page.get_by_role("complementary")).to_contain_text("this event")
    page.locator("summary", has_text="Columns").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("complementary")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("complementary")).to_have_count(0)
    # What was copied opens it again, at the top of its list.
    page.goto(copied)
    expect(page.get_by_role("complementary")).to_contain_text("was not told.")
    expect(page.locator(".event-list tbody tr").first).to_have_attribute("aria-current", "true")
    # Columns.
    page.locator("summary", has_text="Columns").click()
    page.get_by_role("checkbox", name="Tries").check()
    page.get_by_role("button", name="Show these").click()
    expect(page.get_by_role("columnheader", name="Tries")).to_be_visible()
    page.goto("/events")
    expect(page.get_by_role("columnheader", name="Tries")).to_be_visible()


def test_a_new_event_shows_by_itself_and_what_one_does_stays(
    browser_page: OpenPage, viewer: Client, figures: datetime
) -> None:
    page = browser_page("/events?outcome=served&workload=support-chat", viewer)
    page.locator(".event-list a").nth(1).click()
    page.locator(".drawer summary").first.click()
    box = page.get_by_role("searchbox", name="Search in reasons and ids")
    box.fill("half typed")
    page.evaluate("window.same = 1")
    record([event(request_id="just-now", occurred_at=datetime.now(UTC))])
    expect(page.locator(".event-list tbody tr").first).to_contain_text("just-now", timeout=3500)
    expect(box).to_have_value("half typed")
    assert page.locator(".drawer details").first.evaluate("it => it.open")
    assert page.evaluate("window.same") == 1
    # On later pages nothing moves under the reader.
    page.goto("/events")
    page.get_by_role("link", name="Older").click()
    expect(page.locator("[data-live]")).to_have_count(0)


def test_where_there_is_no_room_the_event_takes_the_place_of_its_list(
    browser_page: OpenPage, viewer: Client, figures: datetime
) -> None:
    page = browser_page("/events", viewer, "light", NARROW)
    page.locator(".event-list a").nth(3).click()
    expect(page.get_by_role("complementary")).to_be_visible()
    expect(page.locator(".event-list")).to_be_hidden()
    page.get_by_role("link", name="Close the event").click()
    expect(page.locator(".event-list")).to_be_visible()
    expect(page.locator(".event-list tbody tr").nth(3)).to_be_in_viewport()
    # With some more, it stands above.
    page = browser_page("/events", viewer, "dark", 1300)
    page.locator("summary", has_text="Add filter").click()
    look(page)
    page.keyboard.press("Escape")
    page.locator(".event-list a").nth(3).click()
    expect(page.get_by_role("heading", name="Event at")).to_be_in_viewport()
    look(page)
