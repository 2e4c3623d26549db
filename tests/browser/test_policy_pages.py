"""The boundary, violations, policies and models as people meet them: both themes, narrow and wide, and by keyboard."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from playwright.sync_api import Page, expect

from fallbacks import policies
from fallbacks.recording import record
from fallbacks.versions import latest
from tests.browser.conftest import OpenPage
from tests.browser.test_pages import BOTH, HOSTILE, NARROW, WIDE, look
from tests.conftest import Person
from tests.dashboard import stage
from tests.dashboard.stage import SUPPORT
from tests.make import event, traffic
from tests.policy.policies import DEMO

no_memory = stage.no_memory
PATHS = (
    "/boundary?workload=support-chat&status=429&attempts=1&error_code=insufficient_quota",
    "/violations",
    "/policies",
    "/policies/support-chat",
    "/policies/hostile",
    "/policies/support-chat/edit",
    "/new-policy?workload=hostile&primary=premium-chat",
    "/models",
    "/models/edit?name=premium-chat",
)


@pytest.fixture
def figures(database: None) -> None:
    """Policies of the demo in some versions, and events that keep and break them in most ways."""
    stage.put_models()
    for body in DEMO:
        stage.put_policy(**body)
    stage.put_policy("ines", triggers=[*SUPPORT["triggers"], "rate_limit"], message=HOSTILE)
    stage.put_policy("ines")
    stage.enable()
    at = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=5)
    hours = [at - timedelta(hours=hour) for hour in range(30)]
    record(
        [
            *(event(occurred_at=hour, tier="pro", user_notified=True) for hour in hours),
            *(event(occurred_at=hour, tier="pro") for hour in hours[:5]),
            *(event(occurred_at=hour, status="402", provider_features=["beta"]) for hour in hours[:3]),
            event(occurred_at=at, workload="batch-extraction", primary="economy-extract", fallback="bare"),
            event(
                occurred_at=at, workload="hostile", primary=HOSTILE, fallback=HOSTILE + "2", reason=HOSTILE, tier="x"
            ),
        ],
        [traffic(start=hour) for hour in hours],
    )


def open_all(page: Page) -> None:
    """Open what can be opened, but for menus, of which one closes the other."""
    page.evaluate("document.querySelectorAll('details:not(.menu)').forEach((it) => { it.open = true; })")


@BOTH
def test_every_page_is_sound(browser_page: OpenPage, person: Person, figures: None, theme: str, width: int) -> None:
    engineer = person("engineer")
    for path in PATHS:
        page = browser_page(path, engineer, theme, width)
        open_all(page)
        look(page)
        assert page.evaluate("document.documentElement.dataset.bsTheme") == theme
        page.context.close()


@BOTH
def test_pages_without_anything_are_sound(browser_page: OpenPage, viewer: Client, theme: str, width: int) -> None:
    for path in ("/boundary", "/violations", "/policies", "/models"):
        look(browser_page(path, viewer, theme, width))


def test_the_pages_are_a_menu_where_there_is_no_room(browser_page: OpenPage, viewer: Client) -> None:
    page = browser_page("/", viewer, width=NARROW)
    page.get_by_label("Pages", exact=True).click()
    look(page)
    page.get_by_role("link", name="Error boundary").click()
    expect(page).to_have_url(re.compile("/boundary$"))
    assert page.get_by_role("navigation", name="Main", exact=True).count() == 0


def test_what_if_is_asked_by_keyboard_and_its_address_holds_the_question(
    browser_page: OpenPage, viewer: Client, figures: None
) -> None:
    page = browser_page("/boundary?range=7d", viewer)
    page.get_by_label("Workload").select_option("support-chat")
    page.get_by_label("Status or word").fill("529")
    page.wait_for_timeout(2500)  # a refresh must not take away what somebody is typing
    page.get_by_label("Tier").fill("pro")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Fall back to baseline-chat:")).to_be_visible()
    expect(page).to_have_url(re.compile("range=7d.*status=529.*#what-if$"))
    page.get_by_role("button", name="24 h", exact=True).click()
    expect(page.get_by_text("Fall back to baseline-chat:")).to_be_visible()


def test_a_number_opens_its_events(browser_page: OpenPage, viewer: Client, figures: None) -> None:
    page = browser_page("/violations", viewer)
    page.get_by_role("link", name="5 of support-chat broke silent").click()
    expect(page.get_by_text(re.compile("5 events match, of .* in the last 24 hours of support-chat"))).to_be_visible()
    expect(page.get_by_role("link", name="Remove filter: Broke silent")).to_be_visible()
    look(page)


def test_a_new_violation_shows_by_itself(browser_page: OpenPage, viewer: Client, figures: None) -> None:
    page = browser_page("/violations", viewer)
    before = page.locator("h1").inner_text()
    record([event(occurred_at=datetime.now(UTC), status="400")])
    expect(page.locator("h1")).not_to_have_text(before, timeout=3000)


@pytest.mark.parametrize(("theme", "width"), [("light", WIDE), ("dark", NARROW)])
def test_a_policy_is_checked_mended_and_saved(
    browser_page: OpenPage, person: Person, figures: None, theme: str, width: int
) -> None:
    page = browser_page("/policies/support-chat", person("engineer"), theme, width)
    page.get_by_role("link", name="Edit").click()
    page.locator("input[value=overloaded]").uncheck()
    page.get_by_label("Owner", exact=True).fill("us")
    # Enter in a field checks and does not save.
    page.get_by_label("Owner", exact=True).press("Enter")
    expect(page.get_by_text("events would now be violations")).to_be_visible()
    stored = latest("support-chat")
    assert stored is not None
    assert stored.version == 3
    look(page)
    page.get_by_label("Fallback", exact=True).select_option("claude-chat")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("reason")
    expect(page.locator("#field-fallback")).to_contain_text("of another API family")
    look(page)
    page.get_by_role("alert").get_by_role("link", name="Fallback").click()
    page.get_by_label("Fallback", exact=True).select_option("baseline-chat")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").first).to_contain_text("Version 4 is saved")
    expect(page).to_have_url(re.compile("/policies/support-chat$"))
    look(page)


@pytest.mark.parametrize(("theme", "width"), [("light", NARROW), ("dark", WIDE)])
def test_what_somebody_saved_meanwhile_is_shown(
    browser_page: OpenPage, person: Person, figures: None, theme: str, width: int
) -> None:
    page = browser_page("/policies/support-chat/edit", person("engineer"), theme, width)
    page.get_by_label("Owner", exact=True).fill("us")
    policies.put("support-chat", SUPPORT | {"triggers": ["timeout"]}, "tomas")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("Not saved: tomas saved version 4 meanwhile")
    look(page)
    page.get_by_role("button", name="Save all the same").click()
    expect(page.get_by_role("status").first).to_contain_text("Version 5 is saved")
    stored = latest("support-chat")
    assert stored is not None
    assert (stored.policy.owner, stored.policy.triggers) == ("us", frozenset({"timeout"}))


def test_an_undeclared_route_becomes_a_draft_in_one_click(
    browser_page: OpenPage, person: Person, figures: None
) -> None:
    page = browser_page("/violations", person("engineer"))
    page.get_by_role("link", name="Draft policy v2 with this pair").click()
    expect(page.get_by_label("Fallback", exact=True)).to_have_value("bare")
    expect(page.locator("input[name=triggers][value=overloaded]")).to_be_checked()
    page.get_by_role("button", name="Check").click()
    expect(page.get_by_role("heading", name="Before you save")).to_be_in_viewport()
    look(page)
