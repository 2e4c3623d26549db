"""What got into a page all the same would not run."""

from urllib.parse import urlsplit

import pytest

from tests import hostile
from tests.browser.hostile.eyes import STRANGE
from tests.browser.hostile.visitor import Visits

pytestmark = pytest.mark.usefixtures("database", "stream")


PUT_IN = """(texts) => {
  for (const text of texts) {
    const place = document.body.appendChild(document.createElement("div"));
    place.innerHTML = text;
    // What is put in like that runs no script: one that is made does.
    for (const old of place.querySelectorAll("script")) {
      const made = document.createElement("script");
      for (const { name, value } of old.attributes) made.setAttribute(name, value);
      made.textContent = old.textContent;
      old.replaceWith(made);
    }
  }
}"""


def test_what_got_into_a_page_all_the_same_would_not_run_and_would_be_noticed(
    visits: Visits, complaints: list[str]
) -> None:
    visitor, failed = visits(None), set()
    visitor.page.on("requestfailed", lambda request: failed.add((urlsplit(request.url).netloc, request.failure)))
    for name in ("script", "handler", "frame", "style", "drawing", "read twice"):
        # A frame by that name would be found by it.
        texts = [text for text in hostile.PLACES[name] if "name=hacked" not in text]
        visitor.page.goto("/login")
        visitor.page.evaluate(PUT_IN, texts)
        visitor.page.wait_for_load_state("networkidle")
        # A dialog would have said "1". All else is what the policy of the page has refused, or what is not there.
        assert "1" not in complaints, name
        assert any(said.startswith("Refused by ") for said in complaints), name
        assert visitor.page.evaluate("window.hacked === undefined"), name
        assert len(visitor.page.evaluate(STRANGE)) >= len(texts) * 0.7, name
        complaints.clear()
    # What no policy refuses, such as a drawing that another one uses, has to be of our own origin anyway.
    assert {why for where, why in failed if where == "evil.example"} <= {"csp", "origin"}
    visitor.page.goto("/login")
    complaints.clear()
