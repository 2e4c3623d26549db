"""LiteLLM is large and has its own virtual environment: what needs it runs there, as a program."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.litellm import PROJECT
from tests.litellm.collector import Collector, running_collector

RunExample = Callable[..., dict[str, Any]]


@pytest.fixture
def collector() -> Iterator[Collector]:
    with running_collector() as running:
        yield running


@pytest.fixture(scope="session")
def litellm_python() -> Path:
    done = subprocess.run(
        ["make", "-f", "examples/litellm/litellm.mk", "litellm-install"], cwd=PROJECT, capture_output=True, text=True
    )
    assert done.returncode == 0, f"LiteLLM could not be installed:\n{done.stdout}\n{done.stderr}"
    return PROJECT / ".venv-litellm" / "bin" / "python"


@pytest.fixture(scope="session")
def run_with_litellm(litellm_python: Path) -> RunExample:
    """Run one of our scripts where LiteLLM is installed; the answer is the JSON that it prints."""

    def run(script: Path, *arguments: str) -> dict[str, Any]:
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        done = subprocess.run(
            [str(litellm_python), str(script), *arguments],
            env=environment | {"PYTHONPATH": str(PROJECT)},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, f"{script.name} {' '.join(arguments)}:\n{done.stdout}\n{done.stderr}"
        answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return answer

    return run
