"""A route's whole way to users, as it is gone in a company: nothing here knows more than people and services do."""

import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.conftest import Product
from tests.make import sent
from tests.policy.policies import DEMO, MODELS, REVIEW

SCOPES = ["events:write", "policy:read", "policy:write", "verifications:write"]
ROUTE = "/policies/support-chat/route"
FAILED = {"workload": "support-chat", "primary": "premium-chat", "status": 503, "tier": "pro", "payload_class": "chat"}
WAY = [
    *["verification received"] * 2,
    *["sample scored"] * 20,
    "enablement requested",
    "route enabled",
    "route sent back",
    "model put",
]

Open = Callable[..., Page]


class Service:
    """What asks the API with a key of its own."""

    def __init__(self, product: Product) -> None:
        self.address, self.key = product.address, product.create_key(SCOPES)

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        request = urllib.request.Request(
            f"{self.address}/api/v1/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)

    def action(self) -> str:
        return str(self.ask("POST", "decisions", FAILED)["action"])


@pytest.fixture
def service(product: Product) -> Service:
    """A service with models, a policy that asks for 20 reviews of which 18 pass, and a verified route."""
    service = Service(product)
    for name in ("premium-chat", "baseline-chat"):
        service.ask("PUT", f"models/{name}", MODELS[name])
    review = REVIEW | {"sample_rate": 0.5, "min_reviews": 20, "pass_rate": 0.9, "criteria": ["correct", "tone"]}
    service.ask("PUT", "policies/support-chat", DEMO[0] | {"review": review})
    for name in DEMO[0]["payload_classes"]:
        report = {"workload": "support-chat", "primary": "premium-chat", "fallback": "baseline-chat"}
        service.ask("POST", "verifications", report | {"payload_class": name, "passed": True})
    return service


@pytest.fixture
def open_as(product: Product, browser: Browser) -> Iterator[Open]:
    """Sign somebody in by the login page: each has a window of their own."""
    contexts = []

    def open_page(name: str, role: str) -> Page:
        password = product.manage("create_user", name, "--role", role).strip()
        contexts.append(browser.new_context(base_url=product.address, reduced_motion="reduce"))
        page = contexts[-1].new_page()
        page.goto("/login")
        page.get_by_label("User name").fill(name)
        page.get_by_label("Password").fill(password)
        page.keyboard.press("Enter")
        expect(page.get_by_role("navigation").first).to_be_visible()
        return page

    yield open_page
    for context in contexts:
        context.close()


def within(seconds: float, look: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < until
        time.sleep(0.1)


def waiting(page: Page) -> str:
    page.goto("/reviews")
    return page.get_by_role("heading", level=1).inner_text()


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def score_twenty(page: Page) -> None:
    """By keyboard alone: all good but the last."""
    press(page, "g", "r")
    expect(page.get_by_role("heading", level=1)).to_contain_text("20")
    press(page, "c")
    for number in range(1, 21):
        expect(page.get_by_role("heading", name=f"Sample {number} of 20")).to_be_visible()
        expect(page.locator("#missing")).to_have_text("3 marks are missing")
        press(page, "1", "2")
        if number < 20:
            press(page, "p", "Enter")
            continue
        press(page, "f", "Enter")
        page.keyboard.type("It promises a refund that nobody has asked for.")
        press(page, "Escape", "Enter")
    expect(page.get_by_text("You scored 20")).to_be_visible()


def test_no_fallback_reaches_users_before_somebody_looked_and_another_agreed(
    product: Product, service: Service, open_as: Open
) -> None:
    samples = [
        sent(sample={"input": "Am I charged twice? Write to ana@example.com", "output": f"No, see invoice {number}."})
        for number in range(20)
    ]
    assert service.ask("POST", "events", samples) == {"accepted": 20, "rejected": []}
    assert service.action() == "fail"

    reviewer = open_as("rosa", "reviewer")
    within(5, lambda: waiting(reviewer) == "20 samples wait for review")
    score_twenty(reviewer)

    engineer = open_as("ines", "engineer")
    engineer.goto(ROUTE)
    engineer.get_by_label("Why").fill("premium-chat was away twice this month")
    engineer.get_by_role("button", name="Ask for enablement").click()
    expect(engineer.get_by_text("You asked for this, so you cannot approve it.")).to_be_visible()
    expect(engineer.get_by_role("button", name="Approve for users")).to_be_disabled()
    # Not even who goes round the page.
    refused = engineer.evaluate(
        """async () => (await fetch("/policies/support-chat/route/approve", {method: "POST", body: new URLSearchParams({
            csrfmiddlewaretoken: document.querySelector("[name=csrfmiddlewaretoken]").value})})).status"""
    )
    assert refused == 403
    assert service.action() == "fail"

    other = open_as("tomas", "reviewer")
    other.goto(ROUTE)
    expect(other.get_by_role("main")).to_contain_text("19 of 20")
    other.get_by_label("Why").fill("I read the one that failed: it is not what users ask")
    other.get_by_role("button", name="Approve for users").click()
    expect(other.get_by_role("button", name="Suspend")).to_be_visible()
    within(5, lambda: service.action() == "fallback")
    assert service.ask("GET", "policies/support-chat")["route_state"] == "enabled"

    service.ask("PUT", "models/baseline-chat", MODELS["baseline-chat"] | {"data_region": "us"})
    within(5, lambda: service.action() == "fail")
    assert service.ask("GET", "policies/support-chat")["route_state"] == "proposed"
    other.reload()
    expect(other.get_by_role("main")).to_contain_text("baseline-chat changed: data region")

    assert "all sound" in product.manage("verify_audit")
    admin = open_as("ada", "admin")
    assert [name for name in steps(admin) if name in WAY] == WAY


def steps(admin: Page) -> list[str]:
    """What the audit log says of this way, from the verifications on, oldest first: as it is exported."""
    admin.goto("/audit")
    found = admin.evaluate(
        """async () => {
          const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
          const body = new URLSearchParams({csrfmiddlewaretoken: token, format: "json"});
          const rows = (await (await fetch("/audit/export", {method: "POST", body})).json()).results;
          return rows.sort((one, other) => one.number - other.number).map((row) => row.action);
        }"""
    )
    return list(found[found.index("verification received") :])
