"""The fuzz run sees what it looks for, and a short one of it is clean. The 100,000 requests are `make fuzz`."""

import gzip
import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chaos.fuzz import fields, settling, storing, understanding
from chaos.fuzz.answers import Answer, parse
from chaos.fuzz.book import Book
from chaos.fuzz.headers import GOOD_ENCODINGS
from chaos.fuzz.judging import Judge
from chaos.fuzz.maker import Maker
from chaos.fuzz.requests import Envelope, Request, from_line, sealed, to_line
from chaos.fuzz.writing import Writer
from chaos.ledger import Key, microseconds
from chaos.parcels import EVENTS, GOOD, TRAFFIC
from chaos.report import Findings
from fallbacks.local.environment import PROJECT
from ingest import wire

KEYS = {name: f"key-of-{name}" for name in ("full", "bound", "slow", "reader")}
NOON = datetime(2026, 11, 17, 12, tzinfo=UTC)
NAMED = GOOD | {"id": "a", "occurred_at": "2026-11-17T12:00:00Z"}
KEY = Key("chaos-0", microseconds(NOON), "a")
CONTENT = storing.expected(EVENTS, NAMED)[1]
JSON = {"content-type": "application/json"}


@pytest.fixture
def judge() -> Judge:
    return Judge(Book(io.BytesIO()), Findings(), KEYS)


def asked(body: Any, envelope: Envelope | None = None, path: str = EVENTS) -> Request:
    """A request as it is sent."""
    envelope, raw = envelope or Envelope(), body if isinstance(body, bytes) else json.dumps(body).encode()
    return sealed("made up", envelope, path, envelope.encoding.compress(raw), KEYS, Maker(1, KEYS, Writer(NOON)).dice)


def said(status: int, body: Any, **headers: str) -> Answer:
    return Answer(status, json.dumps(body).encode(), JSON | headers)


def taken(accepted: int, *rejected: int) -> Answer:
    return said(202, {"accepted": accepted, "rejected": [{"index": n, "field": None, "error": "x"} for n in rejected]})


# --- The run -----------------------------------------------------------------------------------------
def test_a_short_run_finds_nothing_and_leaves_nothing_running() -> None:
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    words = [sys.executable, "-m", "chaos.fuzz", "--requests", "300", "--seed", "2"]
    done = subprocess.run(words, cwd=PROJECT, env=kept, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    sent, accepted, refused = next(line for line in done.stdout.splitlines() if line.startswith("all ")).split()[1:4]
    assert sent == "300"
    assert int(accepted) > 50
    assert int(refused) > 50


# --- It goes red -------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("column", "answer"),
    [
        ("failed", said(500, {})),
        ("failed", said(503, {"error": {"code": "buffer_unavailable", "message": "Later."}})),
        ("unanswered", Answer(0, said="the server hung up")),
        ("answers", said(404, {"error": {"code": "not_found", "message": "There is nothing."}})),
        ("answers", said(401, {"error": {"code": "no_key", "message": "Send one."}})),
        ("shape", said(400, {"error": "not an object"})),
        ("shape", said(400, {"detail": "another shape"})),
        ("shape", Answer(400, b"<html>", {"content-type": "text/html"})),
        ("shape", said(202, {"accepted": 0, "rejected": []})),
        ("shape", taken(1)),
        ("shape", taken(2, 1)),
        ("shape", taken(1, 2)),
    ],
)
def test_an_answer_that_must_not_be_is_found_with_its_request(column: str, answer: Answer, judge: Judge) -> None:
    request = asked([NAMED, NAMED])
    judge.hear(request, answer)
    assert judge.findings.counts == {column: 1}
    assert from_line(judge.offending[0], KEYS).raw == request.raw


def test_a_key_over_its_rate_must_be_told_when_to_come_again(judge: Judge) -> None:
    slow, body = replace(asked(NAMED), may=frozenset({429})), {"error": {"code": "over_rate", "message": "Later."}}
    judge.hear(slow, said(429, body, **{"retry-after": "2"}))
    assert judge.findings.are_clean()
    judge.hear(slow, said(429, body))
    assert judge.findings.counts["shape"] == 1


def test_what_is_stored_as_it_was_sent_is_no_finding(judge: Judge) -> None:
    judge.hear(asked([NAMED, GOOD, 5, NAMED]), taken(3, 2))
    rows = [(KEY, CONTENT), (Key("chaos-0", 5, "made by the product"), CONTENT)]
    assert settling.compare(iter(rows), judge) == 2
    account = {"lost": 0, "accepted": 3, "stored": 2, "duplicate": 1}
    settling.check_account(account, 2, judge.book, judge.findings)
    assert judge.findings.are_clean()


