"""docker-compose.yml: it follows the specification, holds no secret, and each service's own command starts.

There is no Docker here: the commands run on this machine, against the tests' servers.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import psycopg
import pytest
import yaml

from fallbacks.local import places, postgres, redis_servers
from fallbacks.local.environment import PROJECT
from tests import servers
from tests.local.runs import free_port
from tests.project.test_docs import settings_read

ENV_FILE = {
    "SECRET_KEY": "the-tests-own-" * 5,
    "POSTGRES_PASSWORD": "pass" * 5,
    "WEB_DATABASE_PASSWORD": "web" * 5,
    "WORKER_DATABASE_PASSWORD": "work" * 5,
    "ALLOWED_HOSTS": "example.org",
}
INTERPOLATION = re.compile(r"\$\$|\$\{(?P<name>\w+)(?::(?P<kind>[?-])(?P<rest>[^}]*))?\}")
COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def interpolated(text: str, given: dict[str, str]) -> str:
    """Fill in variables as Compose does."""

    def value(found: re.Match[str]) -> str:
        if found[0] == "$$":
            return "$"
        if set_one := given.get(found["name"]):
            return set_one
        if found["kind"] == "?":
            raise KeyError(found["rest"])
        return found["rest"] or ""

    return INTERPOLATION.sub(value, text)


def words(service: str) -> list[str]:
    """The command of a service, as the container runs it."""
    return [interpolated(word, ENV_FILE) for word in SERVICES[service]["command"]]


def health(service: str) -> list[str]:
    kind, *test = SERVICES[service]["healthcheck"]["test"]
    filled = [interpolated(word, ENV_FILE) for word in test]
    return filled if kind == "CMD" else ["/bin/sh", "-c", *filled]


def test_it_follows_the_specification() -> None:
    # The specification's schema comes with check-jsonschema, under its own licence (Apache 2.0).
    schema = json.loads((files("check_jsonschema.builtin_schemas.vendor") / "compose-spec.json").read_text())
    jsonschema.validate(COMPOSE, schema)


class NothingTwice(yaml.SafeLoader):
    """Refuses a key that stands twice, as Compose does; PyYAML takes the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if key.value != "<<"]
        assert len(keys) == len(set(keys)), node.start_mark
        return super().construct_mapping(node, deep)


def test_nothing_stands_in_it_twice() -> None:
    assert yaml.load((PROJECT / "docker-compose.yml").read_text(), NothingTwice) == COMPOSE


# Of `make run`, of tests, of a server without a proxy, and what the image has already.
NOT_OF_CONTAINERS = {
    *("PORT", "FALLBACKS_HOME", "DEMO", "FALLBACKS_CRASH_POINTS", "FALLBACKS_CHROMIUM"),
    *("GRANIAN_SSL_CERTIFICATE", "GRANIAN_SSL_KEYFILE", "STATIC_ROOT", "STREAM_MAXMEMORY"),
}


def test_every_setting_can_be_given_in_the_file_of_the_environment() -> None:
    passed_on = SERVICES["migrate"]["environment"].keys() | SERVICES["web"]["environment"].keys()
    assert settings_read() - passed_on == NOT_OF_CONTAINERS


def test_it_has_the_services_of_the_product() -> None:
    assert set(SERVICES) == {"migrate", "web", "worker", "beat", "postgres", "stream", "broker"}


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_is_looked_after(service: str) -> None:
    said = SERVICES[service]
    assert said["restart"] == ("on-failure" if service == "migrate" else "unless-stopped")
    assert said["healthcheck"] == {"disable": True} if service == "migrate" else said["healthcheck"]["test"]
    assert set(said["deploy"]["resources"]["limits"]) == {"cpus", "memory"}


@pytest.mark.parametrize("service", ["postgres", "stream", "broker", "beat", "web", "worker"])
def test_what_must_last_lies_on_a_volume(service: str) -> None:
    [mount] = SERVICES[service]["volumes"]
    assert mount.split(":")[0] in COMPOSE["volumes"]


