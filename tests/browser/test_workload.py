"""A workload's page as people work with it: its chart by hand and by keys, its picture, on paper, and refreshed."""

import re
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.test import Client
from playwright.sync_api import Locator, Page, expect

from fallbacks.recording import record
from tests.browser.conftest import OpenPage
from tests.browser.test_pages import BOTH, HOSTILE, NARROW, WIDE, look
from tests.dashboard import stage
from tests.make import event, traffic

PAGE = "/workloads/support-chat"
MINUTE = timedelta(minutes=1)
no_memory = stage.no_memory
MARKS = """(canvas) => {
  const chart = Chart.getChart(canvas);
  return Object.fromEntries(Object.entries(chart.options.plugins.annotation.annotations).map(([name, mark]) => [name, {
    words: mark.label.content,
    shown: typeof mark.label.display === "function" ? mark.label.display({ chart }) : mark.label.display,
    lower: typeof mark.label.yAdjust === "function" ? mark.label.yAdjust({ chart }) : mark.label.yAdjust,
  }]));
}"""


@pytest.fixture
def figures(database: None) -> None:
    """A day of support-chat: an outage some hours ago, one that goes on, and two versions of its policy."""
    stage.put_models()
    stage.put_policy()
    stage.put_policy("ines", triggers=["overloaded", "timeout"], message=HOSTILE[:300])
    stage.enable()
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    bad = [now - number * MINUTE for number in (*range(1, 12), *range(400, 460))]
    record(
        [
            event(
                occurred_at=at,
                tier="pro",
                user_notified=number % 4 > 0,
                status=("529", "timeout", "503")[number % 3],
                primary_latency_ms=900 + 400 * number,
                fallback_latency_ms=1200 + 10 * number,
                input_tokens=9000,
                cached_input_tokens=2000,
                output_tokens=300,
            )
            for number, at in enumerate(bad)
            for _ in range(3)
        ],
        [traffic(start=now - timedelta(hours=hours), seconds=3600, requests=1800) for hours in range(1, 26)],
    )


def chart(page: Page) -> Locator:
    found = page.locator("[data-chart=rate-chart]")
    found.scroll_into_view_if_needed()
    expect(found.locator("canvas")).to_have_attribute("width", re.compile(r"\d{3}"))
    return found


def drag(page: Page, over: Locator, first: float, last: float) -> None:
    """From one share of a chart's width to another."""
    box = over.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * first, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * (first + last) / 2, y, steps=3)
    page.mouse.move(box["x"] + box["width"] * last, y, steps=3)
    page.mouse.up()


@BOTH
def test_the_page_is_sound(browser_page: OpenPage, viewer: Client, figures: None, theme: str, width: int) -> None:
    for query in (
        "",
        "?range=7d&by=rule&compare=week",
        "?range=custom&from=2026-01-01T00:00&to=2026-01-02T00:00&by=pair",
    ):
        page = browser_page(PAGE + query, viewer, theme, width)
        page.evaluate("document.querySelectorAll('details:not(.menu)').forEach((it) => { it.open = true; })")
        look(page)
        page.context.close()


def test_the_chart_has_its_marks_wide_and_narrow(browser_page: OpenPage, viewer: Client, figures: None) -> None:
    page = browser_page(PAGE, viewer)
    marks = chart(page).locator("canvas").evaluate(MARKS)
    assert [mark["words"] for name, mark in sorted(marks.items()) if name.startswith("note")] == [
        "Policy v1",
        "Policy v2",
    ]
    # They were made within a second of each other: the second chip stands a row lower.
    assert (marks["note0"]["lower"], marks["note1"]["lower"]) == (0, 26)
    assert marks["episode0"]["shown"]
    assert marks["episode0"]["words"].startswith("since ")
    assert marks["limit"]["words"] == "Threshold 1\u202f%"
    narrow = chart(browser_page(PAGE, viewer, width=NARROW)).locator("canvas").evaluate(MARKS)
    assert [narrow[name]["words"] for name in ("note0", "note1")] == ["v1", "v2"]
    assert not narrow["episode0"]["shown"]


