"""What every page shares, as people meet it: keys, menus, the live figures and what they say, and the first run."""

import re
import shutil
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Page, Route, expect

from fallbacks.models import ApiKey
from fallbacks.recording import record
from fallbacks.streams import connection
from ingest import buffer
from ingest import drain as draining
from tests.browser import test_pages
from tests.browser.conftest import OpenPage
from tests.browser.test_pages import NARROW, WIDE, look
from tests.conftest import Person
from tests.dashboard import test_shell
from tests.dashboard.test_shell import wait_in_the_stream
from tests.make import event

figures = test_pages.figures
no_memory = test_shell.no_memory
BOTH = pytest.mark.parametrize(
    ("theme", "width"), [("light", NARROW), ("light", WIDE), ("dark", NARROW), ("dark", WIDE)]
)

# What somebody types who takes one of the ways as it is.
WAYS = {"curl": ("sh", "-c"), "python": (sys.executable, "-c"), "node": ("node", "-e")}


def focused(page: Page) -> str:
    return str(page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.textContent"))


def refreshes(page: Page) -> list[float]:
    """The requests of refreshes from now on, by when they were sent."""
    sent: list[float] = []
    page.on("request", lambda asked: sent.append(time.monotonic()) if "hx-request" in asked.headers else None)
    return sent


def look_again(page: Page) -> None:
    """As if the window had been hidden and is seen again: the page does not wait for its next turn."""
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")


def test_keys_lead_everywhere_and_are_dead_while_typing(
    browser_page: OpenPage, viewer: Client, figures: datetime
) -> None:
    page = browser_page("/", viewer)
    page.keyboard.press("/")
    lookup = page.get_by_role("searchbox", name="Look up")
    expect(lookup).to_be_focused()
    page.keyboard.type("gv?p")
    expect(lookup).to_have_value("gv?p")
    expect(page.locator("dialog")).to_be_hidden()
    page.locator("h1").click()
    for pressed in ("Control+p", "Alt+p", "x", "g", "x", "v"):
        page.keyboard.press(pressed)
    expect(page.get_by_text("Live, figures of")).to_be_visible()
    for key, path in (("v", "/violations"), ("p", "/policies"), ("b", "/boundary"), ("e", "/events"), ("o", "/")):
        page.keyboard.press("g")
        page.keyboard.press(key)
        expect(page).to_have_url(re.compile(f"{path}$"))
        # The address is there before the scripts that listen are.
        page.wait_for_load_state()
    page.keyboard.press("p")
    expect(page.get_by_text("Paused, figures of")).to_be_visible()
    page.keyboard.press("p")
    expect(page.get_by_text("Live, figures of")).to_be_visible()


def test_rows_are_gone_through_by_keys(browser_page: OpenPage, viewer: Client, figures: datetime) -> None:
    page = browser_page("/events", viewer)
    rows = page.locator("[data-rows] > tbody > tr")
    for pressed, row in (("j", 0), ("j", 1), ("j", 2), ("k", 1), ("k", 0), ("k", 0), ("j", 1)):
        page.keyboard.press(pressed)
        expect(rows.nth(row).get_by_role("link").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("open="))
    expect(page.get_by_role("heading", name="Event at")).to_be_visible()
    page.goto("/")
    page.keyboard.press("j")
    expect(page.locator("[data-rows] > tbody > tr").first.get_by_role("link").first).to_be_focused()


@BOTH
def test_the_keys_are_shown_by_a_key_and_by_the_menu(
    browser_page: OpenPage, viewer: Client, figures: datetime, theme: str, width: int
) -> None:
    page = browser_page("/", viewer, theme, width)
    link = page.locator("#w-support-chat").get_by_role("link").first
    link.focus()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_be_visible()
    for word in ("Overview", "Look up an id", "Show these keys", "Pause, go on"):
        expect(dialog.get_by_text(word, exact=True)).to_be_visible()
    page.keyboard.press("p")  # nothing but the dialog has keys now
    look(page)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(link).to_be_focused()
    expect(page.get_by_text("Live, figures of")).to_be_visible()
    page.locator("summary[aria-label$='account menu']").click()
    look(page)
    page.get_by_role("button", name="Keyboard shortcuts").press("Enter")
    expect(dialog).to_be_visible()
    page.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()
    assert focused(page).endswith("account menu")


def test_a_pause_tells_what_came_in_meanwhile(browser_page: OpenPage, viewer: Client, figures: datetime) -> None:
    page = browser_page("/workloads/support-chat", viewer)
    sent = refreshes(page)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text(re.compile(r"Paused at \d\d:\d\d:\d\d"))).to_be_visible()
    expect(page.get_by_text("No events came in since.")).to_be_visible()
    now = datetime.now(UTC)
    record([event(occurred_at=now), event(occurred_at=now), event(workload="other", occurred_at=now)])
    expect(page.get_by_text("2 events came in since.")).to_be_visible(timeout=5000)
    assert sent == []
    look(page)
    page.get_by_role("link", name="Go on").click()
    expect(page.get_by_text("came in since")).to_be_hidden()
    expect(page.get_by_role("button", name="Pause")).to_be_focused()
    expect(page.get_by_text("Live, figures of")).to_be_visible()


