"""`manage.py verify_audit`: read the audit log from its first entry on, and prove that nobody has changed it."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from fallbacks import audit


class Command(BaseCommand):
    """Ends with 0 where the log is sound, else with 1, naming the first entry that is not."""

    help = "Prove that the audit log is as it was written: each entry, their order, and its end."

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            found, kept = audit.check(), audit.read_head()
        except (OSError, ValueError) as error:
            raise CommandError(f"The head of the log cannot be read: {error}") from error
        if found.wrong:
            raise CommandError(f"The audit log is not sound: {found.wrong}. {found.sound:,} entries before are.")
        many = "1 entry" if found.sound == 1 else f"{found.sound:,} entries"
        self.stdout.write(f"{many}, all sound; {beside(found.head, kept)}. The newest has the hash {found.head.hash}.")


def beside(head: audit.Head, kept: audit.Head | None) -> str:
    """Say what the file beside the database tells of the end of the log."""
    if kept is None:
        return f"there is no {audit.head_file()}, so nobody can tell whether its end was cut off"
    if kept.number < head.number:
        return f"{audit.head_file()} agrees up to entry {kept.number:,}: the later ones were written elsewhere"
    return f"its end agrees with {audit.head_file()}"
