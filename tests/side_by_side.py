"""Work that is done at the same time, each on a connection of its own."""

import threading
from collections.abc import Callable

from django.db import connection


def at_once(*work: Callable[[], object]) -> list[Exception]:
    """Begin all of these together, wait for them, and return what they raised."""
    errors: list[Exception] = []
    start = threading.Barrier(len(work))

    def run(each: Callable[[], object]) -> None:
        start.wait()
        try:
            each()
        except Exception as error:
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(each,)) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors
