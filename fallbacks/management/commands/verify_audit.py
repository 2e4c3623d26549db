"""`manage.py verify_audit`: read the audit log from its first entry on, and prove that nobody has changed it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from fallbacks import audit

MOST_NAMED = 5


class Command(BaseCommand):
    """Ends with 0 where the log is sound, with 1, naming the first entry that is not, where it is not, and with 2 where
    it holds entries that nobody on this machine wrote."""

    help = "Prove that the audit log is as it was written: each entry, their order, and its end."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--others-write",
            action="store_true",
            help="other machines write to this log too: entries that this one did not write are told, and no error",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found, kept = audit.check(), audit.read_head()
        except (OSError, ValueError) as error:
            raise CommandError(f"The head of the log cannot be read: {error}") from error
        if found.wrong:
            raise CommandError(f"The audit log is not sound: {found.wrong}. {found.sound:,} entries before are.")
        if found.elsewhere and not options["others_write"]:
            raise CommandError(
                f"The audit log hangs together, but {unknown(found)}. Look at them: whoever may write to the database"
                " can put an entry at the end. If other machines write to this log, say --others-write.",
                returncode=2,
            )
        many = "1 entry" if found.sound == 1 else f"{found.sound:,} entries"
        self.stdout.write(f"{many}, all sound; {beside(found, kept)}. The newest has the hash {found.head.hash}.")


def beside(found: audit.Checked, kept: audit.Head | None) -> str:
    """Say what the file beside the database tells of the end of the log."""
    if kept is None:
        return f"there is no {audit.head_file()}, so nobody can tell whether its end was cut off, or put there"
    if found.elsewhere:
        return unknown(found)
    return f"its end agrees with {audit.head_file()}"


def unknown(found: audit.Checked) -> str:
    """Name the entries that the file knows nothing of."""
    spans = [f"{first}" if first == last else f"{first} to {last}" for first, last in found.elsewhere]
    more = len(spans) - MOST_NAMED
    named = ", ".join([*spans[:MOST_NAMED], *([f"and {more:,} more times"] if more > 0 else [])])
    count = sum(last - first + 1 for first, last in found.elsewhere)
    many = "1 entry was" if count == 1 else f"{count:,} entries were"
    return f"{many} not written here, as far as {audit.head_file()} knows: {named}"
