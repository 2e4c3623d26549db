"""What producers write down: everything that was sent, and what of it was acknowledged, in memory and in a file."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple, TextIO

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Key(NamedTuple):
    """What makes an event one: its workload, when it occurred (microseconds since 1970) and its id."""

    workload: str
    occurred_us: int
    id: str


class CountKey(NamedTuple):
    """What makes a count of traffic one."""

    workload: str
    id: str


def microseconds(moment: datetime) -> int:
    """Return exact microseconds since 1970."""
    since = moment - EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


@dataclass
class Ledger:
    """All that was sent and acknowledged. Values of `sent`: the outcome; of `counted`: the requests."""

    file: TextIO
    sent: dict[Key, str] = field(default_factory=dict)
    acknowledged: set[Key] = field(default_factory=set)
    counted: dict[CountKey, int] = field(default_factory=dict)
    counts_acknowledged: set[CountKey] = field(default_factory=set)
    # Events without an id of ours are known by their reason: True once acknowledged.
    nameless: dict[str, bool] = field(default_factory=dict)
    sends: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def open(cls, folder: Path) -> "Ledger":
        """Make one that also writes to `ledger.tsv` in `folder`."""
        return cls((folder / "ledger.tsv").open("w"))

    def send(self, events: dict[Key, str], counts: dict[CountKey, int] | None = None, nameless: str = "") -> None:
        """Write down what is about to be sent."""
        with self.lock:
            self.sends += len(events) + len(counts or {}) + bool(nameless)
            self.sent.update(events)
            self.counted.update(counts or {})
            if nameless:
                self.nameless.setdefault(nameless, False)

    def acknowledge(self, events: list[Key], counts: list[CountKey], nameless: str = "") -> None:
        """Write down what a `202` was given for."""
        with self.lock:
            self.acknowledged.update(events)
            self.counts_acknowledged.update(counts)
            if nameless:
                self.nameless[nameless] = True
            lines = ["\t".join(map(str, key)) for key in (*events, *counts)] + ([nameless] if nameless else [])
            self.file.write("".join(f"{line}\n" for line in lines))
            self.file.flush()

    def close(self) -> None:
        self.file.close()
