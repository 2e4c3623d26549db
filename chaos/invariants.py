"""What must hold at the end, computed from what producers wrote down and from what the database holds."""

import importlib.util
import re
import time
from collections import Counter
from dataclasses import dataclass, field

import psycopg
import redis

from chaos.cluster import Cluster
from chaos.ledger import CountKey, Key, Ledger
from chaos.report import Findings

DRAINED_WITHIN = 30.0
# What a task may die of while we take its server or its process away.
AWAY = ("WorkerLostError", "OperationalError", "InterfaceError", "ConnectionError", "TimeoutError", "InternalError")
EVENTS = """
SELECT w.slug, (extract(epoch FROM occurred_at) * 1000000)::bigint, e.id, e.outcome, e.reason
FROM event e JOIN workload w ON w.id = e.workload_id
"""
COUNTS = "SELECT w.slug, t.id, t.requests FROM traffic t JOIN workload w ON w.id = t.workload_id"
TOTALS = """
SELECT w.slug, sum(served)::bigint, sum(failed)::bigint, sum(blocked)::bigint, coalesce(sum(requests), 0)::bigint
FROM rollup_day JOIN workload w ON w.id = workload_id GROUP BY 1
"""
SUMS = """
SELECT count(*) FROM
(SELECT workload_id, bucket, environment, requests, served, failed, blocked FROM {coarse}) c
FULL JOIN (SELECT workload_id, date_trunc('{step}', bucket, 'UTC') AS bucket, environment,
  sum(requests)::bigint AS requests, sum(served)::bigint AS served, sum(failed)::bigint AS failed,
  sum(blocked)::bigint AS blocked FROM {fine} GROUP BY 1, 2, 3) f USING (workload_id, bucket, environment)
WHERE (c.requests, c.served, c.failed, c.blocked) IS DISTINCT FROM (f.requests, f.served, f.failed, f.blocked)
"""
ACCOUNT = "from fallbacks import tally; a = tally.account(); print(f'lost {a.lost}, stored {a.stored}')"
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


@dataclass
class Held:
    """What the database holds."""

    events: dict[Key, str] = field(default_factory=dict)
    nameless: Counter[str] = field(default_factory=Counter)
    nameless_totals: Counter[str] = field(default_factory=Counter)
    counts: dict[CountKey, int] = field(default_factory=dict)
    # Origin, bytes and error.
    aside: list[tuple[str, bytes, str]] = field(default_factory=list)


def drained(cluster: Cluster, findings: Findings) -> float:
    """Wait until nothing is left in any stream; return how many seconds that took."""
    began, left = time.monotonic(), -1
    while left and time.monotonic() - began < DRAINED_WITHIN:
        try:
            with cluster.redis("redis-stream") as client:
                left = sum(client.xlen(name) for name in client.scan_iter(_type="stream"))
        except redis.RedisError:
            left = -1
        time.sleep(0.1)
    if left:
        findings.add("undrained", f"{left} entries, or Redis is not there", abs(left))
    return time.monotonic() - began


def check(cluster: Cluster, ledger: Ledger, poisoned: dict[bytes, bool], findings: Findings) -> Held:
    """Compute every invariant, and note in the findings what does not hold."""
    with cluster.database() as connection:
        held = read(connection)
        check_events(ledger, held, findings)
        check_counts(ledger, held, findings)
        check_poison(held, poisoned, findings)
        check_totals(connection, held, findings)
        check_sums(connection, findings)
        check_deadlocks(connection, cluster, findings)
    check_rollups(cluster, findings)
    check_tally(cluster, held, findings)
    check_logs(cluster, findings)
    return held


def read(connection: psycopg.Connection) -> Held:
    held = Held()
    with connection.transaction(), connection.cursor(name="events") as rows:
        rows.itersize = 20_000
        for slug, occurred_us, event_id, outcome, reason in rows.execute(EVENTS):
            if reason.startswith("nameless "):
                held.nameless[reason] += 1
                held.nameless_totals[slug] += 1
            else:
                held.events[Key(slug, occurred_us, event_id)] = outcome
    for slug, count_id, requests in connection.execute(COUNTS):
        held.counts[CountKey(slug, count_id)] = requests
    for origin, body, error in connection.execute("SELECT origin, body, error FROM kept_aside"):
        held.aside.append((origin, bytes(body), error))
    return held


def check_events(ledger: Ledger, held: Held, findings: Findings) -> None:
    """Acknowledged ⊆ stored ∪ kept aside; stored ⊆ sent; each once, as it was sent."""
    for key in ledger.acknowledged - held.events.keys():
        aside = any(key.id.encode() in body for _, body, _ in held.aside)
        findings.add("aside" if aside else "lost", str(key))
    times = Counter((key.workload, key.id) for key in held.events)
    for (workload, event_id), count in times.items():
        if count > 1:
            findings.add("twice", f"{event_id} of {workload}: {count} times", count - 1)
    for key, outcome in held.events.items():
        if key not in ledger.sent:
            findings.add("stranger", str(key))
        elif ledger.sent[key] != outcome:
            findings.add("altered", f"{key}: sent {ledger.sent[key]}, stored {outcome}")
    for reason, acknowledged in ledger.nameless.items():
        if acknowledged and not held.nameless[reason]:
            findings.add("lost", reason)
        if held.nameless[reason] > 1:
            findings.add("twice", f"{reason}: {held.nameless[reason]} times", held.nameless[reason] - 1)
    for reason in held.nameless.keys() - ledger.nameless.keys():
        findings.add("stranger", reason)


