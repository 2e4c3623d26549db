"""It starts, says where it is, and leaves nothing behind when it stops."""

import json
import re
import shlex
import signal
import stat
import subprocess
from pathlib import Path

import psutil
import pytest

from fallbacks.local import accounts, leftovers
from tests.local import runs


def test_it_serves_and_tells_where_and_the_next_run_finds_its_data(home: Path) -> None:
    with runs.running(home) as run:
        assert runs.ask(run.port, "GET", "/healthz") == 200
        told = run.told
        tells(run)
        keeps_its_data_at_home(run)
        given = run.acknowledged()
        posts_by_the_printed_line(run)
        refuses_a_second(run)
        assert run.stop() == 0
        nothing_is_left(run)
    with runs.running(home, port=run.port) as again:
        assert again.told == told
        again.stored(given)
        # Only the first changes anything.
        for _ in range(3):
            again.process.send_signal(signal.SIGINT)
        assert again.stop(signal.SIGINT) == 0
        nothing_is_left(again)


def tells(run: runs.Run) -> None:
    told, file = run.told, run.home / "var" / "demo.json"
    assert told["address"] == f"http://127.0.0.1:{run.port}"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    roles = [role for login in told["logins"] for role in login["roles"]]
    assert set(roles) == {"viewer", "engineer", "reviewer", "admin"}
    assert roles.count("reviewer") == 2
    for login in told["logins"]:
        assert re.search(rf"{login['username']} +{re.escape(login['password'])} ", run.output)


def keeps_its_data_at_home(run: runs.Run) -> None:
    data = run.home / "var" / "postgres" / "data"
    server = psutil.Process(int((data / "postmaster.pid").read_text().split()[0]))
    assert server.username() == accounts.for_postgres().name
    assert data.stat().st_uid == server.uids().real


def posts_by_the_printed_line(run: runs.Run) -> None:
    line = next(line.strip() for line in run.lines if line.strip().startswith("curl "))
    done = subprocess.run(shlex.split(line), capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {"accepted": 1, "rejected": []}


def refuses_a_second(run: runs.Run) -> None:
    said = runs.refusal(run.home)
    assert f"runs already from {run.home}/var, on http://127.0.0.1:{run.port}:" in said
    assert "\n" not in said
    assert runs.ask(run.port, "GET", "/healthz") == 200


def nothing_is_left(run: runs.Run) -> None:
    assert run.processes() == []
    assert leftovers.working_in(run.home / "var" / "postgres" / "data") == []
    assert not psutil.pid_exists(run.process.pid)


@pytest.mark.parametrize("after", [0.3, 1.5, 3.0])
def test_it_can_be_stopped_while_it_starts(home: Path, after: float) -> None:
    run = runs.launch(home)
    try:
        with pytest.raises(subprocess.TimeoutExpired):
            run.process.wait(timeout=after)
        # Before it has taken over the signal, Python's own way of ending is clean as well.
        assert run.stop() in {0, -signal.SIGTERM}
        if (home / "var" / "instance").exists():
            nothing_is_left(run)
    finally:
        runs.clean(run)
