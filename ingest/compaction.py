"""Keeping the stream's log on disk short.

Redis rewrites its log when it has doubled since Redis started. One that is restarted again and again starts with a
longer one each time, until the disk is full: so the log is measured against what is really in the streams.
"""

import redis

from fallbacks.streams import connection

# A log of this size is read in a fraction of a second.
SHORT = 16 * 1024 * 1024
# What waits is in the log once, and as much again may have come and gone.
TIMES = 3


def shorten() -> bool:
    """Have the log rewritten where it is much longer than what it stands for; tell whether it is. Raises RedisError."""
    found = connection().info("everything")
    if not found.get("aof_enabled") or found.get("aof_rewrite_in_progress") or found.get("aof_rewrite_scheduled"):
        return False
    if int(found["aof_current_size"]) <= max(SHORT, TIMES * int(found["used_memory_dataset"])):
        return False
    try:
        connection().bgrewriteaof()
    except redis.ResponseError:
        # It began by itself, or whoever runs this Redis keeps it for themselves.
        return False
    return True
