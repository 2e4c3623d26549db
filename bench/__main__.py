"""`python -m bench [--quick] [--only NAME ...] [--events N]`: measure, print the table, write bench/latest.json."""

import argparse
import dataclasses
import os
import sys
import time
from pathlib import Path

import django

from bench import figures, rig
from bench.sizes import QUICK, Sizes

LATEST = Path(__file__).parent / "latest.json"
NAMES = ("single", "batches", "drains", "judging", "usual", "reading", "decisions", "restart")


def main() -> int:
    """Return the exit code: 1 where a figure that was run misses what it must be."""
    asked = arguments()
    sizes = QUICK if asked.quick else Sizes()
    if asked.events:
        sizes = dataclasses.replace(sizes, events=max(asked.events, sizes.few_events))
    started, load = time.monotonic(), os.getloadavg()[0]
    with rig.start() as running:
        found = measure(running, sizes, asked.only or NAMES)
    about = {
        "quick": asked.quick,
        "only": asked.only,
        "processors": os.cpu_count(),
        "load before": round(load, 2),
        "seconds": round(time.monotonic() - started),
        "sizes": dataclasses.asdict(sizes),
    }
    figures.save(asked.out, found, about)
    print(f"\n{figures.table(found)}\n\n{figures.remarks(found)}\n")
    print(f"{os.cpu_count()} processors, load before {load:.2f}, {about['seconds']} s. Written to {asked.out}.")
    if load > 0.5:
        print("Others were at work on this machine: believe ratios and processor time, not seconds.")
    return int(any(figure.verdict == "missed" for figure in found))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small: some minutes, for a look rather than a figure")
    parser.add_argument("--only", nargs="+", choices=NAMES, help="measure these alone")
    parser.add_argument("--events", type=int, help="how many events the pages are read with (20000000 takes long)")
    parser.add_argument("--out", type=Path, default=LATEST, help="where the figures are written as JSON")
    return parser.parse_args()


def measure(running: rig.Rig, sizes: Sizes, names: list[str] | tuple[str, ...]) -> list[figures.Figure]:
    """Migrate the empty database and measure what is asked for, in the order of the table."""
    django.setup()
    # Needs Django, which needs the servers.
    from django.core.management import call_command

    from bench import rows

    call_command("migrate", verbosity=0)
    found: list[figures.Figure] = []
    for name in names:
        print(f"{name} ...", file=sys.stderr, flush=True)
        found += rows.MEASURES[name](running, sizes)
    return sorted(found, key=lambda figure: (int(figure.row.rstrip("abc")), figure.row))


if __name__ == "__main__":
    sys.exit(main())
