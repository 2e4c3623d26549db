"""Logs: a line of JSON an event of importance, with no word of what services sent in it, and no key."""

import io
import json
import logging
import sys
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from django.db import DataError, IntegrityError, OperationalError, connection

from fallbacks import logs


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged while the test runs, as it would be written."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(logs.Lines())
    logging.getLogger().addHandler(handler)
    yield out
    logging.getLogger().removeHandler(handler)


def read(out: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_line_says_when_what_and_who(lines: io.StringIO) -> None:
    logging.getLogger("fallbacks").info("drained %d", 3, extra={"entries": 2, "when": time})
    (line,) = read(lines)
    assert (line["event"], line["level"], line["part"], line["entries"]) == ("drained 3", "info", "command", 2)
    assert line["at"].endswith("+00:00")
    assert set(line) == {"at", "level", "part", "logger", "event", "entries", "when"}


def test_a_key_is_cut_wherever_it_stands(lines: io.StringIO) -> None:
    key = "fo_0123abcd_Secret-part_of_it"
    logging.getLogger("fallbacks").warning("the key %s", key, extra={"header": f"Bearer {key}"})
    assert "Secret-part" not in lines.getvalue()
    assert read(lines)[0]["header"] == "Bearer fo_0123abcd_…"


@pytest.mark.parametrize("error", [IntegrityError, DataError, UnicodeError])
def test_an_error_that_quotes_rows_loses_its_words(lines: io.StringIO, error: type[Exception]) -> None:
    try:
        try:
            raise error("DETAIL: Failing row contains (the user's words)")
        except error as cause:
            raise RuntimeError("it said: the user's words") from cause
    except RuntimeError as caught:
        logging.getLogger("celery.app.trace").exception("Task raised %r", caught)
    (line,) = read(lines)
    assert "the user's words" not in lines.getvalue()
    assert line["error"] == "RuntimeError"
    assert line["event"] == "Task raised %r"
    assert "test_logs.py" in line["at_lines"][-1]


def test_another_error_keeps_its_words(lines: io.StringIO) -> None:
    try:
        raise OperationalError("the connection is lost")
    except OperationalError:
        logging.getLogger("fallbacks").exception("no luck")
    assert read(lines)[0]["error_text"] == "the connection is lost"


def test_what_is_away_is_said_once_and_when_it_is_back(lines: io.StringIO) -> None:
    logs.back("database")
    for _ in range(3):
        logs.away("database", OperationalError("gone"))
    logs.away("stream", OSError("gone, too"))
    logs.back("database")
    logs.back("database")
    logs.away("database", OperationalError("gone again"))
    assert [line["event"] for line in read(lines)] == [
        "the database cannot be used",
        "the stream cannot be used",
        "the database can be used again",
        "the database cannot be used",
    ]


def test_a_database_that_answers_with_an_error_is_not_away_and_each_kind_is_said_once(lines: io.StringIO) -> None:
    logs.away("database", OperationalError("gone"))
    for error in (psycopg.errors.DiskFull, psycopg.errors.DeadlockDetected, psycopg.errors.DiskFull):
        logs.away("database", of_the_driver(error("no luck")))
    logs.connected()
    logs.away("database", of_the_driver(psycopg.errors.DiskFull("no luck")))
    logs.back("database")
    assert [(line["event"], line.get("error")) for line in read(lines)] == [
        ("the database cannot be used", "OperationalError"),
        ("the database answers with an error", "OperationalError 53100"),
        ("the database answers with an error", "OperationalError 40P01"),
        ("the database can be used again", None),
        ("the database can be used again", None),
    ]


def test_a_connection_says_that_the_database_is_back(database: None, lines: io.StringIO) -> None:
    logs.away("database", OperationalError("gone"))
    connection.close()
    connection.ensure_connection()
    assert [line["event"] for line in read(lines)] == ["the database cannot be used", "the database can be used again"]


def of_the_driver(cause: psycopg.Error) -> OperationalError:
    """Django's error, as it comes of the driver's."""
    error = OperationalError(str(cause))
    error.__cause__ = cause
    return error


def test_what_happens_often_is_one_line(lines: io.StringIO) -> None:
    summary = logs.Summary(logging.getLogger("ingest"), "drained", every=0.05)
    for _ in range(10):
        summary.add(entries=1, stored=5, duplicate=0)
    deadline = time.monotonic() + 5
    while not lines.getvalue():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert [line["counts"] for line in read(lines)] == [{"entries": 10, "stored": 50}]
    summary.add(entries=1)
    summary.write()
    summary.write()
    assert len(read(lines)) == 2


def test_of_requests_only_what_is_broken_is_said(lines: io.StringIO) -> None:
    log = logging.getLogger("django.request")
    log.warning("Not Found: /x")
    log.warning("Forbidden: /people", exc_info=KeyError("a role"))
    logging.getLogger("django.security.csrf").warning("Forbidden (CSRF cookie not set.): /login")
    logging.getLogger("django.security.DisallowedHost").error("Invalid HTTP_HOST header: 'evil.example'")
    log.error("Service Unavailable: /readyz")
    try:
        raise OperationalError("gone")
    except OperationalError:
        log.error("Internal Server Error: /", exc_info=sys.exc_info())
        log.error("Internal Server Error: /", exc_info=sys.exc_info())
    try:
        raise KeyError("missing")
    except KeyError:
        log.error("Internal Server Error: /", exc_info=sys.exc_info(), extra={"request": "<GET /?q=private>"})
    assert [line["event"] for line in read(lines)] == ["the database cannot be used", "Internal Server Error: /"]
    assert "private" not in lines.getvalue()


@pytest.mark.parametrize("cause", [psycopg.errors.AdminShutdown, psycopg.errors.ConnectionFailure])
def test_a_request_that_finds_no_database_is_no_error_of_its_own(
    lines: io.StringIO, cause: type[psycopg.Error]
) -> None:
    broken(of_the_driver(cause("gone")))
    broken(OperationalError("the pool had no connection"))
    assert [line["event"] for line in read(lines)] == ["the database cannot be used"]


@pytest.mark.parametrize("cause", [psycopg.errors.DeadlockDetected, psycopg.errors.DiskFull])
def test_a_request_that_the_database_refuses_is_an_error_each_time(
    lines: io.StringIO, cause: type[psycopg.Error]
) -> None:
    broken(OperationalError("gone"))
    for _ in range(2):
        broken(of_the_driver(cause("no luck")))
    away, *errors = read(lines)
    assert away["event"] == "the database cannot be used"
    assert [(line["level"], line["error"]) for line in errors] == [
        ("error", f"OperationalError {cause.sqlstate}"),
    ] * 2


def broken(error: Exception) -> None:
    """What Django says of a request that an error ended."""
    logging.getLogger("django.request").error("Internal Server Error: /", exc_info=error)