def test_dragging_zooms_and_a_click_opens_the_events(browser_page: OpenPage, viewer: Client, figures: None) -> None:
    page = browser_page(f"{PAGE}?by=pair", viewer)
    drag(page, chart(page).locator("canvas"), 0.5, 0.75)
    expect(page).to_have_url(re.compile(r"by=pair&range=custom&from=[^&]+Z&to=[^&]+Z$"))
    expect(page.locator("#figures .bar-line h2")).to_contain_text("Chosen span")
    wide = page.locator("#figures .bar-line h2 time").first.get_attribute("datetime")
    page.get_by_role("link", name="Zoom out").click()
    expect(page.locator("#figures .bar-line h2 time").first).not_to_have_attribute("datetime", wide or "")
    box = chart(page).locator("canvas").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * 0.6, box["y"] + box["height"] / 3)
    expect(page).to_have_url(re.compile(r"/events\?workload=support-chat&environment=production&range=custom&from="))


def test_the_chart_answers_to_keys(browser_page: OpenPage, viewer: Client, figures: None) -> None:
    page = browser_page(PAGE, viewer)
    chart(page).focus()
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    active = "(canvas) => Chart.getChart(canvas).tooltip.opacity"
    assert chart(page).locator("canvas").evaluate(active) == 1
    page.keyboard.press("+")
    expect(page).to_have_url(re.compile(r"range=custom&from=[^&]+&to="))
    chart(page).focus()
    page.keyboard.press("Home")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/events\?workload=support-chat"))


def test_a_chart_is_saved_as_a_picture_that_stands_alone(
    browser_page: OpenPage, viewer: Client, figures: None, tmp_path: Path
) -> None:
    for width, theme in ((WIDE, "light"), (NARROW, "dark")):
        page = browser_page(PAGE, viewer, theme, width)
        chart(page)
        with page.expect_download() as saved:
            page.get_by_role("button", name="Save the chart as a PNG picture").click()
        assert re.fullmatch(r"support-chat-rate-over-time-\d{4}-\d\d-\d\dT\d{4}Z\.png", saved.value.suggested_filename)
        path = tmp_path / f"{width}.png"
        saved.value.save_as(path)
        picture = path.read_bytes()
        assert picture[:8] == b"\x89PNG\r\n\x1a\n"
        assert struct.unpack(">II", picture[16:24]) == (2400, 1072)
        assert 30_000 < len(picture) < 2_000_000


def test_on_paper_there_is_what_the_page_says_and_nothing_to_press(
    browser_page: OpenPage, viewer: Client, figures: None
) -> None:
    page = browser_page(PAGE, viewer, "dark")
    # Chosen, and not the system's: that is light on paper by itself.
    page.evaluate("localStorage.setItem('theme', 'dark')")
    page.reload()
    page.emulate_media(media="print")
    for gone in (".top", ".crumbs", ".live", "[data-png]", ".btn", ".bar-line form", "details summary"):
        assert page.locator(gone).evaluate_all("(found) => found.every((it) => !it.checkVisibility())"), gone
    for kept in ("h1", ".facts", "[data-chart] canvas", "#episodes table", ".barlist"):
        expect(page.locator(kept).first).to_be_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('h1')).color") == "rgb(23, 26, 33)"
    assert len(page.pdf(format="A4")) > 20_000


def test_a_refresh_changes_figures_and_nothing_that_was_opened(
    browser_page: OpenPage, viewer: Client, figures: None
) -> None:
    page = browser_page(f"{PAGE}?by=outcome", viewer)
    page.locator("#cost-working summary").click()
    page.locator("#rate-chart-twin summary").click()
    tab = page.get_by_role("link", name="Outcome")
    tab.focus()
    page.evaluate("window.same = document.querySelector('canvas')")
    record([event(occurred_at=datetime.now(UTC), tier="pro", user_notified=True)])
    expect(page.get_by_role("region", name="What went wrong")).to_contain_text("214 events", timeout=4000)
    assert page.evaluate("window.same === document.querySelector('canvas')")
    assert page.locator("#cost-working").evaluate("it => it.open")
    assert page.locator("#rate-chart-twin").evaluate("it => it.open")
    assert tab.evaluate("it => it === document.activeElement")