def test_no_secret_is_in_the_file() -> None:
    for service, said in SERVICES.items():
        for name, value in said.get("environment", {}).items():
            if re.search("SECRET|PASSWORD|_KEY", name):
                assert re.fullmatch(r"\$\{\w+:(\?[^}]+|-)\}", value), (service, name)
            if found := re.search(r"://[^@/:]*:(?P<password>.+)@", str(value)):
                assert found["password"].startswith("${"), (service, name)


@pytest.mark.parametrize("name", ENV_FILE)
def test_what_must_be_set_is_asked_for(name: str) -> None:
    text = (PROJECT / "docker-compose.yml").read_text()
    with pytest.raises(KeyError, match=f"set {name} in .env"):
        interpolated(text, {key: value for key, value in ENV_FILE.items() if key != name})


def test_the_servers_are_not_open_to_the_world() -> None:
    for service, said in SERVICES.items():
        assert all(port.startswith("127.0.0.1:") for port in said.get("ports", [])), service
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    for service in ("postgres", "stream", "broker", "worker", "beat", "migrate"):
        assert SERVICES[service]["networks"] == ["inside"]


def test_the_servers_keep_what_was_acknowledged_like_the_embedded_ones() -> None:
    said = " ".join(words("stream"))
    for name in ("appendonly", "appendfsync"):
        assert f"--{name} {redis_servers.STREAM[name]}" in said
    for service in ("stream", "broker"):
        assert "--maxmemory-policy noeviction" in " ".join(words(service))
    assert "synchronous_commit=on" in words("postgres")


# --- The commands, run ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of the containers, with this machine's servers; the working folder is in PWD."""
    folder = tmp_path_factory.mktemp("compose")
    with servers.start(folder) as running:
        # The image's working folder: the product and beat's volume.
        (folder / "beat").mkdir()
        let_roles_in(running)
        (folder / "manage.py").symlink_to(PROJECT / "manage.py")
        said = {name: interpolated(value, ENV_FILE) for name, value in COMPOSE["x-environment"].items()}
        yield (
            {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(PROJECT)}
            | said
            | running.environment
            | {"DJANGO_SETTINGS_MODULE": "fallbacks.settings", "PWD": str(folder)}
            # Of the owner, who is a superuser there, too.
            | {"DATABASE_URL": running.superuser_url}
        )


def let_roles_in(running: servers.Servers) -> None:
    """Ask roles that are not the embedded server's own for their password, as the image does."""
    cluster = running.servers.embedded["postgres"]
    assert isinstance(cluster, postgres.Cluster)
    with (cluster.data / "pg_hba.conf").open("a") as rules:
        rules.write("local all all scram-sha-256\n")
    with psycopg.connect(running.superuser_url) as superuser:
        superuser.execute("SELECT pg_reload_conf()")


def environment_of(service: str, stack: dict[str, str]) -> dict[str, str]:
    """The environment of a service, with its role of the database on this machine's server."""
    given = {name: interpolated(value, ENV_FILE) for name, value in SERVICES[service]["environment"].items()}
    role = urlsplit(given["DATABASE_URL"]).netloc.partition("@")[0]
    here = urlsplit(stack["DATABASE_URL"])
    url = here._replace(netloc=f"{role}@{here.netloc.rpartition('@')[2]}").geturl()
    return given | stack | {"DATABASE_URL": url}


