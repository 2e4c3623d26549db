"""Services that send: threads that post, write down what was acknowledged, and send again what was not."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from chaos import asking
from chaos.asking import Answer
from chaos.ledger import Ledger
from chaos.outages import Outages
from chaos.parcels import Maker, Parcel
from chaos.report import Findings

PRODUCERS = 4
# Between two requests of one producer: some 50 a second in all, which leaves two cores room for the faults.
PAUSE = (0.01, 0.12)
MOST_WAITING = 400


@dataclass
class Sender:
    """Posts parcels with the key, judges each answer, and knows the fault during which it came."""

    port: int
    key: str
    ledger: Ledger
    outages: Outages
    findings: Findings
    fault: str = "no fault"

    def send(self, parcel: Parcel) -> bool:
        """Post a parcel once. True where nothing of it need be sent again."""
        self.ledger.send({item.key: item.outcome for item in parcel.events}, parcel.counts, parcel.nameless)
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        answer = asking.ask(self.port, "POST", parcel.path, parcel.body, headers)
        self.findings.answered(self.fault, self.word(parcel, answer))
        if answer.status == 202 and not parcel.refused_by:
            self.ledger.acknowledge([item.key for item in parcel.events], list(parcel.counts), parcel.nameless)
            return True
        return not parcel.may_be_repeated

    def word(self, parcel: Parcel, answer: Answer) -> str:
        """Return what to count the answer as; note what must not be."""
        if answer.status == 0:
            # Who sends too much may be cut off before the answer arrives.
            too_large = 413 in parcel.refused_by
            if not too_large and not self.outages.excuse(answer.started, answer.ended):
                seconds = answer.ended - answer.started
                self.findings.add("unreached", f"{answer.said} after {seconds:.1f} s, during: {self.fault}")
            return "none"
        if answer.status in (429, 503):
            return str(answer.status)
        if parcel.refused_by:
            right = answer.status in parcel.refused_by
        else:
            right = answer.status == 202 and told(answer) == (parcel.accepted, parcel.rejected)
        if not right:
            self.findings.add(
                "answers", f"{answer.status} {answer.body[:200]!r} to {parcel.body[:200]!r}, during: {self.fault}"
            )
        return f"{answer.status // 100}xx" if right else "other"


def told(answer: Answer) -> tuple[int, tuple[int, ...]]:
    """Return how many items a 202 says were taken, and the indices of those that were not."""
    body = answer.json()
    try:
        return int(body["accepted"]), tuple(int(item["index"]) for item in body["rejected"])
    except (TypeError, KeyError, ValueError):
        return -1, ()


@dataclass
class Producer:
    """One service. Ends when told to, once all that it sent is acknowledged or its time is over."""

    sender: Sender
    maker: Maker
    chance: random.Random
    stop: threading.Event
    waiting: list[Parcel] = field(default_factory=list)

    def run(self) -> None:
        while not self.stop.wait(self.chance.uniform(*PAUSE)):
            parcel = self.due() or (self.maker.parcel() if len(self.waiting) < MOST_WAITING else None)
            if parcel is not None:
                self.post(parcel)

    def due(self) -> Parcel | None:
        """Take a parcel that is to be sent again by now."""
        now = time.monotonic()
        for n, parcel in enumerate(self.waiting):
            if parcel.not_before <= now:
                return self.waiting.pop(n)
        return None

    def post(self, parcel: Parcel) -> None:
        if not self.sender.send(parcel):
            self.waiting.append(parcel.later(self.chance.uniform(0.2, 1.0)))

    def finish(self, until: float) -> None:
        """Send what is waiting until all of it is acknowledged, or the time `until` (monotonic) has come."""
        while self.waiting and time.monotonic() < until:
            if parcel := self.due():
                self.post(parcel)
            else:
                time.sleep(0.05)


class Producers:
    """All of them, each in a thread of its own."""

    def __init__(self, sender: Sender, seed: int) -> None:
        self.stop = threading.Event()
        self.all = [self.producer(sender, seed, n) for n in range(PRODUCERS)]
        self.threads: list[threading.Thread] = []

    def producer(self, sender: Sender, seed: int, number: int) -> Producer:
        maker = Maker(f"p{number}", random.Random(f"{seed}/maker/{number}"))
        return Producer(sender, maker, random.Random(f"{seed}/pace/{number}"), self.stop)

    def start(self) -> None:
        self.in_threads(lambda producer: producer.run())

    def end(self, within: float) -> int:
        """Stop sending new things; return how many parcels nobody acknowledged `within` seconds."""
        self.stop.set()
        self.join(60)
        until = time.monotonic() + within
        self.in_threads(lambda producer: producer.finish(until))
        self.join(within + 60)
        return sum(len(producer.waiting) for producer in self.all)

    def in_threads(self, work: Callable[[Producer], None]) -> None:
        self.threads = [threading.Thread(target=work, args=(producer,), daemon=True) for producer in self.all]
        for thread in self.threads:
            thread.start()

    def join(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        for thread in self.threads:
            thread.join(max(0.1, deadline - time.monotonic()))
