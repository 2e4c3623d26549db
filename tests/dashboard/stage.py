"""What the pages of policies are tested on: the demo's models and policies, routes enabled, and pages as their text."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from fallbacks import catalogue, policies, rulebook
from tests.make import NOON
from tests.policy import on_the_way as way
from tests.policy.policies import DEMO, MODELS, Json

SUPPORT: Json = DEMO[0]


@pytest.fixture(autouse=True)
def no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rules as they are: a process remembers them for a second, and so the test before."""
    monkeypatch.setattr(rulebook, "RECENT", -1.0)


def put_models() -> None:
    for name, body in MODELS.items():
        catalogue.put(name, body, "dana")


def put_policy(by: str = "dana", **over: Any) -> None:
    """Put the policy of support-chat, or another."""
    body = SUPPORT | over
    policies.put(body["workload"], body, by)


def enable(workload: str = "support-chat", primary: str = "premium-chat", fallback: str = "baseline-chat") -> None:
    """Enable a route for users since long ago."""
    way.enable(workload, primary, fallback, since=NOON - timedelta(days=60), by="tomas")


def text_of(content: bytes) -> str:
    """A page's text, its tags gone and its spaces single."""
    without_head = content.decode().split("<main", 1)[1]
    text = unescape(re.sub(r"<script.*?</script>|<[^>]+>", " ", without_head, flags=re.DOTALL))
    return re.sub(r" ([,.:;])", r"\1", " ".join(text.replace("\u202f", " ").split()))


def shown(client: Client, path: str, **query: Any) -> str:
    """A page's text."""
    answer = client.get(path, query)
    assert answer.status_code == 200
    return text_of(answer.content)


def asked_of_the_database(client: Client, path: str, **query: Any) -> list[str]:
    """The queries of a page; beginning and ending a transaction is none."""
    with CaptureQueriesContext(connection) as found:
        assert client.get(path, query).status_code == 200
    return [each["sql"] for each in found if each["sql"] not in ("BEGIN", "COMMIT")]
