"""`manage.py revoke_key PREFIX`: revoke an API key, which holds within 5 seconds on every process."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from fallbacks import key_ring
from fallbacks.models import ApiKey


class Command(BaseCommand):
    """Revokes an API key, by the part of it that is no secret."""

    help = "Revoke an API key. It opens nothing any more within 5 seconds, on every process."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("prefix", help="how the key begins, such as fo_1a2b3c4d; the whole key is understood, too")

    def handle(self, *args: Any, **options: Any) -> None:
        # Whoever found a key somewhere has it whole.
        prefix = key_ring.prefix_of(options["prefix"])
        row = ApiKey.objects.select_related("owner").filter(prefix=prefix).first()
        if row is None:
            raise CommandError(f"No key begins with {prefix}.")
        done = key_ring.revoke(row, "manage.py")
        self.stdout.write(f"{row} is revoked." if done else f"{row} was revoked before.")
