"""`manage.py create_user NAME --role R ...`: somebody who may sign in, with a password made at random."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from fallbacks import members
from fallbacks.not_now import NotNow
from fallbacks.permissions import ROLES


class Command(BaseCommand):
    """Makes a user. The password is printed alone on stdout, this once: only its hash is stored."""

    help = "Make a user with roles, and print a random password, alone on stdout. It is shown this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the name to sign in with")
        parser.add_argument(
            "--role", action="append", required=True, choices=ROLES, help="what they may do; repeatable"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            self.stdout.write(members.make(options["name"], options["role"]))
        except NotNow as refused:
            raise CommandError(str(refused)) from refused
