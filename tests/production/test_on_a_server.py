"""docs/operations.md brings up an instance that serves. Each role of its database does its work and no more, and its
backup is whole where it is restored."""

import re
import stat
import time
from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors, sql

from tests import servers
from tests.production.instance import Instance, Person, on_a_server
from tests.project.test_doors import DOORS

ROLES = ("web", "worker", "reporting")
DENIED = (errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction)


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory, running_servers: servers.Servers) -> Iterator[Instance]:
    with on_a_server(tmp_path_factory.mktemp("server"), running_servers) as brought_up:
        yield brought_up


@pytest.fixture(scope="module")
def admin(instance: Instance) -> Person:
    """The first admin, signed in by the password that `create_admin` printed."""
    [password] = re.findall(r"^[\w-]{12,}$", instance.said, re.MULTILINE)
    person = Person(instance.proxy_port)
    person.sign_in("dana", password)
    return person


@pytest.fixture
def as_role(instance: Instance, request: pytest.FixtureRequest) -> Iterator[psycopg.Connection]:
    with psycopg.connect(instance.url(request.param), autocommit=True) as connection:
        yield connection


# --- It serves -----------------------------------------------------------------------------------------


def test_what_the_document_says_brings_up_an_instance_that_is_well(instance: Instance) -> None:
    assert '"ready": true' in instance.said or '"status": "ok"' in instance.said, instance.said
    assert '{"accepted":1,"rejected":[]}' in instance.said


def test_the_first_event_is_on_the_overview(admin: Person) -> None:
    deadline = time.monotonic() + 10
    while "my-workload" not in admin.ask("GET", "/")[1]:
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_people_sign_in_at_the_provider(instance: Instance) -> None:
    instance.issuer.person = {
        "sub": "kim-1",
        "email": "kim@company.example",
        "email_verified": True,
        "preferred_username": "kim",
        "groups": ["observatory-admins"],
    }
    kim = Person(instance.proxy_port)
    kim.sign_in_at_the_provider()
    assert kim.ask("GET", "/people")[0] == 200
    instance.issuer.person |= {"sub": "lee-1", "preferred_username": "lee", "email": "lee@elsewhere.example"}
    lee = Person(instance.proxy_port)
    with pytest.raises(AssertionError):
        lee.sign_in_at_the_provider()
    assert lee.ask("GET", "/people")[0] == 302


def test_each_process_has_its_own_role(instance: Instance) -> None:
    found = instance.as_superuser("SELECT DISTINCT usename FROM pg_stat_activity WHERE datname = 'observatory'")
    assert {name for (name,) in found} <= {"observatory_web", "observatory_worker"}
    for role in ROLES:
        file = instance.place / f"{role}.env"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert f"observatory_{role}:" in file.read_text()


def test_every_page_is_served_by_the_role_of_web(instance: Instance, admin: Person) -> None:
    paths = {path for method, path in DOORS if method == "GET" and not path.startswith("/logout")}
    asked = {path.replace("<slug>", "my-workload").replace("<int:number>", "1") for path in paths}
    failed = {path: status for path in sorted(asked) if (status := admin.ask("GET", path)[0]) >= 500}
    assert failed == {}, instance.logs()


# --- Roles of the database --------------------------------------------------------------------------------

WEB_MUST_NOT = (
    "UPDATE audit_entry SET actor = 'nobody'",
    "DELETE FROM audit_entry",
    "TRUNCATE audit_entry",
    "ALTER TABLE audit_entry DISABLE TRIGGER USER",
    "DROP TRIGGER audit_stays ON audit_entry",
    "ALTER TABLE audit_entry OWNER TO observatory_web",
    "SET session_replication_role = replica",
    "CREATE OR REPLACE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
    "DROP TABLE audit_entry",
    "DROP TABLE event",
    "CREATE TABLE mine (id int)",
    "CREATE INDEX mine ON event (id)",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "DELETE FROM event",
    "UPDATE event SET reason = ''",
    "TRUNCATE traffic",
    "DELETE FROM review",
    "UPDATE review SET passed = true",
    "UPDATE policy_version SET version = 1",
    "DELETE FROM policy_version",
    "DELETE FROM enablement",
    "DELETE FROM fallbacks_user",
    "DELETE FROM api_key",
    "UPDATE auth_group_permissions SET permission_id = 1",
    "UPDATE auth_group SET name = 'admin'",
    "INSERT INTO django_migrations (app, name, applied) VALUES ('x', 'x', now())",
    "SET ROLE observatory_worker",
    "SET ROLE observatory",
    "CREATE ROLE mine",
    "COPY event TO PROGRAM 'cat'",
    "SELECT rolpassword FROM pg_authid",
)
WORKER_MUST_NOT = (
    "UPDATE audit_entry SET actor = 'nobody'",
    "DELETE FROM audit_entry",
    "TRUNCATE audit_entry",
    "ALTER TABLE audit_entry DISABLE TRIGGER USER",
    "DROP TABLE rollup_day",
    "SELECT password FROM fallbacks_user",
    "UPDATE fallbacks_user SET is_active = true",
    "INSERT INTO fallbacks_user_groups (user_id, group_id) VALUES (1, 1)",
    "SELECT digest FROM api_key",
    "SELECT * FROM django_session",
    "INSERT INTO route_request (workload_id) VALUES (1)",
    "INSERT INTO enablement (workload_id) VALUES (1)",
    "INSERT INTO policy_version (workload_id) VALUES (1)",
    "INSERT INTO review (sample_id) VALUES (1)",
    "SET ROLE observatory",
)
REPORTING_MUST_NOT = (
    "INSERT INTO workload (slug) VALUES ('mine')",
    "CREATE TEMPORARY TABLE mine (id int)",
    "CREATE TABLE mine (id int)",
    "SET ROLE observatory_web",
)


