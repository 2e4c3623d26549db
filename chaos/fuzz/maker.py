"""Puts requests together: from one draft of hypothesis' ten of them, as drawn, in other envelopes, and mutated."""

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from chaos.fuzz import broken, drafts, headers, large
from chaos.fuzz.drafts import Draft
from chaos.fuzz.headers import Keys
from chaos.fuzz.mutations import mutate
from chaos.fuzz.requests import Envelope, Request, sealed
from chaos.fuzz.writing import Writer
from chaos.parcels import EVENTS

OF_ONE_DRAFT = 10
BATCH = 200  # drafts that are drawn at a time
# How often each way is taken, of 1,000 requests made of a draft beside itself.
WAYS = {"enveloped": 150, "again": 60, "mutated": 470, "mutated, packed": 150, "packed, mutated": 120}
WAYS |= {"broken": 47, "large": 3}
REMEMBERED = 300
# In place of a good one, where hypothesis drew none yet.
EMPTY = Draft(EVENTS, True, (), "array", True, "tight", False)
CHOICES: dict[str, tuple[Any, ...]] = {
    "authorization": headers.AUTHORIZATIONS,
    "content_type": headers.JSON_TYPES + headers.LINES_TYPES + headers.ODD_TYPES,
    "encoding": headers.GOOD_ENCODINGS + headers.ODD_ENCODINGS,
    "query": headers.QUERIES,
}


@dataclass
class Maker:
    """Makes requests: from equal seeds equal ones, but for times and keys."""

    seed: int
    keys: Keys
    writer: Writer
    dice: random.Random = field(default_factory=random.Random)
    made: int = 0
    sent: deque[Request] = field(default_factory=lambda: deque(maxlen=REMEMBERED))
    good: list[Draft] = field(default_factory=list)
    other: bytes = b""

    def batches(self, count: int) -> Iterator[list[Request]]:
        """Return `count` requests in batches, each made when the one before was sent."""
        number = 0
        while count > 0:
            wanted = min(BATCH, -(-count // OF_ONE_DRAFT))
            drawn = drafts.draw(self.seed * 1_000_003 + number, wanted)
            self.good = [draft for draft, _ in drawn if draft.good] or self.good or [EMPTY]
            made = [request for pair in drawn for request in self.of(*pair)][:count]
            count -= len(made)
            number += 1
            yield made

    def of(self, draft: Draft, envelope: Envelope) -> Iterator[Request]:
        """Return what is made of one draft."""
        yield self.remembered(self.enclosed("as drawn", fitted(draft, envelope), draft))
        for _ in range(OF_ONE_DRAFT - 1):
            self.made += 1
            # Each has dice of its own: times are of other lengths when compressed, which must change no other request.
            self.dice = random.Random(f"{self.seed}/{self.made}")
            yield self.variant(self.dice.choices(list(WAYS), list(WAYS.values()))[0], draft)

    def variant(self, way: str, draft: Draft) -> Request:
        """Return one of the others."""
        if way == "again":
            return replace(self.dice.choice(self.sent), kind="sent again")
        if way == "large":
            return large.request(self.writer, self.keys, self.dice)
        if way == "enveloped":
            return self.remembered(self.enclosed("in other headers", self.envelope(draft), draft))
        draft = self.dice.choice(self.good)
        other, self.other = self.other, self.writer.body(draft)
        body = self.other
        if way == "broken":
            return broken.request(fitted(draft, Envelope()), draft.path, body, self.keys, self.dice)
        envelope = fitted(draft, Envelope(chunked=self.dice.random() < 0.1))
        if way != "mutated":
            envelope = replace(envelope, encoding=self.dice.choice(headers.GOOD_ENCODINGS))
        if way == "packed, mutated":
            packed = mutate(envelope.encoding.compress(body), self.dice, envelope.encoding.compress(other))
        else:
            packed = envelope.encoding.compress(mutate(body, self.dice, other))
        return sealed(way, envelope, draft.path, packed, self.keys, self.dice)

    def envelope(self, draft: Draft) -> Envelope:
        """Return an envelope in which one or two things are other than usual."""
        dice = self.dice
        odd = Envelope(extras=tuple(dice.sample(headers.EXTRAS, dice.randrange(3))), chunked=dice.random() < 0.2)
        for way in dice.sample(list(CHOICES), dice.choice((1, 1, 2))):
            odd = replace(odd, **{way: dice.choice(CHOICES[way])})
        return fitted(draft, odd)

    def enclosed(self, kind: str, envelope: Envelope, draft: Draft) -> Request:
        packed = envelope.encoding.compress(self.writer.body(draft))
        return sealed(kind, envelope, draft.path, packed, self.keys, self.dice)

    def remembered(self, request: Request) -> Request:
        """Keep the request, to be sent again later: the same ids, and other answers at most to its key."""
        self.sent.append(request)
        return request


def fitted(draft: Draft, envelope: Envelope) -> Envelope:
    """Return the envelope with the type of lines, where the body is lines and the type would have been JSON."""
    if draft.form == "lines" and envelope.content_type in headers.JSON_TYPES:
        return replace(envelope, content_type=headers.LINES)
    return envelope
