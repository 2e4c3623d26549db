"""The pages as people meet them: both themes, narrow and wide, by keyboard, and live."""

import re
import time
from datetime import UTC, datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client
from playwright.sync_api import Page, expect

from fallbacks import policies
from fallbacks.recording import record
from tests.browser.conftest import OpenPage
from tests.make import event, traffic
from tests.policy.stored import SUPPORT, put_support

NARROW, WIDE = 360, 1600
# Each theme and each width once: what a width breaks, no colour mends.
BOTH = pytest.mark.parametrize(("theme", "width"), [("light", WIDE), ("dark", NARROW)])
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>" + "long" * 60


@pytest.fixture
def figures(database: None) -> datetime:
    """Traffic and events of the last hours, of every kind. Returns the time of the latest."""
    at = datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(minutes=5)
    hours = [at - timedelta(hours=hour) for hour in range(30)]
    record(
        [
            *(
                event(occurred_at=hour, outcome=outcome)
                for hour in hours
                for outcome in ("served", "failed", "blocked")
            ),
            *(event(workload="meeting-notes", occurred_at=hour) for hour in hours[:5]),
            event(workload="hostile", occurred_at=at, primary=HOSTILE, reason=HOSTILE, status="500", id=HOSTILE[:64]),
            event(occurred_at=at, environment="staging"),
        ],
        [
            *(traffic(start=hour) for hour in hours),
            traffic(workload="hostile", start=at, requests=1000),
        ],
    )
    return at


def look(page: Page) -> None:
    """Nothing that axe knows of is wrong, and nothing lies beside the screen."""
    found = Axe().run(page).response["violations"]
    assert [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found] == []
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


@BOTH
def test_every_page_is_sound(browser_page: OpenPage, viewer: Client, figures: datetime, theme: str, width: int) -> None:
    for path in ("/", "/?range=7d", "/workloads/support-chat", "/workloads/meeting-notes", "/workloads/hostile"):
        page = browser_page(path, viewer, theme, width)
        expect(page.locator("canvas").first).to_be_visible()
        page.locator(".chart-foot summary").click()
        page.locator("summary[aria-label$='account menu']").click()
        look(page)
        page.keyboard.press("Escape")
        page.locator("summary", has_text="Custom").click()
        look(page)
        assert page.evaluate("document.documentElement.dataset.bsTheme") == theme


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_pages_without_figures_are_sound(browser_page: OpenPage, viewer: Client, theme: str, width: int) -> None:
    look(browser_page("/", viewer, theme, width))
    look(browser_page("/login", None, theme, width))


def test_signing_in_and_out(browser_page: OpenPage, figures: datetime) -> None:
    dana = get_user_model().objects.create_user("dana", password="of the tests alone")
    dana.groups.set(Group.objects.filter(name="viewer"))
    page = browser_page("/workloads/support-chat")
    expect(page).to_have_url(re.compile(r"/login\?next="))
    page.get_by_label("User name").fill("dana")
    page.get_by_label("Password").fill("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("Name or password is wrong.")
    look(page)
    page.get_by_label("Password").fill("of the tests alone")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/workloads/support-chat$"))
    page.locator("summary[aria-label$='account menu']").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/login$"))


@pytest.mark.parametrize("path", ["/", "/workloads/support-chat"])
def test_a_new_event_shows_within_three_seconds_and_nothing_else_moves(
    browser_page: OpenPage, viewer: Client, figures: datetime, path: str
) -> None:
    page = browser_page(path, viewer, width=NARROW)
    page.locator(".chart-foot summary").click()
    # At once: a wheel's way may go on while the page is looked at.
    page.evaluate("scrollBy(0, 400)")
    # In its row: what is said above may go as its state gets better with time.
    within, name = (page.locator("#w-support-chat"), "support-chat") if path == "/" else (page, "Overview")
    link = within.get_by_role("link", name=name, exact=True).first
    link.focus()
    page.evaluate("window.same = 1")
    before = page.evaluate("scrollY"), page.locator("canvas").first.evaluate("it => it.width")
    record([event(id="just-now", occurred_at=datetime.now(UTC))])
    started = time.monotonic()
    if path == "/":
        expect(page.locator("#w-support-chat")).to_contain_text("25 of 2,400", timeout=3000)
    else:
        expect(page.get_by_role("region", name="What went wrong")).to_contain_text("73 events", timeout=3000)
    assert time.monotonic() - started < 3
    assert page.evaluate("window.same") == 1
    assert (page.evaluate("scrollY"), page.locator("canvas").first.evaluate("it => it.width")) == before
    assert page.locator(".chart-foot details").evaluate("it => it.open")
    assert link.evaluate("it => it === document.activeElement")


def test_the_first_event_of_all_shows_on_the_empty_page(browser_page: OpenPage, viewer: Client) -> None:
    page = browser_page("/", viewer)
    expect(page.get_by_role("heading", name="Send the first event")).to_be_visible()
    record([event(occurred_at=datetime.now(UTC))])
    expect(page.locator("#w-support-chat")).to_be_visible(timeout=3000)
    # As wide as its card: 300 is what it has before it is drawn.
    expect(page.locator("canvas")).to_have_attribute("width", re.compile(r"^9\d\d$"))


def test_a_pause_holds_the_figures_until_one_goes_on(browser_page: OpenPage, viewer: Client, figures: datetime) -> None:
    page = browser_page("/workloads/support-chat", viewer)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_text("Paused, figures of")).to_be_visible()
    record([event(id="meanwhile", occurred_at=datetime.now(UTC))])
    page.wait_for_timeout(2500)
    expect(page.get_by_role("region", name="What went wrong")).to_contain_text("72 events")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("region", name="What went wrong")).to_contain_text("73 events", timeout=1500)
    expect(page.get_by_text("Live, figures of")).to_be_visible()


