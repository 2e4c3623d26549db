"""The way of a POST past Django answers as Django's own way does, and says the same."""

import gzip
import io
import json
from typing import Any

import pytest
from django.core.wsgi import get_wsgi_application
from django.test import Client

from fallbacks import logs
from ingest import wire
from ingest.direct import DirectPath
from tests.make import sent

EVENTS = "/api/v1/events"
pytestmark = pytest.mark.usefixtures("database", "stream")


def by_wsgi(body: bytes, **over: Any) -> tuple[int, dict[str, str], bytes]:
    """Post as a web server does, and return status, headers and body."""
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": EVENTS,
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": "http",
        **over,
    }
    said: list[Any] = []
    answer = DirectPath(get_wsgi_application())(environ, lambda *given: said.extend(given))
    return int(said[0].split()[0]), dict(said[1]), b"".join(answer)


CASES: list[tuple[bytes, dict[str, str]]] = [
    (json.dumps([sent(), sent(status=1)]).encode(), {}),
    (json.dumps(sent(status=1)).encode(), {}),
    (gzip.compress(json.dumps(sent()).encode()), {"HTTP_CONTENT_ENCODING": "gzip"}),
    (b"{", {}),
    (b"", {}),
    (b"{}", {"CONTENT_TYPE": "text/plain; charset=utf-8"}),
    (b"{}", {"HTTP_CONTENT_ENCODING": "br"}),
    (b" " * (5 * 1024 * 1024 + 1), {}),
    (b"{}", {"HTTP_AUTHORIZATION": "Bearer fo_nobody"}),
    (b"{}", {"HTTP_AUTHORIZATION": ""}),
]


@pytest.mark.parametrize(("body", "over"), CASES)
def test_both_ways_answer_alike(key: str, body: bytes, over: dict[str, str]) -> None:
    headers = {"HTTP_AUTHORIZATION": f"Bearer {key}", **over}
    status, said, text = by_wsgi(body, **headers)
    kind = headers.pop("CONTENT_TYPE", "application/json")
    django = Client().generic("POST", EVENTS, body, content_type=kind, **headers)  # type: ignore[arg-type]
    assert (status, text) == (django.status_code, django.content)
    assert said == dict(django.headers)


def test_what_comes_without_tls_is_sent_to_tls_where_tls_is_asked_for(settings: Any, key: str) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.TRUSTED_PROXIES = 1
    body, show = json.dumps(sent()).encode(), {"HTTP_AUTHORIZATION": f"Bearer {key}"}
    status, said, _ = by_wsgi(body, **show)
    assert (status, said["Location"]) == (301, "https://testserver/api/v1/events")
    assert by_wsgi(body, HTTP_X_FORWARDED_PROTO="https", **show)[0] == 202


@pytest.mark.parametrize("path", [EVENTS, "/api/v1/rates"])
def test_a_charset_that_is_none_breaks_nothing(key: str, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # The module says, as it is read, that this process is the web server.
    monkeypatch.setattr(logs, "part", logs.part)
    from fallbacks.wsgi import application

    said: list[Any] = []
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": path,
        "QUERY_STRING": "%",
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "CONTENT_TYPE": "application/json;charset=rot13",
        "CONTENT_LENGTH": "2",
        "wsgi.input": io.BytesIO(b"{}"),
        "wsgi.url_scheme": "http",
    }
    application(environ, lambda *given: said.extend(given))
    assert int(said[0].split()[0]) in (401, 405)


def test_a_body_that_is_neither_declared_nor_in_chunks_is_none(key: str) -> None:
    show = {"HTTP_AUTHORIZATION": f"Bearer {key}"}
    assert by_wsgi(json.dumps(sent()).encode(), CONTENT_LENGTH="", **show)[0] == 400
    assert by_wsgi(json.dumps(sent()).encode(), CONTENT_LENGTH="", HTTP_TRANSFER_ENCODING="chunked", **show)[0] == 202


class Endless(io.RawIOBase):
    """A body without an end, and how much of it was taken."""

    def __init__(self) -> None:
        self.taken = 0

    def read(self, size: int = -1, /) -> bytes:
        assert 0 <= size <= 2 * wire.MOST_BYTES, "no more is asked for than may be sent"
        self.taken += size
        return b" " * size


@pytest.mark.parametrize("over", [{"CONTENT_LENGTH": str(10**12)}, {"HTTP_TRANSFER_ENCODING": "chunked"}])
def test_of_a_body_that_is_too_large_no_more_is_read_than_may_be_sent(key: str, over: dict[str, str]) -> None:
    body = Endless()
    given = {"CONTENT_LENGTH": "", "wsgi.input": body, "HTTP_AUTHORIZATION": f"Bearer {key}"}
    status, _, text = by_wsgi(b"", **given | over)
    assert (status, json.loads(text)["error"]["code"]) == (413, "too_large")
    assert body.taken == wire.MOST_BYTES + 1


def test_a_fault_of_ours_is_an_error_in_the_one_shape(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("nobody foresaw this")

    monkeypatch.setattr("ingest.reading.read_events", broken)
    status, _, text = by_wsgi(b"{}", HTTP_AUTHORIZATION=f"Bearer {key}")
    assert (status, json.loads(text)["error"]["code"]) == (500, "server_error")
