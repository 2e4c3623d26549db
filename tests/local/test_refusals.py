"""What its user has to mend is said in one sentence, and nothing is left running."""

import os
import shutil
import socket
from pathlib import Path

import pytest

from fallbacks.local import accounts
from fallbacks.local.places import Places
from fallbacks.local.postgres import Cluster, check_data
from fallbacks.local.problem import Problem
from tests.local import runs


def test_a_taken_port(home: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        said = runs.refusal(home, port=port)
    assert said.startswith(f"Port {port} of 127.0.0.1 is taken by another program:")
    assert f"`PORT={port + 1} make run`" in said


@pytest.mark.parametrize("port", ["http", "0", "65536", "-1"])
def test_a_port_that_is_none(home: Path, port: str) -> None:
    assert runs.refusal(home, PORT=port).startswith(f"PORT is {port!r}, which is no port:")


@pytest.mark.parametrize(
    ("given", "start"),
    [
        ({"DATABASE_URL": "postgresql://me:very-secret@127.0.0.1:1/mine"}, "The PostgreSQL that DATABASE_URL names"),
        ({"DATABASE_URL": "sqlite:///file"}, "DATABASE_URL must name a PostgreSQL"),
        ({"DATABASE_URL": "what is this"}, "DATABASE_URL is not a URL"),
        ({"REDIS_URL": "redis://:very-secret@127.0.0.1:1/0"}, "The Redis that REDIS_URL names"),
        ({"BROKER_URL": "redis+socket:///nowhere/there.sock"}, "The Redis that BROKER_URL names"),
        ({"BROKER_URL": "amqp://127.0.0.1"}, "BROKER_URL is not a URL"),
    ],
)
def test_a_server_that_cannot_be_used(home: Path, given: dict[str, str], start: str) -> None:
    said = runs.refusal(home, **given)
    assert said.startswith(start)
    assert "very-secret" not in said
    assert "\n" not in said


def test_a_home_that_is_a_file(home: Path) -> None:
    (home / "var").write_text("mine")
    assert "FALLBACKS_HOME" in runs.refusal(home)
    assert (home / "var").read_text() == "mine"


def test_a_broken_stream_is_not_overwritten(home: Path) -> None:
    folder = home / "var" / "redis-stream"
    folder.mkdir(parents=True)
    (folder / "appendonly.aof").write_text("*1\r\nno redis wrote this\r\n" * 3)
    said = runs.refusal(home)
    assert "redis-stream does not start: " in said
    assert "appendonly.aof" in said or "append only file" in said
    assert (folder / "appendonly.aof").read_text().startswith("*1")


def make_whole(data: Path) -> None:
    for name in ("global", "base", "pg_wal"):
        (data / name).mkdir(parents=True)
    (data / "PG_VERSION").write_text("18\n")
    (data / "pg_hba.conf").touch()
    (data / "global" / "pg_control").touch()


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    account = accounts.Account("me", os.getuid(), os.getgid(), other=False)
    make_whole(tmp_path / "data")
    return Cluster(account, tmp_path, tmp_path, tmp_path)


def test_a_whole_data_folder_is_taken(cluster: Cluster) -> None:
    check_data(cluster)


def test_data_of_another_version(cluster: Cluster) -> None:
    (cluster.data / "PG_VERSION").write_text("16\n")
    with pytest.raises(Problem, match="is of PostgreSQL 16, and this product brings 18: move it away"):
        check_data(cluster)


def test_data_with_a_hole(cluster: Cluster) -> None:
    (cluster.data / "global" / "pg_control").unlink()
    with pytest.raises(Problem, match="is broken, global/pg_control is missing: bring it back from a backup"):
        check_data(cluster)


def test_something_else_than_data(cluster: Cluster) -> None:
    shutil.rmtree(cluster.data)
    cluster.data.write_text("a letter")
    with pytest.raises(Problem, match="is not a PostgreSQL data folder: move it away"):
        check_data(cluster)


def test_data_of_another_user(cluster: Cluster) -> None:
    account = accounts.Account("other", os.getuid() + 1, os.getgid(), other=False)
    with pytest.raises(Problem, match="belongs to another user than other"):
        check_data(Cluster(account, cluster.programs, cluster.base, cluster.sockets))


def test_a_foreign_folder_in_the_place_of_the_data(home: Path) -> None:
    data = home / "var" / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "holiday.jpg").write_text("beach")
    said = runs.refusal(home)
    assert f"{data} is not a PostgreSQL data folder" in said
    assert [path.name for path in data.iterdir()] == ["holiday.jpg"]


def test_a_long_or_odd_home_has_its_sockets_elsewhere(tmp_path: Path) -> None:
    for name in ("x" * 120, "white space", "at@home", "ünïcode"):
        socket_path = Places(tmp_path / name, "0badcafe").socket("stream.sock")
        assert str(socket_path) == f"/tmp/fallbacks-{os.getuid()}-0badcafe/stream.sock"
        assert socket_path.parent.stat().st_mode & 0o777 == 0o700
    shutil.rmtree(socket_path.parent)


@pytest.mark.parametrize("name", ["100%", "a;b"])
def test_a_folder_whose_name_the_supervisor_cannot_take_is_said(home: Path, name: str) -> None:
    odd = home / name
    odd.mkdir()
    said = runs.refusal(odd)
    assert "FALLBACKS_HOME" in said
    assert len(said.splitlines()) == 1
