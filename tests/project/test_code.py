"""The house keeps its floors, its types and its style, and its migrations say what its models say."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command

from fallbacks.local.environment import PROJECT

BIN = Path(sys.executable).parent


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check", "."),
        ("ruff", "format", "--check", "."),
        ("lint-imports",),
        ("mypy",),
    ],
    ids=" ".join,
)
def test_a_tool_finds_nothing(command: tuple[str, ...]) -> None:
    name, *arguments = command
    done = subprocess.run([BIN / name, *arguments], cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_models_have_their_migrations(database: None) -> None:
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


@pytest.mark.parametrize("module", ["fallbacks.rates", "fallbacks.timebuckets"])
def test_the_pure_floor_needs_no_settings_and_no_django(module: str) -> None:
    code = f"import {module}, sys; assert not [name for name in sys.modules if name.startswith(('django', 'celery'))]"
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT, env={}, check=True)
