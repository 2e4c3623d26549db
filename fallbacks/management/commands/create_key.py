"""`manage.py create_key NAME --scope S ...`: print a new API key, alone on stdout."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from fallbacks import keys


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
        parser.add_argument("--expires", type=float, metavar="DAYS", help="days until it expires; absent: never")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["expires"] is not None and options["expires"] <= 0:
            raise CommandError("--expires takes a number of days above 0.")
        text = keys.make(
            options["name"],
            options["scope"],
            workloads=options["workload"],
            environments=options["environment"],
            expires_days=options["expires"],
        )
        self.stdout.write(text)