def test_a_refresh_that_fails_keeps_the_figures_and_says_so(
    browser_page: OpenPage, viewer: Client, figures: datetime, complaints: list[str]
) -> None:
    page = browser_page("/", viewer)
    rows = page.locator("#w-support-chat").inner_text()
    page.route("**/*", lambda route: route.abort())
    expect(page.get_by_text("The figures cannot be refreshed just now.")).to_be_visible(timeout=4000)
    expect(page.get_by_text("Not refreshed, figures of")).to_be_visible()
    assert page.locator("#w-support-chat").inner_text() == rows
    page.unroute_all()
    assert all("htmx" in said or "ERR_FAILED" in said for said in complaints)
    complaints.clear()


def test_the_theme_is_switched_and_kept(browser_page: OpenPage, viewer: Client, figures: datetime) -> None:
    page = browser_page("/", viewer)
    canvas = "document.querySelector('canvas').toDataURL()"
    light = page.evaluate(canvas)
    page.get_by_role("button", name="Switch between light and dark").click()
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"
    assert page.evaluate(canvas) != light
    page.reload()
    assert page.evaluate("document.documentElement.dataset.bsTheme") == "dark"


def test_controls_are_sent_and_kept_together(browser_page: OpenPage, viewer: Client, figures: datetime) -> None:
    page = browser_page("/?sort=-lost", viewer)
    page.get_by_role("button", name="7 d", exact=True).click()
    expect(page).to_have_url(re.compile(r"range=7d&sort=-lost"))
    page.get_by_role("combobox", name="Environment").select_option("staging")
    expect(page).to_have_url(re.compile(r"environment=staging&compare=before&range=7d&sort=-lost"))
    page.get_by_role("link", name="Degraded", exact=True).click()
    expect(page.locator("#by-degraded")).to_have_attribute("aria-sort", "descending")
    expect(page).to_have_url(re.compile("environment=staging"))


def test_a_custom_span_is_asked_for_in_the_viewers_zone(
    browser_page: OpenPage, viewer: Client, figures: datetime
) -> None:
    page = browser_page("/", viewer)
    page.locator("summary", has_text="Custom").click()
    page.get_by_label("From", exact=True).fill("2026-01-05T10:00")
    page.wait_for_timeout(2500)  # a refresh must not take away what somebody is typing
    page.get_by_label("To", exact=True).fill("2026-01-05T12:00")
    page.get_by_role("button", name="Show").click()
    expect(page.locator(".bar-line h2", has=page.locator("time")).first).to_contain_text(
        "Mon 5 Jan 10:00 to 12:00, Berlin"
    )
    expect(page.locator("h2 time").first).to_have_attribute("datetime", "2026-01-05T09:00:00+00:00")


def test_menus_are_opened_and_closed_by_keyboard(browser_page: OpenPage, viewer: Client, figures: datetime) -> None:
    page = browser_page("/", viewer)
    summary = page.locator("summary[aria-label$='account menu']")
    menu = page.locator("details.menu", has=summary)
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.keyboard.press("Escape")
    assert not menu.evaluate("it => it.open")
    assert summary.evaluate("it => it === document.activeElement")
    summary.click()
    page.locator("h1").click()
    assert not menu.evaluate("it => it.open")


def test_the_first_key_goes_to_the_content(browser_page: OpenPage, viewer: Client, figures: datetime) -> None:
    page = browser_page("/", viewer)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


@pytest.mark.parametrize("others", [0, 1])
def test_names_of_64_letters_are_within_the_screen(
    browser_page: OpenPage, viewer: Client, database: None, others: int
) -> None:
    at = datetime.now(UTC) - timedelta(minutes=5)
    name = "e" * 64
    record([event(workload="w" * 64, environment=where, occurred_at=at) for where in [name, *["production"] * others]])
    for path in ("/", "/violations", "/reviews/results", "/boundary", f"/workloads/{'w' * 64}", "/events"):
        page = browser_page(f"{path}?environment={name}", viewer, "light", NARROW)
        look(page)
        page.context.close()


@pytest.mark.parametrize("name", [".", ".."])
def test_a_workload_whose_name_is_a_step_in_a_path_has_its_pages(
    browser_page: OpenPage, viewer: Client, database: None, name: str
) -> None:
    put_support()
    policies.put(name, SUPPORT | {"workload": name}, "tests")
    record([event(workload=name)])
    address = re.escape(f"/~{name}")
    page = browser_page("/", viewer)
    page.get_by_role("link", name=name, exact=True).first.click()
    expect(page).to_have_url(re.compile(rf"/workloads{address}(\?|$)"))
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    page.goto("/policies")
    page.get_by_role("link", name=name, exact=True).click()
    expect(page).to_have_url(re.compile(f"/policies{address}$"))
    page.get_by_role("link", name="What enabling needs, and its history").click()
    expect(page).to_have_url(re.compile(f"/policies{address}/route$"))
    expect(page.locator(".crumbs")).to_contain_text(name)
