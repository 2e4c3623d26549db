"""`make screenshots`: pictures of the pages for the documents, of a product of its own with the demo in it."""

import json
import shutil
import sys
import tempfile
import urllib.request
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from fallbacks.local import browser as chromium
from fallbacks.local.environment import PROJECT
from tests.browser import ARGUMENTS
from tests.local import runs

FOLDER = PROJECT / "docs" / "screenshots"
PAGES = {
    "overview": "/",
    "workload": "/workloads/support-chat",
    "events": "/events?workload=support-chat",
    "first-run": "/first-run",
    "violations": "/violations",
    "policies": "/policies",
    "policy": "/policies/support-chat",
    "route": "/policies/support-chat/route",
    "reviews": "/reviews",
    "review-results": "/reviews/results",
    "audit": "/audit",
    "people": "/people",
    "keys": "/keys",
    "account": "/account",
    "boundary": "/boundary?workload=support-chat&status=429&error_code=insufficient_quota&attempts=1&tier=pro",
}
EVENTS_OF_THE_DEMO = 3_000


def main() -> None:
    """Start a product, wait until its demo is there, and take each page in both themes and widths."""
    path = chromium.find()
    if path is None:
        sys.exit(f"Pictures need a browser: {chromium.HOW}.")
    home = Path(tempfile.mkdtemp(prefix="fo-", dir="/tmp"))
    home.chmod(0o755)
    FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        with runs.running(home, DEMO="1") as run, sync_playwright() as playwright:
            runs.until(lambda: events(run) > EVENTS_OF_THE_DEMO, 120, lambda: run.output)
            started = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
            for theme in ("light", "dark"):
                for width in (1600, 360):
                    take(started, run, theme, width)
            started.close()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def events(run: runs.Run) -> int:
    """Return how many events the product shows."""
    key = run.told["api_key"]
    address = f"http://127.0.0.1:{run.port}/api/v1/rates?from=2020-01-01T00:00:00Z&step=day"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return int(json.load(answer)["totals"][0]["events"])


def take(browser: Browser, run: runs.Run, theme: str, width: int) -> None:
    """Take every page once."""
    context = browser.new_context(
        base_url=f"http://127.0.0.1:{run.port}",
        viewport={"width": width, "height": 1000 if width > 1000 else 1600},
        color_scheme="dark" if theme == "dark" else "light",
        reduced_motion="reduce",
        timezone_id="Europe/Berlin",
    )
    page = context.new_page()
    page.goto("/login")
    login = next(each for each in run.told["logins"] if "admin" in each["roles"])
    page.get_by_label("User name").fill(login["username"])
    page.get_by_label("Password").fill(login["password"])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")
    for name, path in PAGES.items():
        page.goto(path)
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(300)
        page.screenshot(path=FOLDER / f"{name}-{width}-{theme}.png")
    context.close()


if __name__ == "__main__":
    main()
