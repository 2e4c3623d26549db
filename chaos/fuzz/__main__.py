"""`make fuzz`: send requests as nobody would write them, and prove that no `202` is not stored, and no answer a 5xx.

Exit code 0: every column is zero. 1: something was found. 2: the run could not be made.
"""

import argparse
import secrets
import signal
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from chaos import cluster, invariants, report
from chaos.__main__ import interrupt, keep, say
from chaos.cluster import Cluster
from chaos.fuzz import tables
from chaos.fuzz.book import Book
from chaos.fuzz.judging import Judge
from chaos.fuzz.maker import Maker
from chaos.fuzz.requests import LONGEST_LINE, Request, from_line
from chaos.fuzz.sending import exchange
from chaos.fuzz.settling import Account, settle
from chaos.fuzz.writing import Writer
from chaos.report import Findings
from fallbacks.local import environment
from fallbacks.local.problem import Problem

DEFAULT_REQUESTS = 100_000
SENDING = ["events:write", "traffic:write"]
# Keys beside the one that may send everything: to each an answer of its own. All by one command, since each takes long.
OTHER_KEYS: dict[str, dict[str, Any]] = {
    "bound": {"scopes": SENDING, "workloads": ["fuzz-1", "fuzz-2"], "environments": ["production"]},
    "slow": {"scopes": SENDING, "rate": 1},
    "reader": {"scopes": ["rates:read"]},
}
MAKE_KEYS = f"""
from fallbacks import key_ring
for name, what in {OTHER_KEYS}.items():
    print(key_ring.make(name, **what))
"""


def main() -> int:
    wanted = arguments()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    findings = Findings()
    say(f"Seed {wanted.seed}, {wanted.requests:,} requests.")
    try:
        with cluster.running() as product:
            offending = run(product, wanted, findings)
            if not findings.are_clean():
                keep(product)
                keep_requests(offending)
    except KeyboardInterrupt:
        say("Stopped: nothing is left running, and nothing is proved.")
        return 2
    except (RuntimeError, Problem) as error:
        say(f"The run could not be made: {error}")
        return 2
    return 0 if findings.are_clean() else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make fuzz", description=__doc__)
    parser.add_argument("--requests", type=int, default=DEFAULT_REQUESTS, help="how many requests are sent")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6), help="what they are made by chance from")
    parser.add_argument("--replay", metavar="FILE", help="send the requests of a file instead, one in each line")
    return parser.parse_args()


def run(product: Cluster, wanted: argparse.Namespace, findings: Findings) -> list[str]:
    """Start, send, wait for the drain, and look. Prints what was found, and returns the requests of it."""
    keys = {"full": product.start()}
    keys |= zip(OTHER_KEYS, product.manage("shell", "-v0", "-c", MAKE_KEYS).split(), strict=True)
    product.want("worker-1", "beat")
    with (product.where.var / "requests").open("w+b") as file:
        judge = Judge(Book(file), findings, keys)
        began, sending = time.monotonic(), 0.0
        for batch in batches(wanted, keys):
            before = time.monotonic()
            for request, answer in exchange(product.port, batch):
                judge.hear(request, answer)
            sending += time.monotonic() - before
        took = time.monotonic() - began
        invariants.drained(product, findings)
        account = settle(product, judge)
        check_the_rest(product, findings)
    tell(judge, account, f"sent in {took:.0f} s, of which {sending:.0f} s went by sending", wanted.seed)
    return judge.offending


def batches(wanted: argparse.Namespace, keys: dict[str, str]) -> Iterator[list[Request]]:
    if wanted.replay:
        return iter([[from_line(line, keys) for line in Path(wanted.replay).read_text().split()]])
    return Maker(wanted.seed, keys, Writer(datetime.now(UTC))).batches(wanted.requests)


def check_the_rest(product: Cluster, findings: Findings) -> None:
    """What holds of every run: rollups are those of the rows, and nothing fell over."""
    with product.database() as connection:
        invariants.check_sums(connection, findings)
        invariants.check_deadlocks(connection, product, findings)
    invariants.check_rollups(product, findings)
    invariants.check_logs(product, findings)


def tell(judge: Judge, account: Account, pace: str, seed: int) -> None:
    say("", tables.answers_table(judge.seen), "", report.columns_table(judge.findings, tables.COLUMNS), "")
    sent = sum(counts.total() for counts in judge.seen.values())
    book = judge.book
    say(
        f"{sent:,} requests {pace}. {book.accepted:,} items got a 202: {len(book.named):,} with ids of ours, "
        f"{book.nameless.total():,} without, {book.counted_only:,} that could only be counted.",
        f"By the tally: {', '.join(f'{count:,} {name}' for name, count in account.items())}.",
    )
    for number, line in enumerate(judge.offending, 1):
        shown = line if len(line) <= LONGEST_LINE else f"{line[:100]}... ({len(line):,} characters)"
        say(f"Request {number}: {shown}")
    say(f"Seed {seed}: {'every column is zero.' if judge.findings.are_clean() else 'RED.'}")


def keep_requests(lines: list[str]) -> None:
    """Keep what was wrongly answered or is lost, to be sent again by --replay."""
    target = environment.home() / "var" / "chaos" / "requests.txt"
    target.write_text("".join(f"{line}\n" for line in lines))
    say(f'To send these requests again: make fuzz ARGS="--replay {target}"')


if __name__ == "__main__":
    sys.exit(main())
