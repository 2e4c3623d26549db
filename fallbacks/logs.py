"""Logs: one line of JSON an event of importance, on stderr, from web, worker and beat alike.

Never in them: a key, a link by which somebody gets in, a sample, a reason, or anything else that a service sent. A
database error's text quotes the row that it refuses, so of such an error its kind is written and its text is not.
"""

import json
import logging
import re
import threading
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import Error, InterfaceError, OperationalError

log = logging.getLogger(__name__)

# Which process speaks: web, worker, beat, or a command of manage.py.
part = "command"

# A request shows its query, in which anything may stand.
_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "request"}
_KEY = re.compile(r"\b(fo_[0-9a-f]{8})_[A-Za-z0-9_-]+")
# Whoever has the address of an invitation joins by it, and of a reset gets in as somebody.
_LINK = re.compile(r"(/(?:invited|reset)/)[A-Za-z0-9_-]+")
_FRAMES = 12
# Codes of PostgreSQL: the connection broke; the server was stopped, starts, or ended the connection.
_GONE = ("08", "57P0")


class Lines(logging.Formatter):
    """Writes a record as a line of JSON, with what was given as `extra` beside its words."""

    def format(self, record: logging.LogRecord) -> str:
        error = record.exc_info[1] if record.exc_info else None
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "part": part,
            "logger": record.name,
            # Celery puts the error's own text into the words.
            "event": str(record.msg) if error and quotes_rows(error) else record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _USUAL}
        if error:
            line |= {"error": kind(error), "error_text": text(error), "at_lines": places(error)}
        return _LINK.sub(r"\1…", _KEY.sub(r"\1_…", json.dumps(line, default=repr, ensure_ascii=False)))


class OfRequests(logging.Filter):
    """Of what Django says of requests, lets through what is broken: refusals are counted, not written one by one."""

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, OperationalError) and is_out_of_reach(error):
            away("database", error)
            return False
        return record.levelno >= logging.ERROR and error is not None


def kind(error: BaseException) -> str:
    """Return what kind of error it is: its name, and PostgreSQL's code and constraint."""
    words = [type(error).__name__]
    words += [code] if (code := _code(error)) else []
    words += [name] if (name := getattr(getattr(_cause(error), "diag", None), "constraint_name", None)) else []
    return " ".join(words)


def is_out_of_reach(error: BaseException) -> bool:
    """Tell whether nothing was answered, or that nothing will be. Any other error is an answer: it is there."""
    code = _code(error)
    return not code or code.startswith(_GONE)


def _code(error: BaseException) -> str:
    code = getattr(_cause(error), "sqlstate", None)
    return code if isinstance(code, str) else ""


def _cause(error: BaseException) -> BaseException | None:
    """Return the error of the driver, where it is Django's."""
    return error.__cause__ if isinstance(error, Error) else error


def text(error: BaseException) -> str:
    """Return the error's text, none where it may quote what a service sent."""
    return "" if quotes_rows(error) else str(error)[:300]


def quotes_rows(error: BaseException) -> bool:
    """Tell whether the error, or one that it came from, may have values of a row in its text."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, UnicodeError) or (
            isinstance(seen, Error) and not isinstance(seen, (OperationalError, InterfaceError))
        ):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def places(error: BaseException) -> list[str]:
    """Return where the error came from, the innermost last; without the lines' text or any value."""
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


def started(name: str) -> None:
    """Say that this process, a `name`, has started."""
    global part
    part = name
    log.info("started")


# Since when, by the name and the kind of error: of what is out of reach, no kind.
_away: dict[tuple[str, str], float] = {}


def away(name: str, error: BaseException) -> None:
    """Say, once until it is back, that the `name` (database, stream, broker) cannot be used.

    Where a database can be reached and answers with an error, each kind of it is said once.
    """
    out_of_reach = is_out_of_reach(error)
    said = (name, "" if out_of_reach else kind(error))
    if said not in _away:
        _away[said] = time.monotonic()
        words = "the %s cannot be used" if out_of_reach else "the %s answers with an error"
        log.warning(words, name, extra={"error": kind(error), "error_text": text(error)})


def back(name: str) -> None:
    """Say that it can be used again, where it could not."""
    _ended([said for said in list(_away) if said[0] == name])


def connected(**_: Any) -> None:
    """Hear Django's signal that a connection is there. What the database answers by it is not known yet."""
    _ended([("database", "")])


def _ended(those: Sequence[tuple[str, str]]) -> None:
    since = [moment for said in those if (moment := _away.pop(said, None)) is not None]
    if since:
        after = round(time.monotonic() - min(since), 1)
        log.info("the %s can be used again", those[0][0], extra={"after_seconds": after})


def forget() -> None:
    """Forget what is away, as a process that has just started."""
    _away.clear()


class Summary:
    """Counts that are written together, at most once in `every` seconds: what happens often is one line."""

    def __init__(self, log: logging.Logger, event: str, every: float = 5.0) -> None:
        self.log = log
        self.event = event
        self.every = every
        self._counts: Counter[str] = Counter()
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()

    def add(self, **counts: int) -> None:
        with self._lock:
            self._counts.update(counts)
            if self._timer is None:
                self._timer = threading.Timer(self.every, self.write)
                self._timer.daemon = True
                self._timer.start()

    def write(self) -> None:
        """Write what has come together."""
        with self._lock:
            counts, self._counts = self._counts, Counter()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        if counts:
            self.log.info(self.event, extra={"counts": {name: count for name, count in counts.items() if count}})
