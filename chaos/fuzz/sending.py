"""A client of few connections that are kept: one loop over all of them, and requests that were made beforehand."""

import selectors
import socket
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from chaos.fuzz.answers import Answer, parse
from chaos.fuzz.requests import HOST, Request

# Longer than the product may take to say 503.
PATIENCE = 20.0
CONNECTIONS = 8
Exchange = tuple[Request, Answer]


@dataclass
class Line:
    """One connection, and the request that is on it."""

    port: int
    link: socket.socket | None = None
    request: Request = field(default_factory=lambda: Request("", b""))
    unsent: memoryview = field(default_factory=lambda: memoryview(b""))
    got: bytearray = field(default_factory=bytearray)
    # Whether the connection has carried an answer before: the server may have closed it in the meantime.
    used: bool = False

    def begin(self, request: Request, selector: selectors.BaseSelector) -> None:
        """Put a request on it."""
        self.request, self.unsent = request, memoryview(request.raw)
        self.got.clear()
        if self.link is None:
            self.link = connected(self.port)
            self.used = False
            selector.register(self.link, selectors.EVENT_READ, self)
        self.send()
        self.look(selector)

    def look(self, selector: selectors.BaseSelector) -> None:
        """Wait for what is to be done next."""
        if self.link is not None:
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if self.unsent else 0)
            selector.modify(self.link, wanted, self)

    def send(self) -> None:
        assert self.link is not None
        try:
            while self.unsent:
                self.unsent = self.unsent[self.link.send(self.unsent) :]
            if self.request.ends:
                self.link.shutdown(socket.SHUT_WR)
        except BlockingIOError:
            pass
        except OSError:
            self.unsent = memoryview(b"")  # refused before all of it was read: the answer may be there

    def go_on(self, events: int) -> Answer | None:
        """Send and receive what can be; return the answer once it is whole."""
        assert self.link is not None
        if events & selectors.EVENT_WRITE:
            self.send()
        if not events & selectors.EVENT_READ:
            return None
        try:
            data = self.link.recv(1 << 16)
        except BlockingIOError:
            return None
        except OSError as error:
            return parse(bytes(self.got), True) or Answer(0, said=f"{type(error).__name__}: {error}")
        self.got += data
        found = parse(bytes(self.got), not data)
        return found or (None if data else Answer(0, bytes(self.got[:200]), said="the server hung up"))

    def end(self, answer: Answer, selector: selectors.BaseSelector) -> bool:
        """Close the connection, unless it can carry another request. True where the request is to be sent again."""
        # The server had closed the connection before it saw this request, as it may do between two of them.
        stale = self.used and not answer.status and not self.got and not self.request.broken
        self.used = True
        if self.link and (answer.closes or not answer.status or self.unsent or self.request.broken):
            self.hang_up(selector)
        return stale

    def hang_up(self, selector: selectors.BaseSelector) -> None:
        if self.link is not None:
            selector.unregister(self.link)
            self.link.close()
            self.link = None


def connected(port: int) -> socket.socket:
    """Return a connection. Where a request has killed the server, that shows as no answer to it, and it comes back."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            link = socket.create_connection((HOST, port), timeout=PATIENCE)
        except OSError as error:
            if time.monotonic() > deadline:
                raise RuntimeError(f"web is away: {error}") from error
            time.sleep(0.1)
        else:
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            link.setblocking(False)
            return link


def exchange(port: int, requests: Iterable[Request]) -> Iterator[Exchange]:
    """Send each request once, over a few connections at a time, and return each with its answer as it comes."""
    waiting = iter(requests)
    with selectors.DefaultSelector() as selector:
        busy = [line for line in (Line(port) for _ in range(CONNECTIONS)) if take(line, waiting, selector)]
        while busy:
            for line, answer in come(busy, selector):
                request = line.request
                if line.end(answer, selector):
                    line.begin(request, selector)
                    continue
                yield request, answer
                if not take(line, waiting, selector):
                    # An idle connection that the server closes would look like an answer.
                    line.hang_up(selector)
                    busy.remove(line)


def take(line: Line, waiting: Iterator[Request], selector: selectors.BaseSelector) -> bool:
    """Put the next request on a connection; False where there is none."""
    request = next(waiting, None)
    if request is not None:
        line.begin(request, selector)
    return request is not None


def come(busy: list[Line], selector: selectors.BaseSelector) -> Iterator[tuple[Line, Answer]]:
    """Send and receive what can be, and return the answers that are whole now."""
    ready = selector.select(PATIENCE)
    if not ready:
        silence = Answer(0, said=f"no answer within {PATIENCE:.0f} s")
        yield from [(line, silence) for line in busy]
    for key, events in ready:
        line: Line = key.data
        answer = line.go_on(events)
        if answer is None:
            line.look(selector)
        else:
            yield line, answer
