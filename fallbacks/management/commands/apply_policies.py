"""`manage.py apply_policies FILE [--check]`: put the models and policies of a file in force, all of them or none."""

import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from fallbacks import applying, policyfiles

BY = "manage.py"


class Command(BaseCommand):
    """Says line by line what it changes. Exits with 1 where something is refused, or with --check would change."""

    help = "Put the models and policies of a YAML file in force, as export_policies writes it: all of them or none."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="the file; - is standard input")
        parser.add_argument(
            "--check", action="store_true", help="only say what would change, and exit with 1 if anything would"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name, check = options["file"], options["check"]
        try:
            applied = applying.apply(policyfiles.read(self.text(name)), BY, check=check)
        except policyfiles.BadFile as bad:
            where = f"{name}:{bad.line}" if bad.line else name
            raise CommandError(f"{where}: {bad}\nNothing was changed.") from bad
        except applying.Unfit as unfit:
            lines = "\n".join(f"{name}:{line}: {text}" for line, text in sorted(unfit.lines))
            raise CommandError(f"{lines}\nNothing was changed.") from unfit
        for line in applied.lines:
            self.stdout.write(line)
        every = applied.changed + applied.same
        if not applied.changed:
            self.stdout.write(f"Nothing changes: all {every} entries are so already.")
        elif check:
            raise CommandError(f"{applied.changed} of {every} entries would change; nothing was changed.")
        else:
            self.stdout.write(f"{applied.changed} of {every} entries changed.")

    def text(self, name: str) -> str:
        try:
            return sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{name} cannot be read: {error.strerror}.") from error
        except UnicodeDecodeError as error:
            raise CommandError(f"{name} is not UTF-8 (byte {error.start}).") from error
