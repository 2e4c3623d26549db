"""In no address a text is more than a text."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import urlencode, urlsplit

import pytest
from django.urls import resolve
from playwright.sync_api import expect

from fallbacks.recording import record
from tests import hostile, make
from tests.accounts import people
from tests.browser.hostile.eyes import MARK
from tests.browser.hostile.stage import MINUTE, ODD, SUPPORT, Look, Stage, signed_in
from tests.browser.hostile.texts import Texts
from tests.browser.hostile.visitor import Visits
from tests.dashboard import stage

pytestmark = pytest.mark.usefixtures("database", "stream")


# Of all pages together, and the word for a format that no page has: JSON is for machines.
PARAMETERS = (
    *("q", "workload", "reason", "status", "error_code", "error_class", "outcome", "attempts", "tier", "user_visible"),
    *("payload_class", "primary", "fallback", "attribute", "provider_feature", "who_acts", "rule", "broken", "columns"),
    *("request_id", "trace_id", "id", "name", "new", "actor", "action", "scope", "owner", "state", "next"),
    *("from", "to"),
    *("range", "environment", "compare", "sort", "by", "all", "open", "after", "before", "done", "tries", "format"),
    *("description", "message", "escape_hatch", "triggers", "permits", "review.criteria", "error", "code", "watch"),
)
# Filters that take any text.
FILTERS = ("reason", "error_code", "workload", "primary", "fallback", "payload_class", "attribute", "who_acts", "tier")
AT_ONCE = 80
# Of the lists by filters, so many are opened. Of the others, as of pages that say nothing of their address, it is
# enough to know that they are made of the same.
OPENED = 3


def query(texts: Texts) -> str:
    """Every parameter that any page has, and some that none has."""
    known = [(name, texts.one("value", 200, hostile.breaks_out)) for name in PARAMETERS]
    return asking([*known, *((texts.one("parameter", 200), texts.one("its value", 200)) for _ in range(6))])


def filtered(texts: Sequence[str]) -> str:
    """These texts as values of filters, and some as names of filters that there are not."""
    values = [(FILTERS[number % len(FILTERS)], text) for number, text in enumerate(texts)]
    return asking([*values, *((text, "x") for text in texts[::4])])


def asking(pairs: Sequence[tuple[str, str]]) -> str:
    # Whatever is asked for, as little is found.
    return urlencode([(name, f"{value}{MARK}") for name, value in pairs])


def test_in_no_address_a_text_is_more_than_a_text(visits: Visits) -> None:
    on = Stage(Texts())
    pages = {resolve(urlsplit(look.path).path).url_name: look for look in on.looks.values() if not look.again}
    harmless, texts, fitting = Texts(are_harmless=True), Texts(), hostile.fitting(200)
    asked = [(look, query(harmless), query(texts)) for look in pages.values()]
    for start in range(0, len(fitting), AT_ONCE):
        some = fitting[start : start + AT_ONCE]
        asked.append((Look("/events", some), filtered([hostile.harmless(each) for each in some]), filtered(some)))
    wrong: dict[str, list[str]] = {}
    for number, (look, before, after) in enumerate(asked):
        visitor, path = visits(on.clients.get(look.by)), urlsplit(look.path).path
        (expected,) = visitor.shapes([f"{path}?{before}"])
        filters = look.shows if number >= len(pages) else ()
        if expected.echoes and number < len(pages) + OPENED:
            asked_for = Look(f"{path}?{after}", filters, status=expected.status, again=not filters)
            found = visitor.open(asked_for, expected)
        else:
            found = expected.more_or_less(*visitor.shapes([f"{path}?{after}"]))
        wrong[f"{path} {number}"] = found
    assert {path: found for path, found in wrong.items() if found} == {}


# What a form has, and a field in it by the same name would hide.
OF_FORMS = (
    *("getAttribute", "hasAttribute", "attributes", "dispatchEvent", "addEventListener", "matches", "closest", "id"),
    *("requestSubmit", "submit", "elements", "action", "method", "target", "name", "children", "parentNode"),
    *("nodeType"),
    *("querySelector", "querySelectorAll", "getRootNode", "contains", "dataset", "tagName", "isConnected", "innerHTML"),
)


def test_no_parameter_takes_the_place_of_what_a_form_has(visits: Visits) -> None:
    stage.put_models()
    stage.put_policy()
    at = datetime.now(UTC) - MINUTE
    record([make.event(occurred_at=at), make.event(occurred_at=at, environment="staging")])
    visitor = visits(signed_in(people.make("admin", "admin")))
    page = visitor.page
    for path in ("/", "/events", f"/workloads/{SUPPORT}", "/reviews/results"):
        page.goto(f"{path}?{urlencode(dict.fromkeys(OF_FORMS, 'x'))}")
        visitor.sees()
        assert visitor.refresh() == []
        page.locator("main summary", has_text="Views").click()
        expect(page.locator(".views-list")).to_contain_text("No view is saved yet.")
        page.keyboard.press("Escape")
        # A choice that is sent at once, and one that is sent by a button.
        choices = page.locator("select[data-send-at-once]")
        if choices.count():
            with page.expect_navigation():
                choices.first.select_option(index=1)
            visitor.sees()
        page.locator("summary", has_text="Custom" if path != "/events" else "Last").first.click()
        page.locator("form", has=page.locator("#from")).get_by_role("button", name="Show").click()
        expect(page).to_have_url(re.compile("range=custom"))
        visitor.sees()


def test_a_workload_by_the_name_of_a_property_is_not_told_of_as_changed(visits: Visits) -> None:
    at = datetime.now(UTC) - MINUTE
    record([make.event(occurred_at=at)])
    visitor = visits(signed_in(people.make("admin", "admin")))
    visitor.page.goto("/")
    record([make.event(occurred_at=at, workload=slug) for slug in ODD])
    assert visitor.refresh() == []
    for slug in ODD:
        expect(visitor.page.locator(f"#w-{slug}")).to_be_visible()
    assert visitor.page.locator("#announced").inner_text() == ""
