"""Every error says what to do, as a page for people and in the one shape for machines."""

import base64
from typing import Any

import pytest
from django.test import Client

from fallbacks import key_ring


@pytest.mark.parametrize("path", ["/", "/workloads/support-chat", "/login"])
def test_while_the_database_is_away_pages_say_so_and_that_events_are_taken(
    viewer: Client, running_servers: Any, path: str
) -> None:
    viewer.raise_request_exception = False
    running_servers.down("postgres")
    try:
        answer = viewer.get(path)
    finally:
        running_servers.up("postgres")
    if path == "/login" and answer.status_code == 200:
        return  # it may do without
    assert answer.status_code == 503
    assert "The database does not answer" in answer.text
    assert "Events are still taken" in answer.text


def test_while_the_database_is_away_the_api_says_so_in_json(database: None, running_servers: Any) -> None:
    client = Client(raise_request_exception=False)
    key = key_ring.make("reader", ["rates:read"])
    assert client.get("/api/v1/rates", headers={"authorization": f"Bearer {key}"}).status_code == 200
    running_servers.down("postgres")
    try:
        answer = client.get("/api/v1/rates", headers={"authorization": f"Bearer {key}"})
    finally:
        running_servers.up("postgres")
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "database_unavailable")
    assert int(answer["Retry-After"]) > 0


def test_an_address_that_is_none_is_a_page_with_a_way_back(viewer: Client) -> None:
    answer = viewer.get("/nothing/here")
    assert answer.status_code == 404
    assert "There is nothing at this address" in answer.text
    assert 'href="/"' in answer.text


def test_an_address_of_the_api_that_is_none_points_to_those_that_there_are(database: None) -> None:
    answer = Client().get("/api/v1/rate")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert answer.json()["error"]["message"] == (
        "There is nothing at this address. See /api/docs for the addresses that there are."
    )


def test_who_asks_the_api_for_something_else_than_json_is_told_what_to_send(database: None) -> None:
    key = key_ring.make("reader", ["rates:read"])
    answer = Client().get("/api/v1/rates", headers={"authorization": f"Bearer {key}", "accept": "text/html"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (406, "not_acceptable")
    assert "send the header `Accept: application/json`" in answer.json()["error"]["message"]


def test_a_machine_gets_its_error_in_json(viewer: Client) -> None:
    answer = viewer.get("/nothing/here", headers={"accept": "application/json"})
    assert set(answer.json()["error"]) == {"code", "message"}


def test_errors_carry_the_headers_of_safety(viewer: Client) -> None:
    for path in ("/nothing", "/", "/api/v1/rates", "/healthz"):
        answer = viewer.get(path)
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'self'" in answer["Content-Security-Policy"]
        assert answer["X-Frame-Options"] == "DENY"


def test_a_form_that_is_no_longer_good_says_what_to_do(database: None, static_files: None) -> None:
    answer = Client(enforce_csrf_checks=True).post("/login", {"username": "a", "password": "b"})
    assert answer.status_code == 403
    assert "load the page again" in answer.text


def test_a_name_that_is_too_long_to_be_one_is_wrong_like_any_other(database: None, static_files: None) -> None:
    answer = Client().post("/login", {"username": "a" * 300, "password": "b"})
    assert answer.status_code == 200
    assert "Name or password is wrong" in answer.text


@pytest.mark.parametrize(
    "cursor", ['["2026-11-22T00:00:00Z",1,"a\\u0000b"]', '["0001-01-01T00:00:00Z",99999999999999999999,"a"]', "[]"]
)
def test_a_made_up_cursor_is_a_bad_question_and_no_outage(database: None, cursor: str) -> None:
    key = key_ring.make("reader", ["events:read"])
    text = base64.urlsafe_b64encode(cursor.encode()).decode()
    answer = Client().get("/api/v1/events", {"cursor": text}, headers={"authorization": f"Bearer {key}"})
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "cursor")


def test_a_method_that_is_not_known_is_told_those_that_are(database: None) -> None:
    key = key_ring.make("reader", ["events:read"])
    answer = Client().put("/api/v1/events", headers={"authorization": f"Bearer {key}"})
    assert answer.status_code == 405
    assert {"GET", "POST"} <= set(answer["Allow"].split(", "))


def test_where_a_form_goes_nothing_is_shown_and_it_is_said_what_to_do(viewer: Client) -> None:
    answer: Any = viewer.get("/logout")
    assert (answer.status_code, answer["Allow"]) == (405, "POST, OPTIONS")
    assert "This address takes what a form sends" in answer.text
    assert "go back to its page and send it again" in answer.text
