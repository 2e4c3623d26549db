"""`kill -9` of any part, or of all at once, is said, mended, and loses nothing that was acknowledged."""

import random
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from fallbacks.local import leftovers
from tests.local import runs


@pytest.fixture(scope="module")
def product(module_home: Path) -> Iterator[runs.Run]:
    with runs.running(module_home) as run:
        yield run


@pytest.mark.parametrize("part", runs.PARTS)
def test_a_killed_part_is_said_and_comes_back(product: runs.Run, part: str) -> None:
    before = product.acknowledged()
    heard = len(product.lines)
    victim = product.main_process(part)
    victim.kill()
    product.wait_for(f"{part} died (killed by signal 9): starting it again.", after=heard)
    product.stored(before, product.acknowledged())
    product.wait_for(f"{part} is up again.", after=heard)
    assert product.main_process(part).pid != victim.pid
    assert orphans(product, part) == []


def orphans(product: runs.Run, part: str) -> list[psutil.Process]:
    """Processes of `part` that are not below the one that the supervisor started."""
    main = product.main_process(part)
    family = {main.pid, *(child.pid for child in main.children(recursive=True))}
    return [process for process in leftovers.of_instance(product.instance, (part,)) if process.pid not in family]


@pytest.mark.parametrize("part", ["web", "worker"])
def test_a_killed_child_comes_back(product: runs.Run, part: str) -> None:
    main = product.main_process(part)
    count = len(main.children())
    random.choice(main.children()).kill()
    product.stored(product.acknowledged())
    runs.until(lambda: len(main.children()) == count, 15)


def test_a_killed_supervisor_is_said_and_comes_back_with_all_parts(product: runs.Run) -> None:
    given = product.acknowledged()
    product.main_process("supervisor").kill()
    product.wait_for("The supervisor died: starting it and all parts again.")
    product.wait_for("All parts are up again.")
    product.stored(given, product.acknowledged())
    for part in runs.PARTS:
        assert orphans(product, part) == []


def test_killing_everything_at_once_loses_nothing(home: Path) -> None:
    with runs.running(home) as run:
        told = run.told
        given = [run.acknowledged() for _ in range(20)]
        everything = [psutil.Process(run.process.pid), *run.processes()]
        assert {process.environ().get("FALLBACKS_PART") for process in everything} >= set(runs.PARTS)
        leftovers.tell(everything, signal.SIGKILL)
        run.process.wait()
        with runs.running(home, port=run.port) as again:
            again.stored(*given)
            assert again.told == told


def test_without_its_head_everything_ends(home: Path) -> None:
    with runs.running(home) as run:
        given = run.acknowledged()
        supervisor = run.main_process("supervisor")
        supervisor.suspend()
        run.process.kill()
        run.process.wait()
        assert run.main_process("web").is_running()
        # The next run ends what this one could not; without it, the supervisor does as soon as it may.
        with runs.running(home, port=run.port) as again:
            assert "has left running" in again.output
            again.stored(given)
            again.process.kill()
            again.process.wait()
            runs.until(lambda: again.processes() == [], 30)
