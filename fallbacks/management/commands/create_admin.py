"""`manage.py create_admin NAME`: the first admin of a server, who invites the others."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from fallbacks import members
from fallbacks.not_now import NotNow


class Command(BaseCommand):
    """Makes an admin with a random password, which is printed alone on stdout, this once.

    Where an admin can sign in, people come by invitation, which names who invited them: a script that runs at each
    start must not make more. `--another` is for a server whose admins are all locked out.
    """

    help = "Make the first admin, and print a random password, alone on stdout. It is shown this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the name to sign in with")
        parser.add_argument("--another", action="store_true", help="also where there is an admin, who is locked out")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            password = members.make(options["name"], ["admin"], only_first=not options["another"])
        except NotNow as refused:
            more = ""
            if refused.code == "has_admin":
                more = " Ask them for an invitation. Where nobody gets in any more, run this again with --another."
            raise CommandError(f"{refused}{more}") from refused
        self.stdout.write(password)
