"""Saved views and exports as people meet them: a view is saved, shared and opened; a file arrives, and says how far."""

import csv
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import expect

from dashboard.exports import events as event_file
from fallbacks.models import SavedView
from fallbacks.recording import record
from tests.browser.conftest import OpenPage
from tests.browser.test_pages import HOSTILE, NARROW, WIDE, look
from tests.conftest import Person
from tests.make import event


@pytest.fixture
def figures(database: None) -> int:
    """Events of the last hours. Returns how many there are."""
    at = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=5)
    events = [event(occurred_at=at - timedelta(minutes=number % 600)) for number in range(3_000)]
    record([*events, event(occurred_at=at, reason="=1+1", primary=HOSTILE, request_id=HOSTILE[:100])])
    return len(events) + 1


@pytest.mark.parametrize(("theme", "width"), [("light", WIDE), ("dark", NARROW)])
def test_a_view_is_saved_shared_and_opened_by_somebody_else(
    browser_page: OpenPage, person: Person, figures: int, theme: str, width: int
) -> None:
    page = browser_page("/events?outcome=served&range=7d", person("viewer"), theme, width)
    page.locator("summary", has_text="Views").click()
    expect(page.get_by_text("No view is saved yet.")).to_be_visible()
    page.get_by_label("Save what you see as").fill("Served, a week")
    page.wait_for_timeout(2000)  # a refresh must not take away what somebody is typing
    look(page)
    page.get_by_label("Share with everybody who signs in").check()
    page.get_by_role("button", name="Save view").click()
    expect(page.get_by_text("Saved as “Served, a week”.")).to_be_visible()
    page.get_by_role("button", name="Save view").click()
    expect(page.get_by_role("alert")).to_contain_text("You have a view called")
    look(page)
    page.get_by_role("link", name="All views").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Saved views")
    look(page)
    page.locator("summary", has_text="Rename").click()
    look(page)
    page.get_by_label("Name", exact=True).fill("A week of answers")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("is called “A week of answers” now")

    other = browser_page("/", person("engineer"), theme, width)
    other.locator("summary", has_text="Views").click()
    other.get_by_role("link", name="A week of answers").click()
    expect(other).to_have_url(re.compile(r"/events\?outcome=served&range=7d$"))
    other = browser_page("/views", person("admin"), theme, width)
    look(other)
    other.locator("summary", has_text="Delete").click()
    other.get_by_role("button", name="Delete the view").click()
    expect(other.get_by_role("status")).to_contain_text("is deleted")
    look(other)
    assert not SavedView.objects.exists()


def test_a_view_that_is_refused_leads_to_a_page_that_says_why(
    browser_page: OpenPage, person: Person, figures: int, complaints: list[str]
) -> None:
    page = browser_page("/events?outcome=served", person("viewer"))
    page.locator("summary", has_text="Views").click()
    page.get_by_label("Save what you see as").fill("Served")
    # As after signing in anew in another tab: what the page would send is of the visit before.
    page.context.clear_cookies(name="csrftoken")
    page.get_by_role("button", name="Save view").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("This form is no longer good.")
    look(page)
    assert not SavedView.objects.exists()
    assert any("403" in each for each in complaints)
    complaints.clear()


@pytest.mark.parametrize(("theme", "width"), [("dark", WIDE), ("light", NARROW)])
def test_a_file_arrives_and_the_page_tells_how_far_it_has_come(
    browser_page: OpenPage,
    person: Person,
    figures: int,
    theme: str,
    width: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_file, "BATCH", 100)
    page = browser_page("/events", person("viewer"), theme, width)
    page.locator("summary", has_text="Export").click()
    look(page)
    with page.expect_download() as arrives:
        page.get_by_role("button", name="Events as CSV").click()
    expect(page.locator("#export-box")).to_contain_text("The file is complete.")
    expect(page.locator("#export-box")).to_contain_text(f"Export of {figures:,} events as CSV")
    look(page)
    assert re.fullmatch(r"events_production_[-0-9TZ]+_[-0-9TZ]+\.csv", arrives.value.suggested_filename)
    arrives.value.save_as(tmp_path / "events.csv")
    with (tmp_path / "events.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len({row["id"] for row in rows}) == figures
    assert "'=1+1" in {row["reason"] for row in rows}
    page.get_by_role("button", name="Close; the download goes on").click()
    expect(page.locator("#export-box")).to_have_count(0)
    page.locator("summary", has_text="Export").click()
    page.get_by_role("link", name="Your exports").click()
    expect(page.get_by_text("The file is complete.")).to_be_visible()
    look(page)
    page.get_by_role("link", name="Export again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{figures:,} events to export")
    look(page)
    with page.expect_download() as arrives:
        page.get_by_role("button", name="JSON, for a program").click()
    assert arrives.value.suggested_filename.endswith(".json")


@pytest.mark.parametrize(("theme", "width"), [("dark", NARROW), ("light", WIDE)])
def test_pages_without_anything_are_sound(browser_page: OpenPage, person: Person, theme: str, width: int) -> None:
    viewer = person("viewer")
    for path in ("/views", "/exports", "/events/export?outcome=wrong"):
        look(browser_page(path, viewer, theme, width))
