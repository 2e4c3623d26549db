"""The line over which requests are put on disk: each thread keeps a connection of its own to the stream's Redis.

It costs a third of what the client's pool does, at every request.
"""

import threading
import time
from collections.abc import Sequence
from typing import Any

import redis
from redis.commands.core import Script
from redis.exceptions import NoScriptError

from fallbacks.streams import TIMEOUT, connection

# What is done no later than this after it was asked for is answered in time. What Redis has not begun by then, because
# it stood still, must not be done at all: the asker has been told that it was not.
DONE_WITHIN = TIMEOUT * 0.75  # seconds

_of_thread = threading.local()


class Line:
    """A connection, and how far Redis's clock is ahead of ours, in milliseconds, once it is known."""

    def __init__(self) -> None:
        # Without types in redis-py.
        self.connection: Any = connection().connection_pool.get_connection()
        self.ahead: float | None = None

    def evaluate(self, script: Script, keys: Sequence[str], words: Sequence[Any]) -> Any:
        """Run a script whose last word is its deadline, in milliseconds of Redis's clock: it answers nil after that."""
        ahead = self.ready()
        deadline = int((time.time() + DONE_WITHIN) * 1000 + ahead)
        arguments = (len(keys), *keys, *words, deadline)
        try:
            answer = self.ask("EVALSHA", script.sha, *arguments)
        except NoScriptError:
            answer = self.ask("EVAL", script.script, *arguments)
        if answer is None:
            raise redis.TimeoutError("Redis came to it too late")
        return answer

    def ready(self) -> float:
        """See that the connection is open, and return how far Redis's clock is ahead."""
        if self.is_closed():
            self.forget()
        if self.ahead is None:
            before = time.time()
            seconds, microseconds = self.ask("TIME")
            self.ahead = (int(seconds) + int(microseconds) / 1e6 - (before + time.time()) / 2) * 1000
        return self.ahead

    def is_closed(self) -> bool:
        """Tell whether Redis has closed the connection: a restart of it should cost no request."""
        try:
            return bool(self.connection.can_read())
        except redis.ConnectionError:
            return True

    def ask(self, *words: Any) -> Any:
        self.connection.send_command(*words)
        return self.connection.read_response()

    def forget(self) -> None:
        """Begin anew with the next request. An answer that comes late must not be taken for another's."""
        self.connection.disconnect()
        self.ahead = None


def evaluate(script: Script, keys: Sequence[str], words: Sequence[Any]) -> Any:
    """Run a script over this thread's line, as `Line.evaluate`. Raises redis.RedisError, and tries nothing again."""
    line: Line | None = getattr(_of_thread, "line", None)
    if line is None:
        line = _of_thread.line = Line()
    try:
        return line.evaluate(script, keys, words)
    except redis.RedisError:
        line.forget()
        raise
