"""The system user that PostgreSQL runs as when the product is started by root: it refuses to run as root."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from fallbacks.local.places import user_name
from fallbacks.local.problem import Problem

NAME = "fallback-observatory"
NO_LOGIN = "/usr/sbin/nologin"


@dataclass(frozen=True)
class Account:
    """A user of the system. `other` says that it is not the one that runs this."""

    name: str
    uid: int
    gid: int
    other: bool

    def run(self, *command: str | Path, text: str = "") -> subprocess.CompletedProcess[str]:
        """Run `command` as this user, with `text` on its standard input."""
        given = {"user": self.uid, "group": self.gid, "extra_groups": []} if self.other else {}
        return subprocess.run(  # type: ignore[call-overload,no-any-return]
            [str(word) for word in command],
            input=text,
            capture_output=True,
            text=True,
            cwd="/",
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"},
            **given,
        )

    def own(self, folder: Path) -> Path:
        """Make `folder` for this user alone."""
        if not folder.exists():
            folder.mkdir(mode=0o700)
            if self.other:
                os.chown(folder, self.uid, self.gid)
        return folder


def for_postgres() -> Account:
    """Return who PostgreSQL runs as: this user, or in root's stead a system user, which is made once."""
    if os.getuid() == 0:
        entry = existing(NAME) or make()
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, other=True)
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError as error:
        raise Problem(
            f"PostgreSQL does not run as {user_name()}, which has no entry in /etc/passwd: "
            "add one, or name a server by DATABASE_URL."
        ) from error
    return Account(name, os.getuid(), os.getgid(), other=False)


def existing(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def make() -> pwd.struct_passwd:
    """Make the system user, by useradd or (BusyBox) adduser."""
    nowhere = "/nonexistent"
    ways = (
        ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", nowhere, "--shell", NO_LOGIN, NAME],
        ["adduser", "-S", "-D", "-H", "-h", nowhere, "-s", NO_LOGIN, NAME],
    )
    said = "there is no useradd"
    for way in ways:
        if program := shutil.which(way[0], path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"):
            done = subprocess.run([program, *way[1:]], capture_output=True, text=True)
            if entry := existing(NAME):
                return entry
            said = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"{way[0]} failed"
            break
    raise Problem(
        f"PostgreSQL does not run as root, and the system user {NAME} could not be made ({said}): "
        "make it, start as an ordinary user, or name a server by DATABASE_URL."
    )
