"""The Chromium that the tests drive: found on the machine, else installed from the system's packages."""

from __future__ import annotations

import os
import shutil
import subprocess

from fallbacks.local.problem import Problem

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
HOW = "install Chromium (Debian: apt-get install chromium), or name the program by FALLBACKS_CHROMIUM"


def find() -> str | None:
    """Return the path of a Chromium: the one that FALLBACKS_CHROMIUM names, else one on the PATH."""
    named = os.environ.get("FALLBACKS_CHROMIUM")
    if named:
        return shutil.which(named)
    return next((path for path in map(shutil.which, NAMES) if path), None)


def install() -> None:
    """See that there is a Chromium; root may install the system's package."""
    named = os.environ.get("FALLBACKS_CHROMIUM")
    if find():
        return
    if named:
        raise Problem(f"FALLBACKS_CHROMIUM names {named}, which is no program: correct or unset it.")
    if os.getuid() != 0 or not shutil.which("apt-get"):
        raise Problem(f"The browser's tests need a Chromium, and none is on the PATH: {HOW}.")
    print("Installing Chromium from the system's packages (some minutes) ...", flush=True)
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    said = ""
    for command in (["apt-get", "-qq", "update"], ["apt-get", "-qq", "install", "-y", "chromium"]):
        done = subprocess.run(command, env=quiet, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        said += done.stderr
    if not find():
        print("\n".join(said.strip().splitlines()[-15:]))
        raise Problem(f"The system's package chromium could not be installed (see above): {HOW}.")
