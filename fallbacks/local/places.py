"""Where an instance keeps its things: the folders under `var/`, and a short one for its sockets."""

import getpass
import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fallbacks.local.environment import write_private
from fallbacks.local.problem import Problem

# sun_path holds 108 bytes on Linux, 104 on macOS and the BSDs, the closing zero included.
LONGEST_SOCKET = 103
# Clients differ in how they read other characters in the URL of a socket.
PLAIN = re.compile(r"[\w/.-]+", re.ASCII)


@dataclass(frozen=True)
class Places:
    """The folders of one instance, and the name that marks its processes."""

    var: Path
    instance: str

    @property
    def log(self) -> Path:
        return self.var / "log"

    @property
    def run(self) -> Path:
        return self.var / "run"

    def socket(self, name: str) -> Path:
        """Return the path of the socket `name`: below `var/run`, or below /tmp where that does not fit a URL."""
        wanted = self.run / name
        if PLAIN.fullmatch(str(wanted)) and len(os.fsencode(wanted)) <= LONGEST_SOCKET:
            return wanted
        return own_folder(self.short) / name

    @property
    def short(self) -> Path:
        """The folder of sockets whose path below `var/` does not fit."""
        return Path("/tmp") / f"fallbacks-{os.getuid()}-{self.instance}"

    @property
    def short_postgres(self) -> Path:
        """The same for PostgreSQL's user."""
        return self.short.with_name(f"{self.short.name}-pg")

    def leave(self) -> None:
        """Remove what lies outside of `var/` only while the instance runs."""
        for folder in (self.short, self.short_postgres):
            shutil.rmtree(folder, ignore_errors=True)


def prepare(home: Path, kind: str = "") -> Places:
    """Make the folders of the instance that lives in `home`; `kind` is put before a new instance's name."""
    var = home / "var"
    if odd := sorted(set(str(home)) & set("%;")):
        raise Problem(
            f"{home} has a {odd[0]} in its name, which the supervisor's configuration cannot: "
            "move it, or name another folder by FALLBACKS_HOME."
        )
    try:
        # Others may pass through, for PostgreSQL's own user, but not list it.
        var.mkdir(mode=0o711, parents=True, exist_ok=True)
        for name in ("log", "run"):
            (var / name).mkdir(mode=0o700, exist_ok=True)
        return Places(var, kept(var / "instance", lambda: kind + secrets.token_hex(4)))
    except OSError as error:
        raise Problem(
            f"{error.filename or var} cannot be used by {user_name()} ({error.strerror}): "
            f"make {var} yours, or name another folder by FALLBACKS_HOME."
        ) from error


def kept(file: Path, make: Callable[[], str]) -> str:
    """Return the text of `file`, which is made once."""
    if not file.exists():
        write_private(file, make())
    return file.read_text().strip()


def own_folder(folder: Path) -> Path:
    """Make `folder` for this user alone; where others can write, somebody else's must not be taken for ours."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise Problem(f"{folder} belongs to somebody else or is open to others: remove it, and start again.")
    return folder


def user_name() -> str:
    """Return the name of the user that runs this, or its number where it has no name."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"
