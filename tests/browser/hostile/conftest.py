"""One browser for all who look, and a product that remembers nothing of the test before."""

import pytest
from django.test import Client

from ingest import drain as draining
from tests.browser.conftest import OpenPage
from tests.browser.hostile.visitor import Visitor, Visits
from tests.dashboard import stage

no_memory = stage.no_memory


@pytest.fixture
def visits(browser_page: OpenPage, address: str, complaints: list[str]) -> Visits:
    """One window for all who look: whoever does is signed in there first, or out."""
    visitor = Visitor(browser_page("/login"), complaints)

    def looks(client: Client | None) -> Visitor:
        cookies = visitor.page.context
        cookies.clear_cookies(name="sessionid")
        if client is not None:
            cookies.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": address}])
        return visitor

    return looks


@pytest.fixture(autouse=True)
def no_lingering(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing more comes that a drain could wait for."""
    monkeypatch.setattr(draining, "LINGER_MS", 1)
