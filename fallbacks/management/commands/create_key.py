"""`manage.py create_key NAME --scope S ...`: print a new API key, alone on stdout."""

import re
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from fallbacks import keys

MOST_DAYS = 36_500
MOST_NAME = 100
SLUG = re.compile(r"[a-z0-9._-]{1,64}")


class Command(BaseCommand):
    """Makes an API key. It is shown this once: only its hash is stored."""

    help = "Make an API key and print it, alone on stdout. It is shown this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="what the key is for, such as the service that holds it")
        parser.add_argument(
            "--scope", action="append", required=True, choices=keys.SCOPES, help="what it may do; repeatable"
        )
        parser.add_argument("--workload", action="append", default=[], help="only for this workload; repeatable")
        parser.add_argument("--environment", action="append", default=[], help="only for this one; repeatable")
        parser.add_argument("--rate", type=int, metavar="N", help="events and counts a second; absent: KEY_RATE")
        parser.add_argument("--expires", type=float, metavar="DAYS", help="days until it expires; absent: never")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["expires"] is not None and not 0 < options["expires"] <= MOST_DAYS:
            raise CommandError(f"--expires takes a number of days above 0 and up to {MOST_DAYS:,}.")
        if not 1 <= len(options["name"]) <= MOST_NAME:
            raise CommandError(f"The name takes 1 to {MOST_NAME} characters.")
        for slug in (*options["workload"], *options["environment"]):
            if not SLUG.fullmatch(slug):
                raise CommandError(f"{slug!r} is no slug: take 1 to 64 characters from a-z 0-9 - _ .")
        if options["rate"] is not None and options["rate"] < 1:
            raise CommandError("--rate takes a whole number from 1.")
        text = keys.make(
            options["name"],
            options["scope"],
            workloads=options["workload"],
            environments=options["environment"],
            expires_days=options["expires"],
            rate=options["rate"],
        )
        self.stdout.write(text)
