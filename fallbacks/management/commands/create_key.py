"""`manage.py create_key NAME --scope S ...`: print a new API key, alone on stdout."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from fallbacks import key_ring
from fallbacks.key_drafts import MOST_DAYS
from fallbacks.models import User
from fallbacks.reading import Refused
from fallbacks.scopes import SCOPES


class Command(BaseCommand):
    """Makes an API key. It is shown this once: only its hash is stored."""

    help = "Make an API key and print it, alone on stdout. It is shown this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="what the key is for, such as the service that holds it")
        parser.add_argument(
            "--scope", action="append", required=True, choices=list(SCOPES), help="what it may do; repeatable"
        )
        parser.add_argument("--workload", action="append", default=[], help="only for this workload; repeatable")
        parser.add_argument("--environment", action="append", default=[], help="only for this one; repeatable")
        parser.add_argument("--rate", type=int, metavar="N", help="events and counts a second; absent: KEY_RATE")
        parser.add_argument("--expires", type=float, metavar="DAYS", help="days until it expires; absent: never")
        parser.add_argument("--owner", metavar="USER", help="by the name to sign in with; absent: nobody's")

    def handle(self, *args: Any, **options: Any) -> None:
        days = options["expires"]
        if days is not None and not 0 < days <= MOST_DAYS:
            raise CommandError(f"--expires takes a number of days above 0 and up to {MOST_DAYS:,}.")
        owner = User.objects.filter(username=options["owner"]).first() if options["owner"] else None
        if options["owner"] and owner is None:
            raise CommandError(f"There is no user {options['owner']}.")
        try:
            text = key_ring.make(
                options["name"],
                options["scope"],
                workloads=options["workload"],
                environments=options["environment"],
                expires_at=None if days is None else timezone.now() + timedelta(days=days),
                rate=options["rate"],
                owner=owner,
            )
        except Refused as refused:
            raise CommandError(str(refused)) from None
        self.stdout.write(text)
