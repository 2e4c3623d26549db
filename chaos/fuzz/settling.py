"""After the drain: what the database holds, beside what was acknowledged."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg

from chaos.cluster import Cluster
from chaos.fuzz import storing
from chaos.fuzz.book import Book
from chaos.fuzz.judging import Judge
from chaos.fuzz.storing import Content
from chaos.ledger import CountKey, Key, microseconds
from chaos.report import Findings

Row = tuple[Key | CountKey, Content]
EVENTS = f"""
SELECT w.slug, occurred_at, e.id, {", ".join(f'e."{name}"' for name in storing.EVENT)}
FROM event e JOIN workload w ON w.id = e.workload_id
"""
COUNTS = f"""
SELECT w.slug, t.id, {", ".join(f't."{name}"' for name in storing.COUNT)}
FROM traffic t JOIN workload w ON w.id = t.workload_id
"""
ASIDE = "SELECT origin, error, encode(body, 'base64') FROM kept_aside"
ACCOUNT = """
from fallbacks import tally
a = tally.account()
print('account', a.lost, a.accepted, a.stored, a.duplicate, a.kept_aside, a.discarded, a.uncounted, a.in_flight)
"""
NAMES = ("lost", "accepted", "stored", "duplicate", "kept aside", "discarded", "uncounted", "in flight")
Account = dict[str, int]


def rows(connection: psycopg.Connection) -> Iterator[Row]:
    """Return every row, as it must have been sent."""
    with connection.transaction(), connection.cursor(name="events") as cursor:
        cursor.itersize = 5_000
        for slug, occurred_at, row_id, *content in cursor.execute(EVENTS.encode()):
            yield Key(slug, microseconds(occurred_at), row_id), tuple(map(storing.frozen, content))
    with connection.transaction(), connection.cursor(name="counts") as cursor:
        for slug, row_id, *content in cursor.execute(COUNTS.encode()):
            yield CountKey(slug, row_id), tuple(map(in_utc, content))


def in_utc(value: Any) -> Any:
    return value.astimezone(UTC) if isinstance(value, datetime) else value


def settle(cluster: Cluster, judge: Judge) -> Account:
    """Compare all that was acknowledged with all that is there. Returns the product's own account."""
    with cluster.database() as connection:
        stored = compare(rows(connection), judge)
        for origin, error, body in connection.execute(ASIDE):
            judge.findings.add("aside", f"{origin}: {error[:200]}: {body[:2000]}")
    account = ask(cluster)
    check_account(account, stored, judge.book, judge.findings)
    return account


def compare(held: Iterator[Row], judge: Judge) -> int:
    """Find each acknowledged item among the rows, and each row among what was sent. Returns how many rows there are."""
    book = judge.book
    missing, nameless = set(book.named), Counter(book.nameless)
    count = strangers = 0
    for key, content in held:
        count += 1
        slug_content = (key.workload, hash(content))
        if key in book.named:
            missing.discard(key)
            if hash(content) not in book.named[key].contents:
                request = book.request(book.named[key].request)
                judge.offend("altered", f"{key}: stored as {content}"[:600], request)
        elif nameless[slug_content]:
            nameless[slug_content] -= 1
        else:
            strangers += 1
            if strangers > book.counted_only:
                judge.findings.add("stranger", f"{key}: {content}"[:600])
    for key in missing:
        judge.offend("lost", str(key), book.request(book.named[key].request))
    for slug_content, left in (+nameless).items():
        words = f"{left} of {slug_content[0]} without an id"
        judge.offend("lost", words, book.request(book.came_in[slug_content]))
    return count


def ask(cluster: Cluster) -> Account:
    """Return what the product's own tally says."""
    said = cluster.manage("shell", "-v0", "-c", ACCOUNT, check=False)
    found = re.search(r"account (.+)", said)
    if found is None:
        raise RuntimeError(f"the tally cannot be read: {said[-500:]}")
    return dict(zip(NAMES, map(int, found[1].split()), strict=True))


def check_account(account: Account, rows: int, book: Book, findings: Findings) -> None:
    """The tally closes, and says of each item that got a `202` that it is stored or a duplicate."""
    for left, right, words in (
        (account["lost"], 0, "items are lost"),
        (account["accepted"], book.accepted, "items were accepted, and the answers say {right}"),
        (account["stored"], rows, "items are stored, and there are {right} rows"),
        (account["stored"] + account["duplicate"], book.accepted, "are stored or duplicates, of {right} accepted"),
    ):
        if left != right:
            findings.add("tally", f"{left} {words.format(right=right)}", abs(left - right))
