"""People and invitations in a real browser: both themes, narrow and wide, from the link to whoever joined by it."""

import pytest
from django.utils import timezone
from playwright.sync_api import Request, expect

from fallbacks import members
from fallbacks.models import Invitation, User
from tests.accounts.people import make, with_app
from tests.browser.conftest import OpenPage
from tests.browser.test_pages import HOSTILE, NARROW, WIDE, look
from tests.conftest import Person

PASSWORD = "a long one of the tests"


@pytest.mark.parametrize(("theme", "width"), [("dark", NARROW), ("light", WIDE)])
def test_somebody_is_invited_joins_and_is_deactivated(
    browser_page: OpenPage, person: Person, theme: str, width: int
) -> None:
    admin = person("admin")
    members.invite(User.objects.get(username="admin"), ["viewer"], HOSTILE[: members.MOST_NOTE])
    Invitation.objects.update(expires_at=timezone.now())
    page = browser_page("/people", admin, theme, width)
    expect(page.get_by_role("link", name="Invite again")).to_be_visible()
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


@pytest.mark.parametrize(("theme", "width"), [("dark", NARROW), ("light", WIDE)])
def test_somebody_who_is_locked_out_gets_in_again(
    browser_page: OpenPage, person: Person, theme: str, width: int
) -> None:
    dana = make("dana", "engineer")
    with_app(dana)
    page = browser_page(f"/people/{dana.pk}", person("admin"), theme, width)
    look(page)
    page.get_by_role("button", name="Make a link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The link is made. It is shown only now.")
    look(page)
    link = page.get_by_label("Link to get in again").input_value()
    page.get_by_role("link", name="Back to dana").click()
    expect(page.get_by_text("A link is open until")).to_be_visible()
    look(page)

    asked: list[Request] = []
    guest = browser_page("/login", None, theme, width)
    guest.on("request", lambda request: asked.append(request))
    guest.goto(link)
    guest.get_by_label("New password", exact=True).fill(PASSWORD + "!")
    guest.get_by_label("The same password again").fill("another")
    guest.get_by_role("button", name="Set it and sign in").click()
    expect(guest.get_by_text("It is not the same as above")).to_be_visible()
    look(guest)
    guest.get_by_label("New password", exact=True).fill(PASSWORD + "!")
    guest.get_by_label("The same password again").fill(PASSWORD + "!")
    guest.get_by_role("button", name="Set it and sign in").click()
    expect(guest.get_by_role("heading", level=1)).to_have_text("Your account")
    expect(guest.get_by_role("status")).to_contain_text("Your new password is set.")
    expect(guest.get_by_text("by a link that admin made")).to_be_visible()
    look(guest)
    told = {request.all_headers().get("referer", "") for request in asked}
    assert [address for address in told if "reset" in address] == []
    # Used up, and whoever opens it now is told. Not in the page: a browser complains of the status.
    assert guest.request.get(link).status == 410
