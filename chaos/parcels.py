"""What producers send: bodies of events and counts, made by chance from a seed, with what is to come of each."""

import json
import random
import time
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from chaos.ledger import CountKey, Key, microseconds

EVENTS, TRAFFIC = "/api/v1/events", "/api/v1/traffic"
# Over all shards, and few enough that everybody meets at the same rollup cells.
WORKLOADS = tuple(f"chaos-{n}" for n in range(12))
ZONES = tuple(timezone(timedelta(minutes=m)) for m in (0, 0, 60, -480, 345, 840))
OUTCOMES = ("served", "served", "served", "failed", "blocked")
# How often an event is sent, where nothing goes wrong.
SENDS = (1, 1, 1, 2, 2, 3, 4, 5)
GOOD: dict[str, Any] = {"workload": "chaos-0", "primary": "a", "fallback": None, "status": 500, "reason": "x"}
# Items that must be refused, each for a reason of its own.
BAD_ITEMS: tuple[Any, ...] = (
    {"workload": "chaos-0"},
    GOOD | {"workload": "Not A Slug"},
    GOOD | {"fallback": "a"},
    GOOD | {"status": 99},
    GOOD | {"reason": ""},
    GOOD | {"typo": 1},
    GOOD | {"outcome": "served"},
    GOOD | {"id": "no-time"},
    GOOD | {"occurred_at": "2001-01-01T00:00:00Z"},
    "a text",
    7,
    None,
)
# Bodies that must be refused as a whole, with the statuses that they may get.
BAD_BODIES: tuple[tuple[bytes, frozenset[int]], ...] = (
    (b"", frozenset({400})),
    (b"{", frozenset({400})),
    (b"\xff\xfe", frozenset({400})),
    (b"[]", frozenset({400})),
    (b'"text"', frozenset({400})),
    (b"[" * 5_000, frozenset({400})),
    (b'{"events": 3}', frozenset({400})),
    (b" " * (5 * 1024 * 1024 + 1), frozenset({413})),
)


@dataclass(frozen=True, slots=True)
class Item:
    """One event as sent: its key, its outcome, its JSON."""

    key: Key
    outcome: str
    json: dict[str, Any]


@dataclass(frozen=True)
class Parcel:
    """One body, and what is to come of it."""

    path: str
    body: bytes
    events: tuple[Item, ...] = ()
    counts: dict[CountKey, int] = field(default_factory=dict)
    accepted: int = 0
    rejected: tuple[int, ...] = ()
    nameless: str = ""
    # Of bodies in which nothing is good.
    refused_by: frozenset[int] = frozenset()
    not_before: float = 0.0

    @property
    def may_be_repeated(self) -> bool:
        """Whether sending it again counts nothing twice."""
        return not self.nameless and not self.refused_by

    def later(self, seconds: float) -> "Parcel":
        return replace(self, not_before=time.monotonic() + seconds)


