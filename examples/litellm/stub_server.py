"""A local server that speaks enough of the OpenAI chat API to make a router fail on purpose.

It answers as a script says, by request id (the header `X-Request-Id`) and model, and else by model. A script of
several answers, such as `503 200`, is for the calls of one request in turn; the last one stays.

    200          a chat completion, streamed where the call asks for a stream
    4xx, 5xx     an error body with that status
    slow         nothing, until the client gives up
    cut          half an answer, then the connection is reset
    cut-stream   the start of a stream, then the connection is reset (`cut` where no stream was asked for)

Everything it saw is kept in `seen`, so that what a client reports can be checked against what happened.
To play with it by hand: `python stub_server.py --port 4010 --answer premium-chat=503`.
"""

import argparse
import json
import socket
import struct
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Seen:
    """One call that reached the stub, and how it was answered."""

    request_id: str
    model: str
    stream: bool
    answer: str


class StubServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    # The default backlog of 5 would reset connections under a burst, which a test could not tell from a scripted cut.
    request_queue_size = 256

    def __init__(self, port: int = 0, by_model: Mapping[str, str] | None = None) -> None:
        super().__init__(("127.0.0.1", port), StubHandler)
        self.by_model = dict(by_model or {})
        self.script: dict[tuple[str, str], str] = {}
        self.seen: list[Seen] = []
        self.lock = threading.Lock()
        self.closing = threading.Event()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def answer(self, request_id: str, model: str, stream: bool) -> str:
        with self.lock:
            script = self.script.get((request_id, model)) or self.by_model.get(model, "200")
            answer, _, rest = script.partition(" ")
            if rest:
                self.script[request_id, model] = rest
            self.seen.append(Seen(request_id, model, stream, answer))
        return answer

    def handle_error(self, *_: Any) -> None:
        """Clients that went away are what this server is for: not worth a traceback each."""


@contextmanager
def running_stub(by_model: Mapping[str, str] | None = None, port: int = 0) -> Iterator[StubServer]:
    server = StubServer(port, by_model)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.closing.set()
        server.shutdown()
        server.server_close()


class StubHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: StubServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
        model, stream = str(body.get("model")), bool(body.get("stream"))
        request_id = self.headers.get("x-request-id", "")
        answer = self.server.answer(request_id, model, stream)
        if answer == "slow":
            self.stay_silent()
        elif answer == "200":
            self.complete(model, stream)
        elif answer == "cut-stream" and stream:
            self.send_chunks([chat_chunk(model, answer_text(model)[0])])
            self.reset()
        elif answer in ("cut", "cut-stream"):
            self.send_head(200, "application/json", length=4096)
            self.wfile.write(b'{"id": "half an ans')
            self.reset()
        else:
            self.refuse(int(answer))

    def complete(self, model: str, stream: bool) -> None:
        if stream:
            self.send_chunks([*(chat_chunk(model, text) for text in answer_text(model)), chat_chunk(model, "", "stop")])
            self.write_chunk(b"data: [DONE]\n\n")
            self.wfile.write(b"0\r\n\r\n")
        else:
            self.send_json(200, chat_completion(model))

    def refuse(self, status: int) -> None:
        kind = "rate_limit_error" if status == 429 else "server_error" if status >= 500 else "invalid_request_error"
        self.send_json(status, {"error": {"message": f"the stub was told to answer {status}", "type": kind}})

    def stay_silent(self) -> None:
        self.close_connection = True
        self.server.closing.wait(30)

    def reset(self) -> None:
        """Close so that the client gets a reset, as from a crashed server, not a polite end."""
        self.close_connection = True
        # A reset throws away what was not sent yet, and the client should see what came before it.
        time.sleep(0.05)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self.connection.close()

    def send_chunks(self, chunks: Iterable[Mapping[str, Any]]) -> None:
        self.send_head(200, "text/event-stream", length=None)
        for chunk in chunks:
            self.write_chunk(b"data: " + json.dumps(chunk).encode() + b"\n\n")

    def write_chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def send_json(self, status: int, body: Mapping[str, Any]) -> None:
        payload = json.dumps(body).encode()
        self.send_head(status, "application/json", len(payload))
        self.wfile.write(payload)

    def send_head(self, status: int, content_type: str, length: int | None) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        if length is None:
            # Chunked, because of a body that ends with its connection a client cannot tell whether it is whole.
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """`seen` is the log."""


def answer_text(model: str) -> list[str]:
    """The text names the model, because a router may rewrite an answer's `model` to what the caller asked for."""
    return ["Hello ", "from ", model]


def chat_completion(model: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": "".join(answer_text(model))}
    return {
        "id": "chatcmpl-stub",
        "object": "chat.completion",
        "created": 1,
        "model": model,
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 5, "total_tokens": 10},
    }


def chat_chunk(model: str, text: str, finish: str | None = None) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return {"id": "chatcmpl-stub", "object": "chat.completion.chunk", "created": 1, "model": model, "choices": [choice]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--port", type=int, default=4010)
    parser.add_argument("--answer", action="append", default=[], metavar="MODEL=ANSWER", help="such as premium=503")
    options = parser.parse_args()
    with running_stub(dict(pair.split("=", 1) for pair in options.answer), options.port) as stub:
        print(f"The stub listens on {stub.address}/v1. Ctrl-C stops it.")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print("Stopped.")


if __name__ == "__main__":
    main()
