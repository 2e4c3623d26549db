"""`manage.py create_user NAME --role R ...`: somebody who may sign in, with a password made at random."""

import secrets
from argparse import ArgumentParser
from typing import Any

from django.contrib.auth.models import Group
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from fallbacks import audit
from fallbacks.models import ROLES, User


class Command(BaseCommand):
    """Makes a user. The password is printed alone on stdout, this once: only its hash is stored."""

    help = "Make a user with roles, and print a random password, alone on stdout. It is shown this once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the name to sign in with")
        parser.add_argument(
            "--role", action="append", required=True, choices=ROLES, help="what they may do; repeatable"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"]
        if User.objects.filter(username=name).exists():
            raise CommandError(f"There is a user {name} already: choose another name.")
        password = secrets.token_urlsafe(12)
        with transaction.atomic():
            user = User.objects.create_user(name, password=password)
            user.groups.set(Group.objects.filter(name__in=options["role"]))
            audit.append("roles changed", "manage.py", subject=name, roles=sorted(set(options["role"])))
        self.stdout.write(password)
