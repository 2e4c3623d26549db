"""It runs as root, also below folders that are closed to others, and as an ordinary user."""

import os
import pwd
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fallbacks.local.postgres import SYSTEM_FOLDER
from tests.local import runs

ORDINARY = "nobody"
only_root = pytest.mark.skipif(os.getuid() != 0, reason="only root can become another user")


@only_root
def test_as_root_below_a_closed_folder(home: Path) -> None:
    closed = home / "closed with spaces"
    closed.mkdir(mode=0o700)
    with runs.running(closed) as run:
        try:
            given = run.acknowledged()
            run.stored(given)
            assert (SYSTEM_FOLDER / run.instance / "data" / "PG_VERSION").exists()
            assert closed.stat().st_mode & 0o777 == 0o700
            assert run.stop() == 0
            with runs.running(closed) as again:
                again.stored(given)
                assert again.stop() == 0
        finally:
            runs.clean(run)
            shutil.rmtree(SYSTEM_FOLDER / run.instance, ignore_errors=True)


@only_root
def test_as_an_ordinary_user(home: Path, python: tuple[str, dict[str, str]]) -> None:
    program, more = python
    os.chown(home, pwd.getpwnam(ORDINARY).pw_uid, -1)
    with runs.running(home, user=ORDINARY, python=program, **more) as run:
        assert {process.username() for process in run.processes()} == {ORDINARY}
        given = run.acknowledged()
        assert (home / "var" / "postgres" / "data" / "PG_VERSION").exists()
        assert (home / "var" / "demo.json").stat().st_mode & 0o777 == 0o600
        assert run.stop() == 0
        assert run.processes() == []
        with runs.running(home, user=ORDINARY, python=program, **more) as again:
            # Its PostgreSQL believes its own user alone: the page says what root may not ask.
            assert again.post(given) == 202
            assert again.stop() == 0


@only_root
def test_an_ordinary_user_is_told_of_a_home_that_is_roots(home: Path, python: tuple[str, dict[str, str]]) -> None:
    program, more = python
    said = runs.refusal(home, user=ORDINARY, python=program, **more)
    assert said.startswith(f"{home}/var cannot be used by {ORDINARY} (Permission denied): make {home}/var yours")


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, dict[str, str]]]:
    """A Python that an ordinary user may run, and its variables: this one, or a copy where root's home is closed."""
    packages = {"PYTHONPATH": sysconfig.get_path("purelib"), "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/tmp"}
    if imports_all(sys.executable, {}):
        yield sys.executable, {"HOME": "/tmp"}
        return
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        copy = Path(folder)
        copy.chmod(0o755)
        base, name = Path(sys.base_prefix), f"python{sys.version_info[0]}.{sys.version_info[1]}"
        unused = shutil.ignore_patterns("test", "site-packages", "__pycache__", "idlelib", "config-*", "*.a")
        shutil.copytree(base / "lib" / name, copy / "lib" / name, ignore=unused)
        for library in (base / "lib").glob("libpython*"):
            shutil.copy2(library, copy / "lib")
        (copy / "bin").mkdir()
        shutil.copy2(base / "bin" / name, copy / "bin")
        packages["LD_LIBRARY_PATH"] = str(copy / "lib")
        if not imports_all(str(copy / "bin" / name), packages):
            pytest.skip("no Python that an ordinary user may run")
        yield str(copy / "bin" / name), packages


def imports_all(python: str, more: dict[str, str]) -> bool:
    try:
        ask = [python, "-c", "import django, psycopg, redis"]
        done = subprocess.run(ask, user=ORDINARY, env=os.environ | more, cwd="/", capture_output=True)
    except PermissionError:
        return False
    return done.returncode == 0
