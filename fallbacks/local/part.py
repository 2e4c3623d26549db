"""Starts one part of the product: `python -m fallbacks.local.part [--user U] [--at-end SIGNAL] -- COMMAND`.

Before the command takes this process over, what an earlier life of the same part left behind is
stopped (a web server killed by -9 leaves its children), and the kernel is asked to end the part when
its parent dies, however that dies. The part's name is in FALLBACKS_PART, its instance in FALLBACKS_INSTANCE.
"""

import argparse
import ctypes
import os
import pwd
import signal
import sys
from pathlib import Path

from fallbacks.local import leftovers

PR_SET_PDEATHSIG = 1


def main() -> None:
    parser = argparse.ArgumentParser(prog="fallbacks.local.part")
    parser.add_argument("--user", help="run as this user instead of root")
    parser.add_argument("--at-end", default="SIGTERM", help="the signal for when the parent dies")
    parser.add_argument("--data", type=Path, help="PostgreSQL's data folder: wait until nobody works in it")
    parser.add_argument("command", nargs="+")
    wanted = parser.parse_args()
    leftovers.stop_part(os.environ["FALLBACKS_INSTANCE"], os.environ["FALLBACKS_PART"])
    if wanted.data:
        leftovers.clear_data_folder(wanted.data)
    if wanted.user:
        become(wanted.user)
    follow_parent(signal.Signals[wanted.at_end])
    os.execvp(wanted.command[0], wanted.command)


def become(user: str) -> None:
    """Give up root for good."""
    entry = pwd.getpwnam(user)
    os.setgroups([])
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    os.environ.update(HOME=entry.pw_dir, USER=user, LOGNAME=user)
    os.chdir("/")


def follow_parent(at_end: signal.Signals) -> None:
    """Ask Linux to send `at_end` when the parent dies; set after the change of user, which clears it."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(at_end), 0, 0, 0)


if __name__ == "__main__":
    main()
