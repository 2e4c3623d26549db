"""`manage.py apply_retention [--check]`: remove what is older than it is to be kept."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from fallbacks import retention


class Command(BaseCommand):
    """Removes what is too old. Exits with 1 where something is in use and left for the next time."""

    help = "Remove events, counts of traffic, rollups and texts of samples that are older than they are to be kept."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", help="say what would be removed, and remove nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        now = timezone.now()
        found = retention.expired(now) if options["check"] else retention.apply(now)
        self.stdout.write(f"{'Would remove' if options['check'] else 'Removed'} {self.words(found)}.")
        if found.left:
            raise CommandError(f"Not all is removed, {found.left}: run it again, or wait, it is tried every hour.")

    @staticmethod
    def words(found: retention.Removed) -> str:
        days = f"{len(found.days):,} days of events"
        if found.days:
            days += f" ({found.days[0]} to {found.days[-1]})"
        cells = [f"{count:,} cells of the {step} rollup" for step, count in found.cells.items()]
        return ", ".join([days, f"{found.traffic:,} counts of traffic", *cells, f"texts of {found.samples:,} samples"])
