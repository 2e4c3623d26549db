"""What reviews say, in a browser: both themes, narrow and wide, by choice of workload, comments as texts."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage
from tests.browser.test_pages import BOTH, HOSTILE, NARROW, WIDE, look
from tests.conftest import Person
from tests.dashboard import stage
from tests.samples import review, reviewer, sample

PAGE = "/reviews/results"
no_memory = stage.no_memory


@pytest.fixture
def figures(database: None) -> None:
    """Two weeks of reviews of two routes, some by two people, some compared with the primary, and some that wait."""
    stage.put_models()
    stage.put_policy()
    now, (ana, ben) = datetime.now(UTC), (reviewer("ana"), reviewer("ben"))
    for number in range(40):
        passed = number % 9 > 0
        one = sample(
            ("support-chat", "code-assistant")[number % 4 == 0],
            passed=passed,
            error_class=("overloaded", "timeout", "unavailable")[number % 3],
            sampled_at=now - timedelta(hours=9 * number + 5),
            scored_at=now - timedelta(hours=9 * number),
            due_at=now - timedelta(hours=9 * number - 30 + 31 * (number % 7 == 0)),
            primary_output="On its way." if number % 2 else None,
        )
        wrote = "" if passed else HOSTILE if number == 9 else "Promises a refund that nobody granted."
        review(one, ana, passed, comment=wrote, primary_passed=True if number % 2 else None)
        if number % 4 == 0:
            review(one, ben, passed if number % 8 else not passed)
    for number in range(9):
        sample(sampled_at=now - timedelta(hours=11 * number))


@BOTH
def test_the_page_is_sound(browser_page: OpenPage, person: Person, figures: None, theme: str, width: int) -> None:
    page = browser_page(PAGE, person("engineer"), theme, width)
    expect(page.get_by_role("heading", level=1)).to_have_text("35 of 40 samples passed in the last 30 days.")
    expect(page.locator("canvas")).to_be_visible()
    expect(page.get_by_role("region", name="What reviewers wrote")).to_contain_text(HOSTILE[:60])
    page.locator(".chart-foot summary").click()
    look(page)
    page.locator("summary", has_text="Custom").click()
    look(page)


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_without_a_review_it_says_what_to_do(browser_page: OpenPage, viewer: Client, width: int) -> None:
    page = browser_page(PAGE, viewer, width=width)
    expect(page.get_by_text("A sample is settled when")).to_be_visible()
    look(page)


def test_a_workload_and_a_range_are_chosen_together(browser_page: OpenPage, viewer: Client, figures: None) -> None:
    page = browser_page(PAGE, viewer)
    page.get_by_role("combobox", name="Workload").select_option("code-assistant")
    expect(page.get_by_role("heading", level=1)).to_contain_text("of 10 samples passed in the last 30 days.")
    page.get_by_role("button", name="7 d", exact=True).click()
    expect(page).to_have_url(re.compile(r"range=7d&workload=code-assistant"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("in the last 7 days.")
    # It shows no event of a bucket: a click stays here.
    page.locator("canvas").click()
    expect(page).to_have_url(re.compile(r"range=7d&workload=code-assistant"))


def test_the_pages_around_lead_here(browser_page: OpenPage, viewer: Client, figures: None) -> None:
    page = browser_page("/", viewer, width=WIDE)
    page.keyboard.press("g")
    page.keyboard.press("r")
    expect(page).to_have_url(re.compile(f"{PAGE}$"))
    page = browser_page("/workloads/support-chat", viewer)
    page.get_by_role("link", name="What they say").click()
    expect(page).to_have_url(re.compile("workload=support-chat$"))
    expect(page.get_by_role("combobox", name="Workload")).to_have_value("support-chat")
