"""Keys as people meet them in a browser: made, copied, rotated and revoked, on any screen and by keyboard."""

import re

import pytest
from playwright.sync_api import expect

from fallbacks import keys
from fallbacks.models import ApiKey
from tests.browser.conftest import OpenPage
from tests.browser.test_pages import NARROW, WIDE, look
from tests.conftest import Person


@pytest.mark.parametrize(("theme", "width"), [("light", NARROW), ("dark", WIDE)])
def test_a_key_from_nothing_to_its_end(
    browser_page: OpenPage, person: Person, stream: None, theme: str, width: int
) -> None:
    page = browser_page("/keys", person("engineer"), theme, width)
    look(page)
    page.get_by_role("link", name="Make the first key").click()
    page.get_by_label("Name", exact=True).fill("<b>gateway</b>")
    page.get_by_role("button", name="Make the key").focus()
    page.keyboard.press("Enter")
    shown = page.get_by_label("New API key")
    expect(shown).to_have_value(re.compile("^fo_"))
    text = shown.input_value()
    look(page)
    # A reload sends the same form again, and shows no key.
    page.reload()
    expect(page.get_by_text("No second one was made")).to_be_visible()
    assert text not in page.content()
    look(page)
    page.get_by_role("link", name="<b>gateway</b>").click()
    expect(page.get_by_role("heading", name="<b>gateway</b>")).to_be_visible()
    look(page)
    page.get_by_label("This one ends in").select_option(label="1 hour")
    page.get_by_role("button", name="Rotate").click()
    expect(shown).not_to_have_value(text)
    page.get_by_role("link", name=f"{text[:11]}…").click()
    expect(page.get_by_text("it goes on until")).to_be_visible()
    page.locator("summary", has_text="Revoke").click()
    look(page)
    page.get_by_role("button", name="Revoke for good").click()
    expect(page.get_by_text("It opens nothing any more", exact=True)).to_be_visible()
    keys.forget()
    assert keys.find(text) is None
    assert ApiKey.objects.count() == 2