@dataclass
class Maker:
    """Makes parcels: from equal seeds equal ones, but for the time. `name` keeps its ids apart from those of others."""

    name: str
    chance: random.Random
    made: int = 0
    # What is still to be sent again, singly and reordered, with how many times that is.
    again: list[tuple[Item, int]] = field(default_factory=list)

    def parcel(self) -> Parcel:
        """Return the next body."""
        kind = self.chance.random()
        if kind < 0.08:
            return self.traffic()
        if kind < 0.12:
            return self.nameless()
        if kind < 0.16:
            body, statuses = self.chance.choice(BAD_BODIES)
            return Parcel(EVENTS, body, refused_by=statuses)
        if kind < 0.50:
            return batch([self.item()], self.chance, alone=True)
        size = self.chance.choice((2, 5, 10, 20, 40))
        items = [self.item() for _ in range(size)]
        if self.chance.random() < 0.3:
            items += self.chance.choices(items, k=1 + size // 4)
        self.chance.shuffle(items)
        bad = self.chance.randint(1, 3) if self.chance.random() < 0.2 else 0
        return batch(items, self.chance, bad=bad)

    def item(self) -> Item:
        """Return a new event, or one that was sent before."""
        if self.again and self.chance.random() < 0.5:
            n = self.chance.randrange(len(self.again))
            item, left = self.again[n]
            if left > 1:
                self.again[n] = (item, left - 1)
            else:
                self.again[n] = self.again[-1]
                self.again.pop()
            return item
        item = self.event(self.moment())
        if sends := self.chance.choice(SENDS) - 1:
            self.again.append((item, sends))
        return item

    def event(self, moment: datetime, workload: str | None = None, outcome: str | None = None) -> Item:
        """Return a new event of that time."""
        self.made += 1
        outcome = outcome or self.chance.choice(OUTCOMES)
        key = Key(workload or self.chance.choice(WORKLOADS), microseconds(moment), f"{self.name}-{self.made}")
        sent: dict[str, Any] = {
            "id": key.id,
            "occurred_at": moment.astimezone(self.chance.choice(ZONES)).isoformat(),
            "workload": key.workload,
            "primary": "premium-chat",
            "fallback": "baseline-chat" if outcome == "served" else None,
            "status": self.chance.choice((429, 500, 503, 529, "timeout", "503")),
            "reason": self.chance.choice(("overloaded", "línea caída", "bad\0byte", "x" * 500)),
        }
        if outcome != "served" or self.chance.random() < 0.5:
            sent["outcome"] = outcome
        return Item(key, outcome, sent)

    def moment(self) -> datetime:
        """Return when an event occurred: just now, long ago, ahead, or at the edge of an hour or day."""
        now = datetime.now(UTC)
        today = now.replace(hour=0, minute=0, second=0, microsecond=0)
        edge = timedelta(microseconds=self.chance.choice((-1, 0, 1, self.chance.randint(-2_000_000, 2_000_000))))
        kind = self.chance.random()
        if kind < 0.6:
            return now - timedelta(seconds=self.chance.uniform(0, 90))
        if kind < 0.8:
            return today - timedelta(days=self.chance.randint(0, 6)) + edge
        if kind < 0.9:
            return now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=self.chance.randint(0, 30)) + edge
        if kind < 0.95:
            return now - timedelta(days=self.chance.uniform(1, 25))
        return now + timedelta(minutes=self.chance.uniform(0, 5))

    def traffic(self) -> Parcel:
        """Return counts, some of them twice in one body."""
        counts: dict[CountKey, int] = {}
        sent = []
        for _ in range(self.chance.randint(1, 6)):
            self.made += 1
            key = CountKey(self.chance.choice(WORKLOADS), f"{self.name}-{self.made}")
            counts[key] = self.chance.choice((0, 1, 59, 1000, 123_457))
            start = self.moment() - timedelta(minutes=10)
            seconds = self.chance.choice((1, 59, 60, 61, 600, 3600))
            sent.append({"workload": key.workload, "id": key.id, "start": start.isoformat(), "seconds": seconds})
            sent[-1]["requests"] = counts[key]
        if self.chance.random() < 0.3:
            sent.append(sent[0])
        return Parcel(TRAFFIC, json.dumps({"counts": sent}).encode(), counts=counts, accepted=len(sent))

    def nameless(self) -> Parcel:
        """Return an event to which the product gives the id. Known by its reason, and never sent twice."""
        self.made += 1
        reason = f"nameless {self.name}-{self.made}"
        sent = GOOD | {"workload": self.chance.choice(WORKLOADS), "reason": reason}
        return Parcel(EVENTS, json.dumps(sent).encode(), nameless=reason, accepted=1)


def batch(items: list[Item], chance: random.Random, *, alone: bool = False, bad: int = 0) -> Parcel:
    """Return one body of events, with so many bad items among them."""
    sent: list[tuple[bool, Any]] = [(True, item.json) for item in items]
    for _ in range(bad):
        sent.insert(chance.randrange(len(sent) + 1), (False, chance.choice(BAD_ITEMS)))
    bodies = [body for _, body in sent]
    wrapped: Any = bodies[0] if alone else bodies if chance.random() < 0.5 else {"events": bodies}
    return Parcel(
        EVENTS,
        json.dumps(wrapped).encode(),
        events=tuple(items),
        accepted=len(items),
        rejected=tuple(n for n, (good, _) in enumerate(sent) if not good),
    )