@pytest.mark.parametrize(
    ("as_role", "statement"),
    [
        *(("web", statement) for statement in WEB_MUST_NOT),
        *(("worker", statement) for statement in WORKER_MUST_NOT),
        *(("reporting", statement) for statement in REPORTING_MUST_NOT),
    ],
    indirect=["as_role"],
)
def test_a_role_cannot_do_what_it_must_not(as_role: psycopg.Connection, statement: str) -> None:
    with pytest.raises(DENIED):
        as_role.execute(statement)


@pytest.mark.parametrize("as_role", ["reporting"], indirect=True)
def test_reporting_reads_everything_but_secrets(as_role: psycopg.Connection, instance: Instance) -> None:
    as_role.execute("SET default_transaction_read_only = off")
    columns = instance.as_superuser(
        "SELECT relname, attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0"
        " AND NOT attisdropped WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
        " AND NOT relispartition",
        "observatory",
    )
    read = {(table, column) for table, column in columns if can_read(as_role, table, column)}
    hidden = {f"{table}.{column}" for table, column in set(columns) - read}
    # What must never be read, whatever the table of rights says.
    must = {
        *("fallbacks_user.password", "api_key.digest", "sample.input", "sample.output", "sample.primary_output"),
        *("kept_aside.body", "review.comment", "django_session.session_data", "invitation.digest"),
        "sign_in_reset.digest",
        *("mfa_authenticator.data", "socialaccount_socialtoken.token"),
    }
    there = {f"{table}.{column}" for table, column in columns}
    assert must & there <= hidden
    assert {name for name in there if re.search(r"password|digest|secret|token$|session_(data|key)", name)} <= hidden
    for table in ("event", "traffic", "rollup_day", "workload", "policy_version", "enablement"):
        assert {column for name, column in read if name == table} == {c for name, c in columns if name == table}
    assert ("audit_entry", "actor") in read
    with pytest.raises(errors.ReadOnlySqlTransaction), psycopg.connect(instance.url("reporting")) as fresh:
        fresh.execute("UPDATE workload SET slug = 'mine'")


def can_read(connection: psycopg.Connection, table: str, column: str) -> bool:
    try:
        connection.execute(
            sql.SQL("SELECT {} FROM {} LIMIT 1").format(sql.Identifier(column), sql.Identifier("public", table))
        )
    except errors.InsufficientPrivilege:
        return False
    return True


# The worker's own functions, as they run by the clock; a day is made, sealed, and dropped.
WORK = """
from datetime import UTC, datetime, timedelta
from fallbacks import enablement, partitions, retention, sealing
now = datetime.now(UTC)
old = (now - timedelta(days=100)).date()
partitions.ensure_around(now)
partitions.ensure({old})
assert old in sealing.seal(now)
removed = retention.apply(now)
assert not removed.left and old in removed.days, removed
enablement.tend()
print("done", partitions.to_drop(old))
"""


def test_the_worker_makes_seals_and_drops_days(instance: Instance) -> None:
    done = instance.manage("worker", "shell", "-c", WORK)
    assert done.returncode == 0, done.stderr
    # A day that a command of the owner made is the worker's, too.
    made = "from datetime import date; from fallbacks import partitions; partitions.ensure({date(2020, 1, 1)})"
    assert instance.manage("owner", "shell", "-c", made).returncode == 0
    found = instance.as_superuser(
        "SELECT DISTINCT tableowner FROM pg_tables WHERE tablename ~ '^event(_|$)'", "observatory"
    )
    assert found == [("observatory_worker",)]


def test_granting_again_changes_nothing_but_what_somebody_else_gave(instance: Instance) -> None:
    before = [(instance.place / f"{role}.env").read_text() for role in ROLES]
    done = instance.manage("owner", "grant_roles", "--into", str(instance.place))
    assert done.stdout == "every right was as it should be already\n", done.stdout + done.stderr
    assert before == [(instance.place / f"{role}.env").read_text() for role in ROLES]
    instance.as_superuser("GRANT DELETE ON audit_entry TO observatory_web", "observatory")
    instance.as_superuser("GRANT SELECT (password) ON fallbacks_user TO observatory_reporting", "observatory")
    assert "granted on" in instance.manage("owner", "grant_roles").stdout
    with psycopg.connect(instance.url("web")) as web, pytest.raises(errors.InsufficientPrivilege):
        web.execute("DELETE FROM audit_entry")
    with psycopg.connect(instance.url("reporting")) as reporting:
        assert not can_read(reporting, "fallbacks_user", "password")


# --- Backups -----------------------------------------------------------------------------------------------


def test_a_backup_is_whole_where_it_is_restored(instance: Instance) -> None:
    said = instance.follow("Backups and restore")
    assert "equals its rows" in said
    assert "all sound; its end agrees with" in said
    restored = instance.as_superuser("SELECT (SELECT count(*) FROM event), count(*) FROM audit_entry", "restored")
    assert restored == instance.as_superuser(
        "SELECT (SELECT count(*) FROM event), count(*) FROM audit_entry", "observatory"
    )
    assert restored[0][0] >= 1
    # The log goes on to refuse there, and rights are what they were.
    with pytest.raises(errors.InsufficientPrivilege, match="only grows"):
        instance.as_superuser("DELETE FROM audit_entry", "restored")
    url = instance.url("web").removesuffix("observatory") + "restored"
    with psycopg.connect(url) as web, pytest.raises(errors.InsufficientPrivilege):
        web.execute("DELETE FROM audit_entry")
