"""`GET /metrics`: counts for Prometheus, in its text format, from Redis and PostgreSQL: any web process answers alike.

Nothing in it is a service's own word: labels are shards, parts, and names that the code knows.
"""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import redis
from django.db import DatabaseError
from django.http import HttpRequest, HttpResponse

from fallbacks import tally
from fallbacks.keys import KeysUnavailable
from ingest import buffer, pulse
from ingest.answers import only_read, refusal
from ingest.authentication import Refused, authenticate

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# As in finish.lua, in milliseconds.
BOUNDS = (50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000, 300_000)

Value = int | float
Labelled = Iterable[tuple[Mapping[str, str], Value]]


@dataclass
class Page:
    """The text as it is put together."""

    lines: list[str] = field(default_factory=list)

    def head(self, name: str, kind: str, help_: str) -> None:
        self.lines += [f"# HELP observatory_{name} {help_}", f"# TYPE observatory_{name} {kind}"]

    def sample(self, name: str, labels: Mapping[str, str], value: Value) -> None:
        inside = ",".join(f'{label}="{text}"' for label, text in labels.items())
        self.lines.append(f"observatory_{name}{{{inside}}} {value}" if inside else f"observatory_{name} {value}")

    def put(self, name: str, kind: str, help_: str, values: Value | Labelled) -> None:
        self.head(name, kind, help_)
        for labels, value in [({}, values)] if isinstance(values, (int, float)) else values:
            self.sample(name, labels, value)

    @property
    def text(self) -> str:
        return "\n".join(self.lines) + "\n"


@only_read
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with what is known, by a key with the scope `metrics:read`."""
    try:
        authenticate(request.META, "metrics:read")
    except Refused as refused:
        return refusal(refused.status, refused.code, refused.message).response()
    except KeysUnavailable:
        return refusal(503, "keys_unavailable", "The key cannot be looked up just now: ask again.").response()
    return HttpResponse(page().text, content_type=CONTENT_TYPE)


def page() -> Page:
    """Return all metrics; those of a part that does not answer are left out, and its `up` is 0."""
    page = Page()
    seen = held = None
    try:
        seen = tally.door()
        of_the_stream(page, seen)
    except redis.RedisError:
        seen = None
    try:
        held = tally.books()
        of_the_database(page, held)
        if seen is not None:
            whole(page)
    except (DatabaseError, redis.RedisError):
        pass
    page.put(
        "up",
        "gauge",
        "Whether a part answered for this page.",
        [({"part": "stream"}, int(seen is not None)), ({"part": "database"}, int(held is not None))],
    )
    return page


def of_the_stream(page: Page, seen: tally.Door) -> None:
    """Add what Redis knows."""
    counts, now = seen.counts, time.time() * 1000
    reasons = [({"reason": reason}, count) for reason, count in seen.rejected.items()]
    waits = [({"shard": str(shard.number)}, shard.entries) for shard in seen.shards]
    oldest = max((now - shard.first[0] for shard in seen.shards if shard.entries), default=0)
    memory = buffer.connection().info("memory")
    lives = zip(("worker", "beat"), pulse.alive("worker", "beat"), strict=True)
    page.put("accepted_items_total", "counter", "Events and counts of traffic put on disk.", seen.accepted)
    page.put("rejected_items_total", "counter", "Items and bodies refused, by field or error code.", reasons)
    page.put("throttled_items_total", "counter", "Items refused by a key's rate.", counts.get("throttled", 0))
    page.put("in_flight_items", "gauge", "Items on disk that are not finished.", seen.waiting)
    page.put("missing_entries", "gauge", "Entries that left the stream unrecorded. Not 0: data was lost.", seen.missing)
    page.put("waiting_entries", "gauge", "Entries of the stream that wait, by shard.", waits)
    page.put("oldest_entry_age_seconds", "gauge", "Wait of the oldest entry.", round(max(0, oldest) / 1000, 3))
    page.put("stream_memory_used_bytes", "gauge", "Memory that the stream's Redis uses.", int(memory["used_memory"]))
    page.put("stream_memory_max_bytes", "gauge", "Memory that it may use, 0: no limit.", int(memory["maxmemory"]))
    page.put(
        "alive", "gauge", "Whether worker and beat did something lately.", [({"part": n}, int(a)) for n, a in lives]
    )
    page.head("drain_latency_seconds", "histogram", "From an item's place on disk to its commit.")
    for labels, value in histogram(counts):
        page.sample("drain_latency_seconds_bucket", labels, value)
    page.sample("drain_latency_seconds_sum", {}, counts.get("latency_sum", 0) / 1000)
    page.sample("drain_latency_seconds_count", {}, total(counts))


def histogram(counts: Mapping[str, int]) -> Iterator[tuple[Mapping[str, str], int]]:
    """Return the buckets as Prometheus has them: each with all that is below it."""
    below = 0
    for bound in BOUNDS:
        below += counts.get(f"latency:{bound}", 0)
        yield {"le": f"{bound / 1000:g}"}, below
    yield {"le": "+Inf"}, total(counts)


def total(counts: Mapping[str, int]) -> int:
    return sum(count for name, count in counts.items() if name.startswith("latency:"))


def of_the_database(page: Page, held: tally.Books) -> None:
    """Add what PostgreSQL knows, of all counts that there ever were."""
    page.put("stored_items_total", "counter", "Items recorded as new.", held.stored)
    page.put("duplicate_items_total", "counter", "Items that were there already.", held.duplicate)
    page.put("kept_aside_items_total", "counter", "Items that could not be recorded.", held.kept_aside_ever)
    page.put("discarded_items_total", "counter", "Items kept aside that an admin discarded.", held.discarded)
    page.put("uncounted_items_total", "counter", "Items that came past the door.", held.uncounted)
    page.put("kept_aside_items", "gauge", "Items that wait for an admin.", held.kept_aside)


def whole(page: Page) -> None:
    """Add what both sides together say."""
    account = tally.account()
    page.put("lost_items", "gauge", "Items received and nowhere. Not 0: something is wrong.", account.lost)
    if account.since is not None:
        page.put("counted_since_seconds", "gauge", "When this count began (Unix time).", account.since.timestamp())