@contextlib.contextmanager
def started(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    log = Path(environment["PWD"]) / f"{Path(command[0]).name}-{time.monotonic_ns()}.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, env=environment, cwd=environment["PWD"], stdin=subprocess.DEVNULL, stdout=out, stderr=out
        )
    try:
        yield process
        assert process.poll() is None, log.read_text()
        process.terminate()
        assert process.wait(timeout=30) == 0, log.read_text()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def becomes_healthy(test: list[str], environment: dict[str, str], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while True:
        done = subprocess.run(test, env=environment, cwd=environment["PWD"], capture_output=True, timeout=30)
        if done.returncode == 0:
            return
        assert time.monotonic() < deadline, done.stdout + done.stderr
        time.sleep(0.2)


@pytest.fixture(scope="module")
def migrated(stack: dict[str, str]) -> dict[str, str]:
    assert migrate(stack).returncode == 0
    return stack


def migrate(stack: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    passwords = {name: value for name, value in ENV_FILE.items() if name.endswith("_DATABASE_PASSWORD")}
    done = subprocess.run(words("migrate"), env=stack | passwords, cwd=stack["PWD"], capture_output=True, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    return done


def test_migrate_makes_the_roles_and_can_run_again(migrated: dict[str, str]) -> None:
    again = migrate(migrated).stdout
    assert b"No migrations to apply" in again
    assert b"every right was as it should be already" in again
    with psycopg.connect(migrated["DATABASE_URL"]) as owner:
        found = owner.execute(
            "SELECT rolname, rolpassword FROM pg_authid WHERE rolname LIKE 'observatory_%'"
        ).fetchall()
    kept = {name: (password or "").partition("$")[0] for name, password in found}
    hashed = {"observatory_web": "SCRAM-SHA-256", "observatory_worker": "SCRAM-SHA-256"}
    assert kept == {**hashed, "observatory_reporting": ""}


def test_web_starts_and_owns_nothing(migrated: dict[str, str]) -> None:
    here = {"GRANIAN_HOST": "127.0.0.1", "GRANIAN_PORT": str(free_port())}
    web = environment_of("web", migrated) | here
    with started(words("web"), web):
        becomes_healthy(health("web"), web)
    with psycopg.connect(web["DATABASE_URL"]) as role, pytest.raises(psycopg.errors.InsufficientPrivilege):
        role.execute("DELETE FROM audit_entry")


@pytest.mark.parametrize("service", ["worker", "beat"])
def test_workers_start(migrated: dict[str, str], service: str) -> None:
    environment = environment_of(service, migrated)
    with started(words(service), environment):
        becomes_healthy(health(service), environment)


@pytest.mark.parametrize("service", ["stream", "broker"])
def test_redis_starts(stack: dict[str, str], service: str) -> None:
    where = places.prepare(Path(stack["PWD"]), servers.KIND)
    program = redis_servers.stream(where).program
    data, socket = where.var / service, where.socket(f"{service}.sock")
    data.mkdir()
    environment = stack | {"PATH": f"{program.parent}:{stack['PATH']}"}
    # This machine's place for it, after its own words.
    place = ["--port", "0", "--unixsocket", str(socket), "--dir", str(data)]
    client, *rest = health(service)
    with started([*words(service), *place], environment):
        becomes_healthy([client, "-s", str(socket), *rest], environment)


def test_postgres_starts(tmp_path: Path) -> None:
    where = places.prepare(tmp_path, servers.KIND)
    cluster = postgres.prepare(where)
    program, *given = words("postgres")
    place = ["-D", str(cluster.data), "-c", f"unix_socket_directories={cluster.sockets}", "-c", "listen_addresses="]
    part = cluster.part()
    command = type(part)(part.name, (str(cluster.programs / program), *given, *place), part.stop_by, user=part.user)
    environment = {
        "PATH": f"{cluster.programs}:{os.environ['PATH']}",
        "FALLBACKS_INSTANCE": where.instance,
        "FALLBACKS_PART": "postgres",
        "PGHOST": str(cluster.sockets),
        "PYTHONPATH": str(PROJECT),
        "PWD": str(tmp_path),
    }
    try:
        with started(command.launch(sys.executable), environment):
            becomes_healthy(health("postgres"), environment)
    finally:
        cluster.remove()
        shutil.rmtree(tmp_path, ignore_errors=True)


def test_initdb_is_told_the_same_as_the_embedded_one() -> None:
    said = SERVICES["postgres"]["environment"]["POSTGRES_INITDB_ARGS"].split()
    assert set(said) >= set(postgres.LOCALE)
