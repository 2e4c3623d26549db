"""What was acknowledged, item by item, and the requests that it came in."""

from collections import Counter
from dataclasses import dataclass, field
from typing import BinaryIO

from chaos.fuzz.requests import Request
from chaos.fuzz.storing import Content, Identity, expected
from chaos.fuzz.understanding import Unread, items
from chaos.ledger import CountKey, Key


@dataclass(slots=True)
class Named:
    """An item with an id: the contents that were sent under it, of which the first one stays, by their hashes."""

    request: int
    contents: set[int] = field(default_factory=set)


@dataclass
class Book:
    """All that got a `202`. Requests that hold it are in `file`, so that what is lost can be sent again."""

    file: BinaryIO
    accepted: int = 0
    named: dict[Key | CountKey, Named] = field(default_factory=dict)
    # Items to which the product gave the id, by workload and content: how many.
    nameless: Counter[tuple[str, int]] = field(default_factory=Counter)
    # The requests in which these came, for the first of each.
    came_in: dict[tuple[str, int], int] = field(default_factory=dict)
    # Items that were accepted of bodies that our own reader cannot read: these can only be counted.
    counted_only: int = 0
    places: list[tuple[int, int, str, bool]] = field(default_factory=list)

    def acknowledge(self, request: Request, accepted: int, rejected: frozenset[int]) -> str:
        """Write down what an answer says was taken. Returns what is wrong with the answer, or nothing."""
        self.accepted += accepted
        try:
            path, sent = items(request.raw)
        except Unread:
            self.counted_only += accepted
            return ""
        if len(sent) != accepted + len(rejected) or not rejected <= frozenset(range(len(sent))):
            if request.broken:  # where one request ends and the next begins is a matter of opinion then
                self.counted_only += accepted
                return ""
            return f"{accepted} accepted and {len(rejected)} rejected of {len(sent)}"
        number = self.keep(request)
        for index, item in enumerate(sent):
            if index not in rejected:
                self.add(path, item, number)
        return ""

    def add(self, path: str, item: object, number: int) -> None:
        try:
            if not isinstance(item, dict):
                raise ValueError("not an object")
            identity, content = expected(path, item)
        except ValueError:
            self.counted_only += 1
            return
        self.enter(identity, content, number)

    def enter(self, identity: Identity, content: Content, number: int) -> None:
        """Write one item down."""
        if isinstance(identity, str):
            self.nameless[identity, hash(content)] += 1
            self.came_in.setdefault((identity, hash(content)), number)
        else:
            self.named.setdefault(identity, Named(number)).contents.add(hash(content))

    def keep(self, request: Request) -> int:
        """Keep a request, and return its number."""
        self.places.append((self.file.tell(), len(request.raw), request.kind, request.ends))
        self.file.write(request.raw)
        return len(self.places) - 1

    def request(self, number: int) -> Request:
        """Return a request that was kept."""
        place, length, kind, ends = self.places[number]
        end = self.file.tell()
        self.file.seek(place)
        raw = self.file.read(length)
        self.file.seek(end)
        return Request(kind, raw, ends=ends)
