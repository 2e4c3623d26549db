"""A process of writers to the audit log: `python -m tests.domain.audit_writers NAME THREADS ENTRIES`."""

import sys
import threading

import django


def write(name: str, entries: int) -> None:
    """Write entries one after the other, each in a transaction of its own."""
    from django.db import connection, transaction

    from fallbacks import audit

    try:
        for number in range(entries):
            with transaction.atomic():
                audit.append("model put", name, subject=f"{name} {number}", changed=[])
    finally:
        connection.close()


def main(name: str, threads: int, entries: int) -> None:
    django.setup()
    writers = [threading.Thread(target=write, args=(f"{name}-{number}", entries)) for number in range(threads)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
