"""What a program asks that is not understood is refused, and says why: never figures of something else."""

from typing import Any

import pytest
from django.test import Client

from fallbacks.recording import record
from tests.make import event, traffic

PAGES = ["/", "/workloads/support-chat", "/violations"]
EXPORTS = [f"/exports/figures/{kind}" for kind in ("overview", "episodes", "violations")]
# Each is understood by every page that has figures.
WRONG = [
    ({"range": "1y"}, "There is no such range."),
    ({"environment": "moon"}, "environment"),
    ({"from": "yesterday", "to": "today"}, "each need a date and a time"),
    ({"range": "24h", "compare": "never"}, "comparison"),
]


@pytest.fixture(autouse=True)
def figures(database: None) -> None:
    record([event()], [traffic()])


def message(answer: Any) -> str:
    """What a refusal says."""
    assert answer.status_code == 400, answer.content[:200]
    return str(answer.json()["error"]["message"])


# Violations are not compared.
ASKED = [(path, *wrong) for path in PAGES for wrong in WRONG if path != "/violations" or "compare" not in wrong[0]]


@pytest.mark.parametrize(("path", "query", "words"), ASKED)
def test_the_figures_of_a_page_are_refused_to_who_asks_for_something_else(
    viewer: Client, path: str, query: dict[str, str], words: str
) -> None:
    told = message(viewer.get(path, {**query, "format": "json"}))
    assert words in told
    # A person is shown something, and told the same.
    page = viewer.get(path, query)
    assert page.status_code == 200
    assert words in page.content.decode()


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/?state=sleepy", "There is no such state"),
        ("/?owner=nobody", "There is no such owner"),
        ("/?sort=mood", "There is no such column"),
        ("/workloads/support-chat?by=weather", "There is no such breakdown"),
    ],
)
def test_so_is_what_one_page_alone_understands(viewer: Client, path: str, words: str) -> None:
    assert words in message(viewer.get(f"{path}&format=json"))


@pytest.mark.parametrize("path", EXPORTS)
@pytest.mark.parametrize("form", ["csv", "json"])
@pytest.mark.parametrize(("query", "words"), WRONG[:3], ids=["range", "environment", "span"])
def test_no_file_holds_figures_of_something_else(
    viewer: Client, path: str, form: str, query: dict[str, str], words: str
) -> None:
    answer = viewer.get(path, {"workload": "support-chat", **query, "format": form})
    assert words in message(answer)
    assert "Content-Disposition" not in answer


def test_a_file_of_figures_that_do_not_exist_is_not_found(viewer: Client) -> None:
    for path in (
        "/exports/figures/moods",
        "/exports/figures/overview?format=xml",
        "/exports/figures/episodes?workload=x",
    ):
        assert viewer.get(path).status_code == 404
