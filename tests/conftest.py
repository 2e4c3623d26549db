"""What all tests stand on: a PostgreSQL and two Redis of their own, real ones, started before Django looks for them."""

import contextlib
import io
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import django
import hypothesis
import pytest
from django.conf import settings
from django.core.management import call_command

from fallbacks.local.environment import PROJECT
from tests import servers
from tests.local import runs

SETTINGS = {
    "DJANGO_SETTINGS_MODULE": "fallbacks.settings",
    "SECRET_KEY": "the tests' own, long enough that nobody warns of it and never used elsewhere",
    "ALLOWED_HOSTS": "testserver,localhost,127.0.0.1",
    "HTTPS": "0",
    "STREAM_SHARDS": "4",
}


def start() -> servers.Servers:
    """Start the servers, and Django on them."""
    if "DJANGO_SETTINGS_MODULE" in os.environ:
        pytest.exit("Unset DJANGO_SETTINGS_MODULE: the tests must not find the servers that your shell names.", 4)
    folder = Path(tempfile.mkdtemp(prefix="fallbacks-tests-"))
    _running.callback(shutil.rmtree, folder, ignore_errors=True)
    found = _running.enter_context(servers.start(folder))
    (folder / "static").mkdir()
    os.environ.pop("FALLBACKS_HOME", None)
    os.environ.update(
        SETTINGS,
        STATIC_ROOT=str(folder / "static"),
        AUDIT_HEAD_FILE=str(folder / "audit-head.json"),
        **found.environment,
    )
    django.setup()
    # Tests that are not about passwords should not wait for them.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher", *settings.PASSWORD_HASHERS]
    return found


# How long an example takes says more of the machine than of the product.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")

# When this module is read, since the conftests of folders below need Django for their imports.
_running = contextlib.ExitStack()
_servers = start()

from django.contrib.auth import get_user_model  # noqa: E402
from django.contrib.auth.models import Group  # noqa: E402
from django.db import OperationalError, connection  # noqa: E402
from django.test import Client  # noqa: E402


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--as-roles", action="store_true", help="web and worker have roles of their own (tests/roles.py)")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("as_roles"):
        from tests import roles

        roles.prepare()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes() -> None:
    """Forget the servers where tests are shared out among processes: each starts its own, and would find these."""
    _running.close()
    del os.environ["DJANGO_SETTINGS_MODULE"]


def pytest_unconfigure() -> None:
    _running.close()


# Emptied after each test that uses the database. Roles and migrations stay.
EMPTIED = (
    "event",
    "traffic",
    "rollup_minute",
    "rollup_hour",
    "rollup_day",
    "breakdown_minute",
    "breakdown_hour",
    "breakdown_day",
    "earlier_verdict",
    "enablement",
    "route_request",
    "review",
    "passed_over",
    "sample",
    "verification",
    "policy_version",
    "model",
    "workload",
    "kept_aside",
    "tally",
    "drained_entry",
    "api_key",
    "saved_view",
    "export",
    "invitation",
    "sign_in_reset",
    "mfa_authenticator",
    "usersessions_usersession",
    "socialaccount_socialaccount",
    "account_emailaddress",
    "shared_cache",
    "fallbacks_user_groups",
    "fallbacks_user",
    "django_session",
    "axes_accessattempt",
)


