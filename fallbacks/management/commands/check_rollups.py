"""`manage.py check_rollups [--repair]`: prove that the rollups hold what the rows say."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from fallbacks import recounting

MOST_SHOWN = 20


class Command(BaseCommand):
    """Recounts every rollup from the rows. Exits with 1 where a cell differs and was not repaired."""

    help = "Recount every rollup from the rows and say which cells differ. Safe while events come in."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--repair", action="store_true", help="make the differing cells equal to the rows")

    def handle(self, *args: Any, **options: Any) -> None:
        found = recounting.compare(repair=options["repair"])
        for difference in found[:MOST_SHOWN]:
            self.stdout.write(
                f"{difference.table} {difference.bucket:%Y-%m-%d %H:%M} UTC {difference.workload} {difference.where}:"
                f" held {self.words(difference.held)}, rows say {self.words(difference.true)}"
            )
        if len(found) > MOST_SHOWN:
            self.stdout.write(f"... and {len(found) - MOST_SHOWN} more")
        if not found:
            self.stdout.write("Every cell of the minute, hour and day rollups equals its rows.")
        elif options["repair"]:
            self.stdout.write(f"Repaired {len(found)} cells.")
        else:
            raise CommandError(f"{len(found)} cells differ from the rows: run it again with --repair.")

    @staticmethod
    def words(counts: recounting.Held) -> str:
        return ", ".join(f"{name} {count or 0}" for name, count in counts.items())