@pytest.mark.parametrize(("theme", "width"), [("light", WIDE), ("dark", NARROW)])
def test_a_line_says_that_the_figures_are_behind_until_they_are_not(
    browser_page: OpenPage,
    viewer: Client,
    figures: datetime,
    stream: None,
    running_servers: Any,
    theme: str,
    width: int,
) -> None:
    page = browser_page("/", viewer, theme, width)
    line = page.locator(".behind .note")
    expect(line).to_have_count(0)
    wait_in_the_stream(40, items=12_300)
    expect(line).to_contain_text("12,300 events and traffic counts wait in the stream", timeout=8000)
    look(page)
    above = page.evaluate(
        "document.querySelector('.behind').getBoundingClientRect().bottom"
        " <= document.querySelector('h1').getBoundingClientRect().top"
    )
    assert above
    connection().flushall()
    expect(line).to_have_count(0, timeout=8000)
    running_servers.down("redis-stream")
    try:
        expect(line).to_contain_text("the stream does not answer", timeout=10_000)
    finally:
        running_servers.up("redis-stream")


def test_while_the_database_is_away_the_last_figures_stay_with_their_time(
    browser_page: OpenPage, viewer: Client, figures: datetime, running_servers: Any, complaints: list[str]
) -> None:
    page = browser_page("/", viewer)
    away = browser_page("/nothing/here", viewer, "dark", NARROW)
    look(away)
    running_servers.down("postgres")
    # Not before: what the page says goes on changing until then.
    row = page.locator("#w-support-chat").inner_text()
    try:
        note = page.get_by_text(re.compile(r"The database does not answer\. What you see is of .*\d\d:\d\d:\d\d"))
        expect(note).to_be_visible(timeout=8000)
        assert page.locator("#w-support-chat").inner_text() == row
        look(page)
        away.goto("/")
        expect(away.get_by_role("heading", name="The database does not answer.")).to_be_visible()
        look(away)
    finally:
        running_servers.up("postgres")
    look_again(page)
    expect(note).to_be_hidden()
    # This one by itself.
    expect(away.locator("#w-support-chat")).to_be_visible(timeout=30_000)
    complaints.clear()


def test_what_nobody_sees_is_not_refreshed_and_a_slow_server_is_asked_less(
    browser_page: OpenPage, viewer: Client, figures: datetime
) -> None:
    page = browser_page("/", viewer)
    page.evaluate("Object.defineProperty(document, 'hidden', {get: () => window.away ?? false, configurable: true})")
    page.evaluate("window.away = true")
    page.wait_for_timeout(300)
    sent = refreshes(page)
    page.wait_for_timeout(2500)
    assert sent == []

    def slowly(route: Route) -> None:
        page.wait_for_timeout(700)
        route.continue_()

    page.route("**/*", slowly)
    page.evaluate("window.away = false")
    begun = time.monotonic()
    look_again(page)
    while len(sent) < 2 and time.monotonic() - begun < 20:
        page.wait_for_timeout(100)
    assert sent[1] - sent[0] > 3
    page.unroute_all(behavior="ignoreErrors")


@pytest.mark.parametrize(
    ("theme", "width", "way"),
    [("light", NARROW, "curl"), ("light", WIDE, "python"), ("dark", NARROW, "node"), ("dark", WIDE, "curl")],
)
def test_from_nothing_to_the_first_own_event(
    browser_page: OpenPage, person: Person, stream: None, theme: str, width: int, way: str
) -> None:
    if way == "node" and not shutil.which("node"):
        pytest.skip("no node on this machine")
    page = browser_page("/", person("engineer"), theme, width)
    look(page)
    page.get_by_role("link", name="Show me how").click()
    look(page)
    page.get_by_role("button", name="Make a key").click()
    expect(page.get_by_label("New API key")).to_have_value(re.compile("^fo_"))
    key = page.get_by_label("New API key").input_value()
    assert key.startswith(ApiKey.objects.get().prefix)
    look(page)
    page.get_by_text("Nothing after a minute?").click()
    page.get_by_role("radio", name="curl").focus()
    for other in WAYS:
        expect(page.locator(f"#send-{other}")).to_be_visible()
        expect(page.locator("pre:visible")).to_have_count(1)
        if other == way:
            break
        page.keyboard.press("ArrowRight")
    look(page)
    code = str(page.locator(f"#send-{way}").text_content())
    sent = subprocess.run([*WAYS[way], code], capture_output=True, text=True, timeout=30)
    assert sent.stdout.strip() == '{"accepted":1,"rejected":[]}', sent.stderr
    for shard in buffer.shards():
        draining.drain(shard, 1)
    expect(page).to_have_url(re.compile(r"/events\?.*workload=my-workload"), timeout=10_000)
    expect(page.get_by_text("first event").first).to_be_visible()


def test_what_is_copied_is_what_is_shown(browser_page: OpenPage, person: Person) -> None:
    page = browser_page("/first-run", person("engineer"))
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy the command").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#send-curl").text_content()
    expect(page.get_by_role("button", name="Copy the command")).to_be_visible(timeout=4000)
