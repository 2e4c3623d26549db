"""PostgreSQL that hangs: stopped in the middle of things, it takes connections and says nothing more."""

import time
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client

from fallbacks import bounded, key_ring, keys
from fallbacks.models import Workload
from tests.conftest import Person
from tests.make import sent

pytestmark = pytest.mark.usefixtures("database", "stream", "static_files")


def seconds_of(call: Any) -> tuple[float, Any]:
    began = time.monotonic()
    answer = call()
    return time.monotonic() - began, answer


def test_while_it_hangs_events_are_taken_with_keys_that_are_known(
    running_servers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = {"authorization": f"Bearer {key_ring.make('known', ['events:write'])}"}
    unknown = {"authorization": f"Bearer {key_ring.make('unknown', ['events:write'])}"}

    def post(headers: dict[str, str] = headers) -> int:
        return Client().post("/api/v1/events", sent(), content_type="application/json", headers=headers).status_code

    assert post() == 202
    monkeypatch.setattr(keys, "REMEMBERED_FOR", 0.0)
    with running_servers.hanging("postgres"):
        taken = [seconds_of(post) for _ in range(3)]
        refused = seconds_of(lambda: post(unknown))
    assert [status for _, status in taken] == [202] * 3
    assert refused[1] == 503
    assert max(seconds for seconds, _ in [*taken, refused]) < 10
    deadline = time.monotonic() + 10
    while post(unknown) != 202:
        assert time.monotonic() < deadline


def test_a_page_says_so_within_seconds(running_servers: Any, person: Person) -> None:
    viewer = person("viewer")
    viewer.raise_request_exception = False
    assert viewer.get("/").status_code == 200
    # Back to the pool, as at the end of each request that is none of the tests' client.
    connection.close()
    with running_servers.hanging("postgres"):
        seconds, answer = seconds_of(lambda: viewer.get("/"))
    assert answer.status_code == 503
    assert seconds < 10
    deadline = time.monotonic() + 10
    while viewer.get("/").status_code != 200:
        assert time.monotonic() < deadline


def test_who_asked_just_before_waits_for_as_long_as_the_process_does(
    running_servers: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        monkeypatch.setattr(bounded, "usual", 0.5)
        with running_servers.hanging("postgres"), pytest.raises(OperationalError, match="did not answer in time"):
            cursor.execute("SELECT 2")
    connection.close()
    # What comes next has another connection, not one whose answers are those to the question before.
    assert not Workload.objects.exists()


def test_what_takes_long_and_is_given_the_time_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(1.2)")
        with bounded.within(0.3), pytest.raises(OperationalError):
            cursor.execute("SELECT pg_sleep(1)")
    connection.close()
