"""A real browser on the real application. Everything that it complains of fails the test."""

import os
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from django.test import Client
from playwright.sync_api import Browser, Dialog, Page, sync_playwright

from fallbacks.local import browser as chromium
from tests.browser import ARGUMENTS

OpenPage = Callable[..., Page]


class Server(ThreadedWSGIServer):
    """One whose end waits for the requests that are under way: they must not meet the database of the next test."""

    daemon_threads = False


class Quiet(WSGIRequestHandler):
    """Requests are not news."""

    # Seconds: a connection over which nothing comes holds the end up no longer.
    timeout = 10

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A Chromium of the machine's."""
    path = chromium.find()
    if path is None:
        pytest.fail(f"The tests of the pages need a browser: {chromium.HOW}.")
    # Playwright keeps an event loop in this thread, which Django would take for asynchronous code.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield started
        started.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def address(static_files: None, database: None) -> Iterator[str]:
    """The address of the application, served from this process."""
    server = Server(("127.0.0.1", 0), Quiet)
    server.set_app(get_wsgi_application())
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser had to say of the pages. A test that makes it complain empties it."""
    return []


@pytest.fixture
def browser_page(browser: Browser, address: str, complaints: list[str]) -> Iterator[OpenPage]:
    """Open a page in a window of its own: `browser_page("/", viewer, theme="dark", width=360)`."""
    contexts = []

    def dismiss(dialog: Dialog) -> None:
        complaints.append(dialog.message)
        dialog.dismiss()

    def open_page(path: str, client: Client | None = None, theme: str = "light", width: int = 1600) -> Page:
        context = browser.new_context(
            base_url=address,
            viewport={"width": width, "height": 900},
            color_scheme="dark" if theme == "dark" else "light",
            reduced_motion="reduce",
            timezone_id="Europe/Berlin",
            locale="en-GB",
        )
        contexts.append(context)
        context.set_default_timeout(10_000)
        cookies = {"timezone": "Europe/Berlin"}
        if client is not None:
            cookies["sessionid"] = client.cookies["sessionid"].value
        context.add_cookies([{"name": name, "value": value, "url": address} for name, value in cookies.items()])
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", dismiss)
        page.goto(path)
        page.wait_for_load_state("networkidle")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
