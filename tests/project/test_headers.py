"""Headers of safety are on every answer: of every address, by every error, by Django and past it."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from fallbacks import key_ring
from tests.conftest import Person
from tests.ingest.test_direct import by_wsgi
from tests.make import sent
from tests.project.test_doors import DOORS, of_nothing

EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
}
REFERRERS = ("same-origin", "strict-origin")
pytestmark = pytest.mark.usefixtures("database", "stream")


def missing(headers: Any) -> list[str]:
    """Return what an answer lacks."""
    wrong = [name for name, value in EVERYWHERE.items() if headers.get(name) != value]
    policy = headers.get("Content-Security-Policy", "")
    if not ("default-src 'self'" in policy or "default-src 'none'" in policy) or "frame-ancestors 'none'" not in policy:
        wrong.append("Content-Security-Policy")
    if "unsafe" in policy or "*" in policy:
        wrong.append(policy)
    if headers.get("Referrer-Policy") not in REFERRERS:
        wrong.append("Referrer-Policy")
    return wrong


@pytest.mark.parametrize("visitor", ["signed out", "admin"])
def test_every_address_sends_them_whoever_asks(visitor: str, person: Person, static_files: None) -> None:
    client = person("admin") if visitor == "admin" else Client()
    answers: dict[Any, Any] = {door: client.generic(door[0], of_nothing(door[1])) for door in DOORS}
    assert {door: wrong for door, answer in answers.items() if (wrong := missing(answer.headers))} == {}


@pytest.mark.parametrize("visitor", ["signed out", "admin"])
def test_what_is_for_somebody_is_kept_by_no_cache(visitor: str, person: Person, static_files: None) -> None:
    client = person("admin") if visitor == "admin" else Client()
    answers: dict[Any, Any] = {door: client.generic(door[0], of_nothing(door[1])) for door in DOORS}
    kept = {
        door: answer.headers.get("Cache-Control", "nothing said")
        for door, answer in answers.items()
        if answer.status_code == 200 and "no-store" not in answer.headers.get("Cache-Control", "")
    }
    assert kept.keys() <= FOR_NOBODY


# The same for everybody: that the process is there, and the API's description.
FOR_NOBODY = {("GET", "/healthz"), ("GET", "/api/docs"), ("GET", "/api/schema")}


REFRESHED = {"hx-request": "true"}
# Errors of every layer: what it is, what asks for it, the status.
ERRORS: dict[str, tuple[Callable[[Client], Any], int]] = {
    "a host that is not ours": (lambda client: client.get("/", headers={"host": "evil.example"}), 400),
    "an address that is none": (lambda client: client.get("/none"), 404),
    "an address below the API that is none": (lambda client: client.get("/api/none"), 404),
    "a method that is not taken": (lambda client: client.get("/logout"), 405),
    "no key": (lambda client: client.get("/api/v1/rates"), 401),
    "a role that is missing": (lambda client: client.get("/people"), 403),
    "a form of another site": (lambda client: client.post("/logout"), 403),
    "what cannot be understood": (lambda client: client.get("/came-in?since=yesterday"), 400),
    "a page that breaks": (lambda client: client.get("/lookup?q=a"), 500),
    "a page that breaks while it is refreshed": (lambda client: client.get("/lookup?q=a", headers=REFRESHED), 500),
    "a static file": (lambda client: client.get("/static/mark.svg"), 200),
    "a static file that is none": (lambda client: client.get("/static/none.css"), 404),
}


@pytest.mark.parametrize("case", ERRORS)
def test_every_error_sends_them(case: str, viewer: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    strict = Client(enforce_csrf_checks=True, raise_request_exception=False)
    strict.cookies = viewer.cookies
    monkeypatch.setattr("dashboard.events.lookup.by_id", lambda _: 1 / 0)
    ask, status = ERRORS[case]
    answer = ask(strict)
    answer.close()  # a file's stays open else
    assert (answer.status_code, missing(answer.headers)) == (status, [])


def test_whoever_tries_too_often_gets_them(static_files: None) -> None:
    browser = Client()
    answers: list[Any] = [browser.post("/login", {"username": "dana", "password": "wrong"}) for _ in range(6)]
    assert [(answer.status_code, missing(answer.headers)) for answer in answers[4:]] == [(429, []), (429, [])]


def test_while_the_database_is_away_they_are_there(viewer: Client, running_servers: Any) -> None:
    viewer.raise_request_exception = False
    running_servers.down("postgres")
    try:
        answers: list[Any] = [viewer.get(path) for path in ("/", "/api/v1/rates", "/readyz", "/healthz")]
    finally:
        running_servers.up("postgres")
    assert [missing(answer.headers) for answer in answers] == [[]] * 4
    assert answers[0].status_code == 503


@pytest.mark.parametrize("path", ["/", "/api/v1/events", "/static/mark.svg"])
def test_whoever_is_led_to_tls_gets_them(settings: Any, path: str, static_files: None) -> None:
    settings.SECURE_SSL_REDIRECT = True
    for answer in (Client().get(path), Client().post(path)):
        assert (answer.status_code, missing(answer.headers)) == (301, [])


def test_by_tls_every_answer_says_that_it_is_to_stay_so(settings: Any, static_files: None) -> None:
    settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS = True, 31_536_000
    answers: dict[str, Any] = {path: Client().get(path, secure=True) for _, path in DOORS}
    lacking = [path for path, answer in answers.items() if "max-age=31536000" not in answer.get(HSTS, "")]
    assert lacking == []


HSTS = "Strict-Transport-Security"


@pytest.mark.parametrize(
    ("body", "over", "status"),
    [
        (json.dumps(sent()).encode(), {}, 202),
        (b"{", {}, 400),
        (b"{}", {"HTTP_AUTHORIZATION": "Bearer fo_nobody"}, 401),
        (b"{}", {"HTTP_AUTHORIZATION": ""}, 401),
        (b"{}", {"CONTENT_TYPE": "text/plain"}, 415),
        (b" " * (5 * 1024 * 1024 + 1), {}, 413),
    ],
)
def test_what_goes_past_django_sends_them_too(body: bytes, over: dict[str, str], status: int) -> None:
    key = key_ring.make("a service", ["events:write"])
    answered, headers, _ = by_wsgi(body, **{"HTTP_AUTHORIZATION": f"Bearer {key}", **over})
    assert (answered, missing(headers)) == (status, [])
