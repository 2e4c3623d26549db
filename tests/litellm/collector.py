"""A stand-in for the product's two posting addresses: it keeps what is sent, and misbehaves as told."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Collector(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), CollectorHandler)
        self.bodies: list[tuple[str, dict[str, Any]]] = []
        self.keys: set[str] = set()
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.posted_at: list[float] = []
        self.hang = threading.Event()
        self.release = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def items(self, path: str, name: str) -> list[dict[str, Any]]:
        """What was taken, each id once, as the product counts it."""
        taken = [item for posted, body in self.bodies if posted == f"/api/v1/{path}" for item in body[name]]
        return list({item["id"]: item for item in taken}.values())

    @property
    def events(self) -> list[dict[str, Any]]:
        return self.items("events", "events")

    @property
    def counts(self) -> list[dict[str, Any]]:
        return self.items("traffic", "counts")


class CollectorHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Collector

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["content-length"]))
        if self.server.hang.is_set():
            self.server.release.wait(30)
        self.server.posted_at.append(time.monotonic())
        status, headers = self.server.answers.pop(0) if self.server.answers else (202, {})
        if status == 202:
            self.server.keys.add(self.headers["authorization"])
            self.server.bodies.append((self.path, json.loads(raw)))
        answer = json.dumps({"accepted": 1, "rejected": []} if status == 202 else {"error": {"code": "x"}}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(answer)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None:
        """What matters is kept in the lists."""


@contextmanager
def running_collector() -> Iterator[Collector]:
    collector = Collector()
    threading.Thread(target=collector.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield collector
    finally:
        collector.release.set()
        collector.shutdown()
        collector.server_close()
