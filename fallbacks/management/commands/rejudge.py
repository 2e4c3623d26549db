"""`manage.py rejudge --workload W --from T [--to T]`: judge events again, after a policy that was mistaken or late."""

from argparse import ArgumentParser, ArgumentTypeError
from collections import Counter
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from fallbacks import rejudging
from fallbacks.models import Workload


def moment(text: str) -> datetime:
    """Read a time with its offset."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise ArgumentTypeError("write a time with its offset, such as 2026-11-17T14:00:00Z")
    return found


class Command(BaseCommand):
    """Judges a workload's events again. What each was judged to be before is kept beside it."""

    help = "Judge a workload's events again, each by the policy version that was in force when it occurred."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--workload", required=True)
        parser.add_argument("--from", required=True, type=moment, dest="start", metavar="TIME")
        parser.add_argument("--to", type=moment, dest="end", metavar="TIME", help="default: now")

    def handle(self, *args: Any, **options: Any) -> None:
        workload, start, end = options["workload"], options["start"], options["end"] or timezone.now()
        if end <= start:
            raise CommandError("--to must be later than --from.")
        try:
            done = rejudging.rejudge(workload, start, end)
        except Workload.DoesNotExist as error:
            raise CommandError(f"There is no workload {workload}.") from error
        self.stdout.write(f"Judged {done.seen:,} events of {workload} again: {done.changed:,} verdicts changed.")
        for words, rules in (("Broken now", done.broken_now), ("No longer broken", done.broken_no_more)):
            if rules:
                self.stdout.write(f"{words}: {self.listed(rules)}.")

    @staticmethod
    def listed(rules: Counter[str]) -> str:
        return ", ".join(f"{rule} {number:,}" for rule, number in rules.most_common())
