"""What processes cost: processor time and memory of whole trees, from the system's own accounts."""

import contextlib
from collections.abc import Iterable

import psutil


def tree(pid: int) -> list[psutil.Process]:
    """Return a process and everything below it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    return []


def seconds(pids: Iterable[int]) -> float:
    """Return the processor seconds that the trees of `pids` have used, of children that have ended included."""
    used = 0.0
    for process in (each for pid in pids for each in tree(pid)):
        with contextlib.suppress(psutil.Error):
            times = process.cpu_times()
            used += times.user + times.system + times.children_user + times.children_system
    return used


def largest_mb(pid: int) -> float:
    """Return the memory of the largest process of a tree, in MB: what it shares counts in part (PSS)."""
    sizes = [0.0]
    for process in tree(pid):
        with contextlib.suppress(psutil.Error):
            found = process.memory_full_info()
            sizes.append(getattr(found, "pss", found.rss) / 1e6)
    return max(sizes)