def check_counts(ledger: Ledger, held: Held, findings: Findings) -> None:
    """The same of counts of traffic."""
    for key in ledger.counts_acknowledged - held.counts.keys():
        findings.add("lost", f"traffic {key}")
    for key, requests in held.counts.items():
        if key not in ledger.counted:
            findings.add("stranger", f"traffic {key}")
        elif ledger.counted[key] != requests:
            findings.add("altered", f"traffic {key}: sent {ledger.counted[key]}, stored {requests}")


def check_poison(held: Held, poisoned: dict[bytes, bool], findings: Findings) -> None:
    """Each poison kept aside once, with an error; nothing else kept aside."""
    unexplained = dict.fromkeys(held.aside)
    for mark, surely in poisoned.items():
        kept = [row for row in held.aside if mark in row[1] or mark in row[0].encode()]
        for row in kept:
            unexplained.pop(row, None)
        if len(kept) != 1 and (surely or kept):
            findings.add("poison", f"{mark.decode()}: kept aside {len(kept)} times")
        elif kept and not kept[0][2]:
            findings.add("poison", f"{mark.decode()}: kept aside without its error")
    for origin, body, error in unexplained:
        findings.add("aside", f"{origin}: {error[:200]}: {body[:200]!r}")


def check_totals(connection: psycopg.Connection, held: Held, findings: Findings) -> None:
    """The day rollups of each workload add up to what was sent to it and is stored."""
    true: dict[str, Counter[str]] = {}
    for key, outcome in held.events.items():
        true.setdefault(key.workload, Counter())[outcome] += 1
    for slug, count in held.nameless_totals.items():
        true.setdefault(slug, Counter())["failed"] += count
    for count_key, requests in held.counts.items():
        true.setdefault(count_key.workload, Counter())["requests"] += requests
    rolled = {slug: tuple(rest) for slug, *rest in connection.execute(TOTALS)}
    for slug in true.keys() | rolled.keys():
        counts = true.get(slug, Counter())
        expected = tuple(counts[name] for name in ("served", "failed", "blocked", "requests"))
        if rolled.get(slug, (0, 0, 0, 0)) != expected:
            findings.add("totals", f"{slug}: rollups say {rolled.get(slug)}, rows {expected}")


def check_sums(connection: psycopg.Connection, findings: Findings) -> None:
    for step, coarse, fine in (("hour", "rollup_hour", "rollup_minute"), ("day", "rollup_day", "rollup_hour")):
        found = connection.execute(SUMS.format(step=step, coarse=coarse, fine=fine).encode()).fetchone()
        if found and found[0]:
            findings.add("sums", f"{found[0]} cells of {coarse}", found[0])


def check_deadlocks(connection: psycopg.Connection, cluster: Cluster, findings: Findings) -> None:
    """By its statistics and, since a crash empties those, by its log."""
    found = connection.execute(DEADLOCKS).fetchone()
    logged = cluster.log("postgres").read_text(errors="replace").count("ERROR:  deadlock detected")
    if count := max(logged, int(found[0]) if found else 0):
        findings.add("deadlocks", "see postgres.log", count)


def check_rollups(cluster: Cluster, findings: Findings) -> None:
    """Every cell of every rollup is what the product's own recount of the rows says."""
    said = cluster.manage("check_rollups", check=False)
    if "equals its rows" not in said:
        count = re.search(r"(\d+) cells differ", said)
        findings.add("rollups", said.splitlines()[0] if said else "check_rollups failed", int(count[1]) if count else 1)


def check_tally(cluster: Cluster, held: Held, findings: Findings) -> None:
    """The product's own account closes, and names as many rows as there are."""
    if importlib.util.find_spec("fallbacks.tally") is None:
        findings.left_out("the tally: the product keeps none")
        return
    said = cluster.manage("shell", "-v0", "-c", ACCOUNT, check=False)
    found = re.search(r"lost (-?\d+), stored (\d+)", said)
    if found is None:
        findings.add("tally", f"the tally cannot be read: {said[-300:]}")
        return
    lost, stored = int(found[1]), int(found[2])
    rows = len(held.events) + sum(held.nameless.values()) + len(held.counts)
    if lost:
        findings.add("tally", f"the tally says that {lost} events are lost", abs(lost))
    if stored != rows:
        findings.add("tally", f"the tally says {stored} were stored, and there are {rows} rows", abs(stored - rows))


def check_logs(cluster: Cluster, findings: Findings) -> None:
    """A task that raises what nobody foresaw does so at every turn, and its shard stands still for good."""
    for name in cluster.members:
        if not cluster.log(name).exists():
            continue
        for line in cluster.log(name).read_text(errors="replace").splitlines():
            raised = re.search(r"raised unexpected: (\w+)", line)
            if (raised and raised[1] not in AWAY) or "Internal Server Error" in line:
                findings.add("raised", f"{name}: {line[raised.start() if raised else 0 :][:300]}")
