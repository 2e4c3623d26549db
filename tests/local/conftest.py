"""Homes for products: folders that go with all that is in them, and in the system's folder, afterwards."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fallbacks.local.postgres import SYSTEM_FOLDER


@pytest.fixture(scope="module")
def module_home() -> Iterator[Path]:
    yield from make_home()


@pytest.fixture
def home() -> Iterator[Path]:
    yield from make_home()


def make_home() -> Iterator[Path]:
    # Short, and open to others, unlike pytest's own: the data then lies in it.
    folder = Path(tempfile.mkdtemp(prefix="fo-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    mark = folder / "var" / "instance"
    if mark.exists():
        shutil.rmtree(SYSTEM_FOLDER / mark.read_text(), ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)
