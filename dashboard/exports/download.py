"""One download: pieces of a file as the browser takes them, and how far it has come in the database beside it."""

import logging
import time
import weakref
from collections.abc import Iterable, Iterator, Sequence

from django.db import DatabaseError, OperationalError, connection

from dashboard.exports import slots
from dashboard.exports.files import File, Row
from fallbacks import logs
from fallbacks.models import Export, ExportState

log = logging.getLogger(__name__)

# Somebody who watches sees it move, and a row is written once for many thousands.
TOLD_EVERY = 1.0  # seconds
# After each piece, for the threads of this process that take events: a file is an eighth longer under way, and with two
# at once on two busy cores the median post waits 3 to 10 ms instead of 20.
GIVE_WAY = 0.002  # seconds
# Tries, of some seconds each, to say how it ended.
NOTED_AT_MOST = 3
AWAY = "the database did not answer in time. Export it again, or a shorter span."
BROKEN = "something here is broken and has been noted. Export it again, and tell an admin if that does not help."
SUPERSEDED = "the browser did not read on for too long. Export it again."


class Held:
    """The pieces of a file for which one of `slots.threads` was taken: given back at the end, however that comes.

    An iterator and no generator: one whose browser has gone before the first piece has to give it back, too.
    """

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        # Once, and even if nobody closes it.
        self._release = weakref.finalize(self, slots.threads.release)
        self._release.atexit = False

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._pieces)

    def close(self) -> None:
        """End it, complete or not: the web server closes whatever it was given."""
        self._pieces = iter(())
        self._release()


class Download(Held):
    """The pieces of an export that has its slot. The web server asks for each when it has sent the one before."""

    def __init__(self, export: Export, file: File, batches: Iterable[Sequence[Row]]) -> None:
        self.export = export
        self.written = 0
        self._ended = False
        super().__init__(self._write(file, batches))

    def _write(self, file: File, batches: Iterable[Sequence[Row]]) -> Iterator[bytes]:
        yield file.head()
        told = time.monotonic()
        try:
            for rows in batches:
                # Where a search has found nothing yet, there is nothing to send.
                if piece := file.piece(rows):
                    yield piece
                time.sleep(GIVE_WAY)
                # Only now has the server taken it.
                self.written += len(rows)
                if time.monotonic() - told > TOLD_EVERY:
                    told = time.monotonic()
                    if not slots.tell(self.export, self.written):
                        yield file.cut_off(SUPERSEDED)
                        return self._end(ExportState.BROKEN)
        except OperationalError as error:
            log.warning("an export broke off", extra={"export": str(self.export.pk), "error": logs.kind(error)})
            yield file.cut_off(AWAY)
            return self._end(ExportState.BROKEN)
        except Exception:
            # Nobody else would say so: the answer has begun.
            log.exception("an export broke off")
            yield file.cut_off(BROKEN)
            return self._end(ExportState.BROKEN)
        yield file.foot()
        return self._end(ExportState.DONE)

    def close(self) -> None:
        """End it, and note how far it came."""
        self._pieces = iter(())
        try:
            self._end(ExportState.LEFT)
        finally:
            super().close()

    def _end(self, state: ExportState) -> None:
        if self._ended:
            return
        self._ended = True
        # No filter's value: somebody may have looked for a text that a service sent.
        log.info(
            "export ended",
            extra={
                "export": str(self.export.pk),
                "who": self.export.owner.get_username(),
                "what": self.export.what,
                "from": self.export.start.isoformat(),
                "to": self.export.end.isoformat(),
                "format": self.export.format,
                "rows": self.written,
                "state": str(state),
            },
        )
        self._note(state)

    def _note(self, state: ExportState) -> None:
        for _ in range(NOTED_AT_MOST):
            try:
                slots.end(self.export, state, self.written)
            except DatabaseError:
                # A restart of PostgreSQL takes all of the pool's connections, and it finds that out one by one.
                connection.close()
            else:
                return
        # The row will be taken for dead.
        log.warning("how an export ended could not be noted", extra={"export": str(self.export.pk)})
