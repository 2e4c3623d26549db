"""When nobody can answer: the times at which the web server was down by our hand."""

import threading
import time
from dataclasses import dataclass, field

FOREVER = float("inf")
# A child that died is replaced, and what it had in hand is cut off, within this.
MENDED_WITHIN = 3.0


@dataclass
class Outages:
    """Spans of monotonic time in which a client may be refused or cut off."""

    spans: list[tuple[float, float]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> None:
        """The web server goes down now, until `end`."""
        with self.lock:
            self.spans.append((time.monotonic(), FOREVER))

    def end(self) -> None:
        """The web server answers again."""
        now = time.monotonic()
        with self.lock:
            self.spans = [(start, min(until, now + 0.2)) for start, until in self.spans]

    def blink(self) -> None:
        """One of its children dies now, others may go on."""
        now = time.monotonic()
        with self.lock:
            self.spans.append((now, now + MENDED_WITHIN))

    def excuse(self, started: float, ended: float) -> bool:
        """Tell whether a request of this span may have met nobody."""
        with self.lock:
            return any(start <= ended and started <= until for start, until in self.spans)
