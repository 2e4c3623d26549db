"""The operations page as admins meet it: both themes, narrow and wide, and what its buttons do."""

import pytest
from playwright.sync_api import expect

from fallbacks.keys import Key
from ingest import buffer
from ingest import drain as draining
from tests import make
from tests.browser.conftest import OpenPage
from tests.browser.test_pages import HOSTILE, NARROW, WIDE, look
from tests.conftest import Person

ANY = Key(1, frozenset(), frozenset(), frozenset(), None, 0)


@pytest.mark.parametrize(("theme", "width"), [("dark", NARROW), ("light", WIDE)])
def test_what_is_kept_aside_is_looked_at_tried_again_and_discarded(
    browser_page: OpenPage, person: Person, stream: None, theme: str, width: int
) -> None:
    admin = person("admin")
    page = browser_page("/operations", admin, theme, width)
    expect(page.get_by_text("Nothing is kept aside")).to_be_visible()
    look(page)
    bad = make.event(outcome="nonsense", reason=HOSTILE, primary=HOSTILE, id=HOSTILE[:64])
    buffer.append(ANY, events=[make.event(), bad], rejected={"status": 12, "not_json": 1})
    buffer.connection().xadd(buffer.stream(0), {"body": b"\x00\xff" + HOSTILE.encode()})
    for shard in buffer.shards():
        draining.drain(shard, 5)
    page = browser_page("/operations", admin, theme, width)
    expect(page.get_by_role("heading", level=1)).to_contain_text("Events lost: 0 since")
    for summary in page.locator("details.twin summary").all():
        summary.click()
    page.locator("summary", has_text="Discard").first.click()
    look(page)
    page.get_by_role("button", name="Discard for good").click()
    expect(page.get_by_role("status")).to_contain_text("Discarded.")
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_role("status")).to_contain_text("refused again")
    look(page)
