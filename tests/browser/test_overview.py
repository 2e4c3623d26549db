"""The overview as people meet it: who is needed, sorted and filtered, refreshed while somebody works with it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from playwright.sync_api import expect

from fallbacks.recording import record
from tests.browser.conftest import OpenPage
from tests.browser.test_pages import BOTH, NARROW, WIDE, look
from tests.dashboard import stage
from tests.dashboard.stage import enable, put_models, put_policy
from tests.make import event, traffic
from tests.policy.policies import DEMO

no_memory = stage.no_memory
IMAGES = {"workload": "image-understanding", "primary": "vision-large", "fallback": "vision-base"}


@pytest.fixture
def figures(database: None) -> None:
    """Workloads of every state, and one in another environment."""
    put_models()
    for body in DEMO:
        put_policy(**body | {"owner": f"team of {body['workload']}"})
    enable()
    enable("image-understanding", "vision-large", "vision-base")
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    minutes = [now - number * timedelta(minutes=1) for number in range(1, 31)]
    code = {"workload": "code-assistant", "primary": "strong-code", "fallback": "standard-code"}
    record(
        [
            *(event(occurred_at=at, tier="free") for at in minutes for _ in range(9)),
            *(event(occurred_at=at, status="503", outcome="blocked", **code) for at in minutes for _ in range(9)),
            *(event(occurred_at=at, status="timeout", **IMAGES) for at in minutes),
            *(event(workload="meeting-notes", occurred_at=at) for at in minutes[:3]),
            event(environment="staging", occurred_at=minutes[0]),
        ],
        [
            *(traffic(start=at) for at in minutes),
            *(traffic(start=at, workload="code-assistant") for at in minutes),
            *(traffic(start=at, workload="image-understanding") for at in minutes),
            traffic(start=minutes[0], workload="batch-extraction", requests=5000),
        ],
    )


@BOTH
def test_it_is_sound_in_every_state(
    browser_page: OpenPage, viewer: Client, figures: None, theme: str, width: int
) -> None:
    page = browser_page("/", viewer, theme, width)
    expect(page.get_by_role("heading", level=1)).to_have_text(
        "3 of 5 workloads need someone now: 1 failing, 1 silent, 1 degraded."
    )
    page.locator("details.twin summary").click()
    look(page)
    # Before there are tables, change columns go: here a number says less than a state.
    changes = page.get_by_role("columnheader", name="Change, points")
    assert changes.count() == (2 if width == WIDE else 0)


def test_it_is_sorted_and_filtered_by_keyboard_and_the_address_keeps_all_of_it(
    browser_page: OpenPage, viewer: Client, figures: None
) -> None:
    page = browser_page("/", viewer)
    rows = page.locator(".workloads tbody tr")
    expect(rows.first).to_have_id("w-code-assistant")
    page.get_by_role("link", name="Degraded", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#by-degraded")).to_have_attribute("aria-sort", "descending")
    expect(rows.first).to_have_id("w-support-chat")
    page.get_by_role("combobox", name="State").select_option("silent")
    expect(rows).to_have_count(1)
    page.get_by_role("button", name="7 d", exact=True).click()
    expect(page).to_have_url(re.compile(r"\?range=7d&state=silent&sort=-degraded$"))
    page.get_by_role("combobox", name="Compare with").select_option("none")
    expect(page.get_by_role("columnheader", name="Change, points")).to_have_count(0)
    page.get_by_role("combobox", name="Environment").select_option("staging")
    expect(page).to_have_url(re.compile("environment=staging&compare=none&range=7d&state=silent&sort=-degraded$"))
    expect(page.get_by_text("No workload is like that just now")).to_be_visible()
    page.get_by_role("link", name="Show all workloads").click()
    expect(rows).to_have_count(1)
    look(page)


def test_a_refresh_moves_nothing_and_says_once_what_has_changed(
    browser_page: OpenPage, viewer: Client, figures: None
) -> None:
    page = browser_page("/?sort=workload", viewer, width=NARROW)
    page.locator("details.twin summary").click()
    link = page.locator("#w-support-chat").get_by_role("link", name="support-chat", exact=True)
    link.scroll_into_view_if_needed()
    link.focus()
    page.evaluate("getSelection().selectAllChildren(document.querySelector('#w-support-chat .name'))")
    # What comes in above moves the page, and not what is looked at.
    before = link.evaluate("it => it.getBoundingClientRect().top")
    said = page.get_by_role("status").filter(has_text="batch-extraction: Silent.")
    assert page.locator("#announced").inner_text() == ""
    put_policy(**DEMO[1] | {"notice": "always", "message": "m", "user_visible": True})
    record([event(occurred_at=datetime.now(UTC), workload="batch-extraction",
                  primary="economy-extract", fallback="baseline-extract")])  # fmt: skip
    expect(said).to_have_count(1, timeout=4000)
    expect(page.locator("#w-batch-extraction")).to_contain_text("Silent")
    assert link.evaluate("it => it.getBoundingClientRect().top") == before
    assert page.evaluate("getSelection().toString()") == "support-chat"
    assert link.evaluate("it => it === document.activeElement")
    assert page.locator("details.twin").evaluate("it => it.open")


def test_the_focus_stays_in_a_row_that_moves_and_goes_on_from_a_call_that_is_over(
    browser_page: OpenPage, viewer: Client, figures: None
) -> None:
    page = browser_page("/", viewer)
    rows = page.locator(".workloads tbody tr")
    expect(rows.first).to_have_id("w-code-assistant")
    call = page.locator("#call-code-assistant").get_by_role("link", name="code-assistant", exact=True)
    row = page.locator("#w-code-assistant").get_by_role("link", name="code-assistant", exact=True)
    call.focus()
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    minutes = [now - number * timedelta(minutes=1) for number in range(31)]
    record([], [traffic(start=at, workload="code-assistant", requests=100_000) for at in minutes])
    expect(call).to_have_count(0, timeout=4000)
    expect(row).to_be_focused()
    call = page.locator("#call-support-chat").get_by_role("link", name="support-chat", exact=True)
    row = page.locator("#w-support-chat").get_by_role("link", name="support-chat", exact=True)
    row.focus()
    record([], [traffic(start=at, requests=100_000) for at in minutes])
    expect(call).to_have_count(0, timeout=4000)
    expect(row).to_be_focused()
