"""People and invitations in a real browser: both themes, narrow and wide, from the link to whoever joined by it."""

import pytest
from playwright.sync_api import Request, expect

from tests.browser.conftest import OpenPage
from tests.browser.test_pages import HOSTILE, NARROW, WIDE, look
from tests.conftest import Person

PASSWORD = "a long one of the tests"


@pytest.mark.parametrize(("theme", "width"), [("dark", NARROW), ("light", WIDE)])
def test_somebody_is_invited_joins_and_is_deactivated(
    browser_page: OpenPage, person: Person, theme: str, width: int
) -> None:
    page = browser_page("/people", person("admin"), theme, width)
    look(page)
    page.get_by_role("link", name="Invite somebody").first.click()
    page.get_by_role("checkbox", name="Engineer").check()
    page.get_by_label("For whom").fill(HOSTILE[:200])
    look(page)
    page.get_by_role("button", name="Make the link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The link is made. It is shown only now.")
    look(page)
    link = page.get_by_label("Link of the invitation").input_value()

    asked: list[Request] = []
    guest = browser_page("/login", None, theme, width)
    guest.on("request", lambda request: asked.append(request))
    guest.goto(link)
    guest.get_by_label("User name").fill("dana")
    guest.get_by_label("Password", exact=True).fill(PASSWORD)
    guest.get_by_label("The same password again").fill("another")
    guest.get_by_role("button", name="Join").click()
    expect(guest.get_by_text("It is not the same as above")).to_be_visible()
    look(guest)
    guest.get_by_label("Password", exact=True).fill(PASSWORD)
    guest.get_by_label("The same password again").fill(PASSWORD)
    guest.get_by_role("button", name="Join").click()
    expect(guest.locator("summary[aria-label='DA: dana, account menu']")).to_be_visible()
    # Neither styles nor scripts nor the next page were told the address that the token is in.
    told = {request.all_headers().get("referer", "") for request in asked}
    assert [address for address in told if "invited" in address] == []

    # A page that does not refresh itself: it would go to the login before it is told to.
    guest.goto("/account")
    page.goto("/people")
    page.get_by_role("link", name="dana").click()
    look(page)
    page.get_by_role("button", name="Deactivate dana").click()
    expect(page.get_by_role("status").first).to_contain_text("dana is deactivated and signed out everywhere.")
    look(page)
    guest.reload()
    expect(guest.get_by_role("heading", level=1)).to_have_text("Sign in")
