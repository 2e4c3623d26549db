"""`make chaos`: run the product under load and faults, and prove that nothing was lost or counted twice.

Exit code 0: every column is zero. 1: something was found. 2: the run could not be made, or proves nothing.
"""

import argparse
import contextlib
import random
import secrets
import shutil
import signal
import sys
import time
from datetime import UTC, datetime
from types import FrameType

import psycopg

from chaos import cluster, faults, invariants, mutants, parcels, poison, report
from chaos.cluster import Cluster
from chaos.ledger import Ledger
from chaos.producers import Producers, Sender
from chaos.report import Findings
from chaos.scene import Scene
from fallbacks.local import environment
from fallbacks.local.problem import Problem

DEFAULT_SECONDS, QUICK_SECONDS, MUTANT_SECONDS, QUICK_MUTANT_SECONDS = 300.0, 120.0, 45.0, 25.0
# From here on each lasting fault is held until /readyz has shown it; from the next, beat stands still for 10 minutes.
THOROUGH_FROM, SOAK_FROM = 300.0, 1_800.0
BETWEEN = (0.1, 1.0)
FINISH_WITHIN = 30.0


def main() -> int:
    wanted = arguments()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    findings = Findings()
    mix = mutants.MIXES.get(wanted.mutant or wanted.like, ())
    say(f"Seed {wanted.seed}, {wanted.seconds:.0f} s of faults{f', mutant {wanted.mutant}' if wanted.mutant else ''}.")
    try:
        with cluster.running(wanted.mutant) as product:
            try:
                run(product, wanted, mix, findings)
                proves = wanted.mutant is None or has_bitten(product, wanted.mutant)
            finally:
                if not findings.are_clean() or wanted.keep:
                    keep(product)
    except KeyboardInterrupt:
        say("Stopped: nothing is left running, and nothing is proved.")
        return 2
    except (RuntimeError, Problem) as error:
        say(f"The run could not be made: {error}")
        return 2
    if not proves:
        say(f"The mutant {wanted.mutant} never did what it does: the product has changed, and the run proves nothing.")
        return 2
    return 0 if findings.are_clean() else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, help="for how long faults are made")
    parser.add_argument(
        "--seed", type=int, default=secrets.randbelow(10**6), help="what the run is made by chance from"
    )
    parser.add_argument("--mutant", choices=sorted(mutants.MUTANTS), help="plant this bug: the run must go red")
    parser.add_argument("--like", choices=sorted(mutants.MUTANTS), help="the same faults as for this bug, without it")
    parser.add_argument("--quick", action="store_true", help="as short as tells something")
    parser.add_argument("--keep", action="store_true", help="keep the logs of a run that found nothing, too")
    wanted = parser.parse_args()
    if wanted.seconds is None:
        short = wanted.mutant or wanted.like
        if short:
            wanted.seconds = QUICK_MUTANT_SECONDS if wanted.quick else MUTANT_SECONDS
        else:
            wanted.seconds = QUICK_SECONDS if wanted.quick else DEFAULT_SECONDS
    return wanted


def run(product: Cluster, wanted: argparse.Namespace, mix: tuple[str, ...], findings: Findings) -> None:
    """Start, load, disturb, calm down, and look. Prints what was found."""
    key = product.start()
    ledger = Ledger.open(product.where.var)
    sender = Sender(product.port, key, ledger, product.outages, findings)
    maker = parcels.Maker("f", random.Random(f"{wanted.seed}/faults' events"))
    scene = Scene(product, sender, findings, random.Random(wanted.seed), maker, wanted.seconds >= THOROUGH_FROM)
    scene.soak = wanted.seconds >= SOAK_FROM
    # Before anybody drains: real entries, to make poison of.
    items = [maker.event(datetime.now(UTC), workload, "blocked") for workload in parcels.WORKLOADS]
    for item in items:
        item.json["reason"] = "a template"
        sender.send(parcels.batch([item], scene.chance))
    with product.redis("redis-stream") as client:
        scene.templates = poison.templates(client, items)
    if not scene.templates:
        findings.left_out("poison made of real entries: none was found in the streams")
    product.start_workers()
    producers = Producers(sender, wanted.seed)
    scene.recover("no fault", limit=60.0, every=True)
    producers.start()
    began = time.monotonic()
    disturb(scene, began + wanted.seconds, mix)
    scene.calm()
    sender.fault = "afterwards"
    waiting = producers.end(FINISH_WITHIN)
    if waiting:
        findings.add("recovery", f"{waiting} bodies were not taken within {FINISH_WITHIN:.0f} s after the last fault")
    took = invariants.drained(product, findings)
    say(f"Faults for {time.monotonic() - began:.0f} s; drained {took:.1f} s after the last. Counting ...")
    held = invariants.check(product, ledger, scene.poisoned, findings)
    ledger.close()
    tell(wanted, mix, findings, ledger, held)


def disturb(scene: Scene, until: float, mix: tuple[str, ...]) -> None:
    """Make fault after fault until the time has come; in rounds, so that none is left to chance."""
    cards: list[str] = []
    while time.monotonic() < until:
        cards = cards or faults.deck(scene.chance, mix)
        faults.make(scene, cards.pop())
        time.sleep(scene.chance.uniform(*BETWEEN))


def tell(
    wanted: argparse.Namespace, mix: tuple[str, ...], findings: Findings, ledger: Ledger, held: invariants.Held
) -> None:
    for name in mix or faults.FAULTS:
        findings.row(name)
        if not findings.rows[name].made and not any(text.startswith(name) for text in findings.not_run):
            findings.left_out(f"{name}: its turn did not come; let it run longer")
    say("", report.faults_table(findings), "", report.columns_table(findings), "")
    made = sum(row.made for row in findings.rows.values())
    say(
        f"{made:,} faults; {ledger.sends:,} events and counts sent, {len(ledger.acknowledged):,} events acknowledged, "
        f"{len(held.events) + sum(held.nameless.values()):,} stored, {len(held.aside):,} kept aside; "
        f"{len(ledger.counts_acknowledged):,} counts of traffic acknowledged."
    )
    if mix:
        findings.left_out(f"all faults but those that bring {wanted.mutant or wanted.like} to light")
    for text in findings.not_run:
        say(f"Not run: {text}.")
    say(f"Seed {wanted.seed}: {'every column is zero.' if findings.are_clean() else 'RED.'}")


def has_bitten(product: Cluster, mutant: str) -> bool:
    return any(f"mutant {mutant} bit" in log.read_text(errors="replace") for log in product.where.log.glob("*.log"))


def keep(product: Cluster) -> None:
    """Keep the logs and what producers wrote down, for who looks for the reason."""
    target = environment.home() / "var" / "chaos"
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(product.where.log, target)
    with contextlib.suppress(psycopg.Error), product.database() as connection:
        rows = connection.execute("SELECT origin, error, encode(body, 'escape') FROM kept_aside").fetchall()
        (target / "kept_aside.txt").write_text("".join(f"{origin}\t{error}\t{body}\n" for origin, error, body in rows))
    if (product.where.var / "ledger.tsv").exists():
        shutil.copy(product.where.var / "ledger.tsv", target)
    say(f"Logs are kept in {target}.")


def interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