@pytest.mark.parametrize(
    ("column", "rows"),
    [
        ("lost", [(Key("chaos-0", 5, "x"), CONTENT)]),
        ("lost", [(KEY, CONTENT)]),
        ("altered", [(KEY, ("staging", *CONTENT[1:])), (Key("chaos-0", 5, "x"), CONTENT)]),
        ("stranger", [(KEY, CONTENT), (Key("chaos-0", 5, "x"), CONTENT), (Key("chaos-0", 6, "y"), CONTENT)]),
    ],
)
def test_a_202_that_is_not_stored_is_found(column: str, rows: list[settling.Row], judge: Judge) -> None:
    judge.hear(asked([NAMED, GOOD]), taken(2))
    settling.compare(iter(rows), judge)
    assert judge.findings.counts == {column: 1}


@pytest.mark.parametrize("over", [{"lost": 1}, {"accepted": 3}, {"stored": 1}, {"duplicate": 0}])
def test_an_account_that_does_not_close_is_found(over: dict[str, int], judge: Judge) -> None:
    judge.hear(asked([NAMED, NAMED]), taken(2))
    account = {"lost": 0, "accepted": 2, "stored": 1, "duplicate": 1, "kept aside": 0} | over
    settling.check_account(account, 2 if "stored" in over else 1, judge.book, judge.findings)
    assert judge.findings.counts["tally"]


# --- It reads by itself ------------------------------------------------------------------------------
@pytest.mark.parametrize("encoding", GOOD_ENCODINGS)
@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("body", [[NAMED], {"events": [NAMED]}, NAMED])
def test_a_request_is_understood_however_it_is_wrapped(encoding: Any, chunked: bool, body: Any) -> None:
    request = asked(body, Envelope(encoding=encoding, chunked=chunked))
    assert understanding.items(request.raw) == (EVENTS, [NAMED])


def test_what_cannot_be_read_is_only_counted(judge: Judge) -> None:
    broken = replace(asked(gzip.compress(b"[1]")[:-4]), broken=True)
    judge.hear(broken, taken(1))
    assert (judge.findings.counts, judge.book.accepted, judge.book.counted_only) == ({}, 1, 1)


def test_what_must_be_stored_follows_from_the_contract() -> None:
    item = NAMED | {"occurred_at": "2026-11-17t13:00:00.1234565+01:00", "reason": "a\0\ud83d", "fallback": "b"}
    identity, content = storing.expected(EVENTS, item | {"attributes": {"k\0": "v"}, "primary_latency_ms": 1.4})
    assert identity == Key("chaos-0", microseconds(NOON + timedelta(microseconds=123_457)), "a")
    told = dict(zip(storing.EVENT, content, strict=True))
    assert (told["reason"], told["outcome"], told["attributes"]) == ("a\ufffd\ufffd", "served", (("k\ufffd", "v"),))
    assert (told["environment"], told["attempts"], told["primary_latency_ms"]) == ("production", 1, 1)
    count = {"workload": "w", "start": "2026-11-17T12:00:00Z", "seconds": 60, "requests": 5}
    assert storing.expected(TRAFFIC, count) == ("w", ("production", None, NOON, 60, 5))


def test_every_field_is_fuzzed_and_compared() -> None:
    drawn = {*fields.REQUIRED, *fields.IDENTITY, *fields.OPTIONAL}
    assert drawn == set(wire.EventIn.__struct_fields__)
    assert {*storing.EVENT, "workload", "occurred_at", "id", "sample"} == drawn
    counts = {*fields.COUNT, *fields.COUNT_OPTIONAL, "id"}
    assert counts == set(wire.CountIn.__struct_fields__)
    assert {*storing.COUNT, "workload", "id"} == counts


# --- What it sends -----------------------------------------------------------------------------------
def test_equal_seeds_make_equal_requests_of_every_kind() -> None:
    one, other = ([request for batch in maker.batches(1_000) for request in batch] for maker in two_makers())
    assert one == other
    assert len(one) == 1_000
    assert len({request.kind for request in one}) >= 10
    assert all(from_line(to_line(request, KEYS), KEYS).raw == request.raw for request in one[:100])


def two_makers() -> list[Maker]:
    return [Maker(7, KEYS, Writer(NOON)) for _ in range(2)]


def test_an_answer_is_known_to_be_whole() -> None:
    chunked = b"HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
    sized = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 Bad\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab"
    for data, status, body in ((chunked, 202, b"abc"), (sized, 400, b"ab")):
        found = parse(data, ended=False)
        assert found is not None
        assert (found.status, found.body) == (status, body)
        assert all(parse(data[:length], ended=False) is None for length in range(len(data) - 2))
    assert parse(b"HTTP/1.1 400 Bad\r\n\r\nthe rest", ended=True) == Answer(400, b"the rest")
