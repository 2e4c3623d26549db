"""The first run: a key that is shown once, a command with it, and the event that is waited for."""

import json
import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.core import signing
from django.test import Client
from django.utils import timezone

from dashboard.first_event import WORKLOAD
from fallbacks import keys
from fallbacks.models import ApiKey
from fallbacks.recording import record
from ingest import buffer
from tests.conftest import Person
from tests.dashboard.stage import asked_of_the_database, shown, text_of
from tests.make import event, traffic

PAGE = "/first-run"
MOST_QUERIES = 12
pytestmark = pytest.mark.usefixtures("database", "stream")


@pytest.fixture
def engineer(database: None, person: Person) -> Client:
    """The browser of an engineer."""
    return person("engineer")


def way(page: str, name: str) -> str:
    """The text of one way to send the event."""
    found = re.search(rf'id="send-{name}">(.*?)</code>', page, re.DOTALL)
    assert found
    return unescape(found[1])


def press(client: Client) -> Any:
    """Press the button that makes a key."""
    found = re.search(r'name="form" value="([^"]+)"', client.get(PAGE).text)
    assert found
    return client.post(PAGE, {"form": found[1]})


def watch_of(page: str) -> str:
    """Where a page looks whether its event has come."""
    found = re.search(r'hx-get="(/first-run/arrived\?watch=[^"]+)"', page)
    assert found
    return found[1]


def test_with_nothing_at_all_it_leads_to_a_first_event(engineer: Client) -> None:
    assert f'href="{PAGE}"' in engineer.get("/").text
    text = shown(engineer, PAGE)
    assert "Nothing has come in yet. Send your first event." in text
    assert "Put your key in the place of YOUR_KEY" in text
    assert "Waiting for the event, 0:0" in text
    assert "manage.py load_demo" in text
    assert not ApiKey.objects.exists()


def test_a_key_is_made_by_a_press_and_shown_once(engineer: Client) -> None:
    answer = press(engineer)
    found = re.search(r'id="key" readonly value="(fo_[^"]+)"', answer.text)
    assert found
    known = keys.find(found[1])
    assert known
    assert known.scopes == {"events:write", "traffic:write"}
    assert ApiKey.objects.count() == 1
    assert answer.text.count(found[1]) == 5  # the field, and each way
    assert "no-store" in answer["Cache-Control"]
    assert found[1] not in engineer.get(PAGE).text
    assert "YOUR_KEY" not in answer.text


def test_the_command_is_what_the_door_takes(engineer: Client) -> None:
    command = way(press(engineer).text, "curl")
    header, body = re.findall(r'"(Authorization: [^"]+)"', command)[0], command.split("-d '")[1].rstrip("'")
    assert "http://testserver/api/v1/events" in command
    answer = Client().post(
        "/api/v1/events",
        json.loads(body),
        content_type="application/json",
        headers={"authorization": header.removeprefix("Authorization: ")},
    )
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "rejected": []})


def test_python_and_node_send_the_same_event(engineer: Client) -> None:
    page = press(engineer).text
    sent = json.loads(way(page, "curl").split("-d '")[1].rstrip("'"))
    for name in ("python", "node"):
        found = re.search(r"event = (\{.*?\});?\n", way(page, name), re.DOTALL)
        assert found
        assert json.loads(found[1]) == sent
    compile(way(page, "python"), "pasted", "exec")


@pytest.mark.parametrize("roles", [("viewer",), ("reviewer",)])
def test_who_may_make_no_key_is_told_whom_to_ask(person: Person, roles: tuple[str, ...]) -> None:
    person("engineer")
    client = person(*roles)
    text = shown(client, PAGE)
    assert "Keys are made by engineers. Ask engineer." in text
    assert "Make a key It may" not in text
    refused = client.post(PAGE)
    assert refused.status_code == 403
    assert "This is for engineers and admins." in text_of(refused.content)
    assert not ApiKey.objects.exists()


def test_a_form_of_another_site_makes_no_key(engineer: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = engineer.cookies
    assert strict.post(PAGE).status_code == 403
    assert not ApiKey.objects.exists()


def test_it_waits_and_goes_on_to_the_first_event_of_all(engineer: Client) -> None:
    place = watch_of(engineer.get(PAGE).text)
    answer = engineer.get(place)
    assert "Waiting for the event" in answer.text
    assert "HX-Redirect" not in answer.headers
    record([], [traffic(workload="by-hand")])
    assert "HX-Redirect" not in engineer.get(place).headers
    record([event(workload="by-hand", environment="staging", occurred_at=timezone.now() - timedelta(days=3))])
    target = engineer.get(place)["HX-Redirect"]
    assert target.startswith("/events?")
    assert {"workload=by-hand", "environment=staging"} <= set(re.split("[?&]", target))
    assert engineer.get(target).status_code == 200


def test_where_others_send_already_it_waits_for_its_own(engineer: Client) -> None:
    record([event(), event(workload=WORKLOAD)], [traffic()])
    page = engineer.get(PAGE).text
    assert "Send an event of your own." in page
    place = watch_of(page)
    request_id = json.loads(way(page, "curl").split("-d '")[1].rstrip("'"))["request_id"]
    record([event(occurred_at=timezone.now()), event(workload=WORKLOAD, occurred_at=timezone.now())])
    assert "HX-Redirect" not in engineer.get(place).headers
    record([event(workload=WORKLOAD, occurred_at=timezone.now(), request_id=request_id)])
    assert "HX-Redirect" in engineer.get(place).headers


def test_what_was_refused_meanwhile_is_said(engineer: Client) -> None:
    buffer.append(keys.Key(1, frozenset(), frozenset(), frozenset(), None, 0), rejected={"status": 4})
    place = watch_of(engineer.get(PAGE).text)
    assert "Refused since" not in engineer.get(place).text
    buffer.append(keys.Key(1, frozenset(), frozenset(), frozenset(), None, 0), rejected={"status": 1, "reason": 2})
    text = re.sub(r"<[^>]+>", "", engineer.get(place).text)
    assert "Refused since: 2 by reason, 1 by status." in text


def test_after_a_while_it_looks_no_more_and_nonsense_is_refused(engineer: Client) -> None:
    old: Any = {"since": timezone.now().timestamp() - 1900, "newest": 0, "request_id": "x", "rejected": {}}
    answer = engineer.get("/first-run/arrived", {"watch": signing.dumps(old)})
    assert answer.status_code == 286
    assert "Nothing came in half an hour." in answer.text
    for nonsense in ("", "a:b:c", "\0", signing.dumps(old) + "x"):
        assert engineer.get("/first-run/arrived", {"watch": nonsense}).status_code == 400


def test_while_the_stream_is_away_it_says_so(engineer: Client, running_servers: Any) -> None:
    running_servers.down("redis-stream")
    try:
        text = shown(engineer, PAGE)
    finally:
        running_servers.up("redis-stream")
    assert "the stream does not answer" in text


def test_it_asks_a_bounded_number_of_questions(engineer: Client) -> None:
    record([event(workload=f"w{number}") for number in range(30)])
    page = engineer.get(PAGE).text
    record([event(workload=f"v{number}") for number in range(30)])
    assert len(asked_of_the_database(engineer, PAGE)) <= MOST_QUERIES
    assert len(asked_of_the_database(engineer, watch_of(page))) <= MOST_QUERIES