@pytest.fixture(scope="session")
def running_servers() -> servers.Servers:
    """The tests' servers, for those that pull a plug."""
    return _servers


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: object, pytestconfig: pytest.Config) -> None:
    """Migrate the servers' own database, in place of pytest-django's second one: it is the tests' alone already."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        call_command("migrate", verbosity=0)
        if pytestconfig.getoption("as_roles"):
            from tests import roles

            roles.install(_servers.superuser_url)


@pytest.fixture
def database(django_db_setup: None, django_db_blocker: object) -> Iterator[None]:
    """A database whose commits are commits: the recorder owns its transactions. Emptied afterwards."""
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        yield
        empty()


def empty() -> None:
    """Delete what a test left: many times quicker than TRUNCATE, which makes new files for each partition and index.

    The test may have killed the server, so it is asked for some seconds.
    """
    deadline = time.monotonic() + 20
    while True:
        connection.close()
        try:
            with connection.cursor() as cursor:
                cursor.execute("; ".join(f"DELETE FROM {table}" for table in EMPTIED))
                # No test of the log is weaker for it: this takes its owner.
                cursor.execute(
                    "ALTER TABLE audit_entry DISABLE TRIGGER USER; DELETE FROM audit_entry;"
                    " ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER audit_entry_stays,"
                    " ENABLE ALWAYS TRIGGER audit_stays"
                )
                Path(os.environ["AUDIT_HEAD_FILE"]).unlink(missing_ok=True)
                cursor.execute("UPDATE rulebook SET revision = nextval('rulebook_revision')")
        except OperationalError:
            if time.monotonic() > deadline:
                raise
        else:
            return connection.close()


@pytest.fixture
def stream() -> Iterator[None]:
    """An empty stream, and a gate that has not looked at it yet."""
    from ingest import backpressure, buffer

    buffer.connection().flushall()
    # It looks once a second, and would judge this test by the one before.
    backpressure.gate.closed, backpressure.gate.looked_at = "", 0.0
    yield
    buffer.connection().flushall()


@pytest.fixture(autouse=True)
def forgotten_keys() -> Iterator[None]:
    """Keys remembered from one test must not open doors in the next, nor episodes go on in it."""
    yield
    from dashboard import freshness, ongoing
    from dashboard.reviews import pending
    from fallbacks import keys, logs

    freshness.forget()
    pending.forget()
    ongoing.forget()
    keys.forget()
    logs.forget()


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """All that any library logs, more than the product keeps, as it would be written."""
    from fallbacks import logs

    out, root = io.StringIO(), logging.getLogger()
    handler, level = logging.StreamHandler(out), root.level
    handler.setFormatter(logs.Lines())
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield out
    root.removeHandler(handler)
    root.setLevel(level)


@dataclass(frozen=True)
class Product:
    """The whole product, running as its users run it: `make run` with a home and a port of its own."""

    run: runs.Run

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.run.port}"

    def manage(self, *words: str) -> str:
        """Run a command of manage.py beside it, and return what it printed."""
        kept = {name: os.environ[name] for name in runs.KEPT if name in os.environ}
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=PROJECT,
            env=kept | {"FALLBACKS_HOME": str(self.run.home)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def create_key(self, scopes: Sequence[str], owner: str = "") -> str:
        words = [word for scope in scopes for word in ("--scope", scope)]
        return self.manage("create_key", "tests", *words, *(["--owner", owner] if owner else [])).strip()


@pytest.fixture(scope="session")
def product() -> Iterator[Product]:
    """The product without its demo, started once for all tests that look at it from outside."""
    home = Path(tempfile.mkdtemp(prefix="fo-", dir="/tmp"))
    home.chmod(0o755)  # open to the user that PostgreSQL runs as: its data then lies in it
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, home, ignore_errors=True)
        yield Product(stack.enter_context(runs.running(home)))


Person = Callable[..., Client]


@pytest.fixture
def person(static_files: None) -> Person:
    """Sign somebody with the roles in, and return their browser. Needs a database: `database` or `db`."""

    def sign_in(*roles: str) -> Client:
        user = get_user_model().objects.create_user(f"{'-'.join(roles) or 'nobody'}", password="not asked for here")
        user.groups.set([Group.objects.get_or_create(name=role)[0] for role in roles])
        client = Client()
        client.force_login(user, "fallbacks.people.WithRoles")
        return client

    return sign_in


@pytest.fixture
def viewer(database: None, person: Person) -> Client:
    """The browser of somebody signed in who may look and no more."""
    return person("viewer")


@pytest.fixture(scope="session")
def static_files() -> None:
    """The static files as they are served."""
    subprocess.run([sys.executable, "manage.py", "collectstatic", "--noinput", "-v0"], check=True)
