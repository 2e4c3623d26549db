"""The bench measures what it says: its client, its arithmetic, and small pieces of it on the tests' servers."""

import http.server
import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench import figures, load, processor, samples
from bench.figures import Figure


class Taking(http.server.BaseHTTPRequestHandler):
    """Answers in pieces, as servers do."""

    protocol_version = "HTTP/1.1"
    status = 202

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(self.status)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for piece in (b"3\r\nabc\r\n", b"0\r\n\r\n"):
            self.wfile.write(piece)

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except ConnectionError:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def port() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Taking) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield int(server.server_address[1])
        server.shutdown()
        thread.join()


def test_the_client_sends_each_request_once_and_waits_for_all_answers(port: int) -> None:
    sent = load.send(port, samples.singles("key", 50), connections=4)
    assert (sent.count, dict(sent.answers)) == (50, {202: 50})
    assert sent.rate > 0


def test_an_answer_that_is_not_expected_ends_the_measurement(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Taking, "status", 503)
    with pytest.raises(load.Unexpected, match="503"):
        load.send(port, samples.singles("key", 2))


def test_what_is_sent_is_what_ingest_takes(database: None, stream: None) -> None:
    from django.test import Client

    from fallbacks import key_ring

    key = key_ring.make("bench", ["events:write"])
    _, body = samples.batches(key, 1)[0].split(b"\r\n\r\n", 1)
    answer = Client().post(
        samples.PATH, body, content_type="application/json", headers={"Authorization": f"Bearer {key}"}
    )
    assert (answer.status_code, answer.json()) == (202, {"accepted": 100, "rejected": []})


def test_processor_time_is_of_the_whole_tree_and_does_not_go_back() -> None:
    before = processor.seconds([os.getpid()])
    sum(number * number for number in range(2_000_000))
    assert processor.seconds([os.getpid()]) > before
    assert processor.largest_mb(os.getpid()) > 5


@pytest.mark.parametrize(
    ("better", "runs", "verdict"),
    [
        ("more", [3, 1, 2], "must"),
        ("more", [4, 4, 4], "aim"),
        ("more", [1], "missed"),
        ("less", [1], "aim"),
        ("less", [3], "missed"),
        ("more", [], "not run"),
    ],
)
def test_a_figure_is_the_median_of_its_runs_against_two_bounds(
    better: str, runs: list[float], verdict: str, tmp_path: Path
) -> None:
    must, aim = (2, 4) if better == "more" else (2, 1)
    figure = Figure("1", "what", must, aim, better, runs=runs)  # type: ignore[arg-type]
    assert figure.verdict == verdict
    assert verdict in figures.table([figure])
    figures.save(tmp_path / "latest.json", [figure], {"quick": True})
    assert json.loads((tmp_path / "latest.json").read_text())["figures"][0]["verdict"] == verdict


def test_events_that_are_filled_in_are_rolled_up_as_recorded_ones_are(
    database: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bench import reading
    from fallbacks import recounting

    monkeypatch.setattr(reading, "DAYS", 2)
    monkeypatch.setattr(reading, "WORKLOADS", 3)

    reading.fill(0, 2_000)
    reading.fill(2_000, 3_000)
    assert recounting.compare() == []
    assert reading.times_faster() > 0


def test_drains_and_copy_are_measured_on_the_same_rows(database: None, stream: None) -> None:
    from bench import stack
    from fallbacks.recording import record
    from tests import make

    record([make.event(reason="tab\tand line\n") for _ in range(5)])
    assert stack.stored() == 5
    data = stack.rows()
    assert data.count(b"\n") == 5
    assert b"tab\\tand" in data
