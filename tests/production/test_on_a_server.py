"""docs/operations.md brings up an instance that serves. Each role of its database does its work and no more, and its
backup is whole where it is restored."""

import re
import stat
import time
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

import psycopg
import pytest
from psycopg import errors, sql

from tests import servers
from tests.production.instance import Instance, Person, blocks, on_a_server
from tests.project.test_doors import DOORS

ROLES = ("web", "worker", "reporting")


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
    "SELECT remove_ended_sessions(1)",
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
    "SELECT session_key FROM usersessions_usersession",
    "DELETE FROM django_session",
    "INSERT INTO route_request (workload_id) VALUES (1)",
    "INSERT INTO enablement (workload_id) VALUES (1)",
    "INSERT INTO policy_version (workload_id) VALUES (1)",
    "INSERT INTO review (sample_id) VALUES (1)",
    "SET ROLE observatory",
)
# Whoever is only told not to write can tell itself otherwise: each of these is refused without that, too.
REPORTING_MUST_NOT = (
    "SELECT remove_ended_sessions(1)",
    "INSERT INTO workload (slug) VALUES ('mine')",
    "DELETE FROM event",
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
    as_role.execute("SET default_transaction_read_only = off")
    with pytest.raises(errors.InsufficientPrivilege):
        as_role.execute(statement)


# What may be read, added, changed and deleted, said a second time: no right is given or taken by a slip.
PEOPLE = "django_session account_* mfa_* socialaccount_* usersessions_* axes_* shared_cache"
FIGURES = "rollup_* breakdown_* tally"
RIGHTS = {
    ("web", "SELECT"): "*",
    ("web", "INSERT"): f"event traffic {FIGURES} drained_entry workload model policy_version verification route_request"
    " enablement sample review passed_over audit_entry api_key fallbacks_user fallbacks_user_groups saved_view export"
    f" invitation sign_in_reset {PEOPLE}",
    ("web", "UPDATE"): f"{FIGURES} kept_aside model rulebook route_request enablement sample api_key fallbacks_user"
    f" saved_view export invitation sign_in_reset {PEOPLE}",
    ("web", "DELETE"): f"kept_aside fallbacks_user_groups saved_view {PEOPLE}",
    ("web", "UPDATE of a column"): "auth_group.id",
    ("web", "USAGE"): "public rulebook_revision",
    ("web", "TEMPORARY"): "database",
    ("worker", "SELECT"): f"event traffic {FIGURES} earlier_verdict removed_rows drained_entry kept_aside workload"
    " model policy_version rulebook verification route_request enablement sample review passed_over audit_entry"
    " export django_migrations",
    ("worker", "INSERT"): f"event traffic {FIGURES} removed_rows drained_entry kept_aside workload sample audit_entry",
    ("worker", "UPDATE"): f"event {FIGURES} removed_rows rulebook route_request enablement sample",
    ("worker", "DELETE"): "event traffic rollup_* breakdown_* earlier_verdict drained_entry export",
    # It owns the table.
    **{("worker", right): "event" for right in ("TRUNCATE", "REFERENCES", "TRIGGER")},
    ("worker", "CREATE"): "public",
    ("worker", "USAGE"): "public rulebook_revision",
    ("worker", "EXECUTE as its owner"): "remove_ended_sessions",
    ("worker", "TEMPORARY"): "database",
    ("reporting", "USAGE"): "public",
}
WHO_MAY_WHAT = """
SELECT role, word, name FROM unnest(ARRAY['web', 'worker', 'reporting']) role, LATERAL (
  SELECT word, relname::text AS name
  FROM pg_class, unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) word
  WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname !~ '^event_[0-9]{8}$'
    AND has_table_privilege('observatory_' || role, oid, word)
  UNION ALL SELECT word, relname FROM pg_class, unnest('{USAGE,SELECT,UPDATE}'::text[]) word
  WHERE relnamespace = 'public'::regnamespace AND relkind = 'S'
    AND has_sequence_privilege('observatory_' || role, oid, word)
  UNION ALL SELECT word || ' of a column', relname || '.' || attname
  FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid, unnest('{INSERT,UPDATE,REFERENCES}'::text[]) word
  WHERE relnamespace = 'public'::regnamespace AND attacl IS NOT NULL
    AND has_column_privilege('observatory_' || role, attrelid, attnum, word)
    AND NOT has_table_privilege('observatory_' || role, attrelid, word)
  UNION ALL SELECT word, nspname FROM pg_namespace, unnest('{CREATE,USAGE}'::text[]) word
  WHERE nspname = 'public' AND has_schema_privilege('observatory_' || role, oid, word)
  UNION ALL SELECT 'EXECUTE as its owner', proname FROM pg_proc
  WHERE pronamespace = 'public'::regnamespace AND prosecdef
    AND has_function_privilege('observatory_' || role, oid, 'EXECUTE')
  UNION ALL SELECT word, 'database' FROM pg_database, unnest('{CREATE,TEMPORARY}'::text[]) word
  WHERE datname = current_database() AND has_database_privilege('observatory_' || role, oid, word)
) may WHERE (role, word) <> ('reporting', 'SELECT')
"""


TABLES = """
SELECT relname::text FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND relname !~ '^event_[0-9]{8}$' ORDER BY 1
"""


OF_DAYS = """
SELECT relname::text FROM pg_class WHERE relname ~ '^event_[0-9]{8}$'
  AND 'SELECT' IN (SELECT privilege_type FROM aclexplode(relacl) WHERE grantee <> relowner)
"""


def tables(instance: Instance, database: str = "observatory") -> list[str]:
    """Its tables, without those of single days."""
    return [name for (name,) in instance.as_superuser(TABLES, database)]


def who_may_what(instance: Instance, database: str = "observatory") -> Mapping[tuple[str, str], set[str]]:
    """What PostgreSQL itself says; but what reporting may read, which goes by columns."""
    found: dict[tuple[str, str], set[str]] = {}
    for role, word, name in instance.as_superuser(WHO_MAY_WHAT, database):
        found.setdefault((role, word), set()).add(name)
    return found


def as_listed(instance: Instance) -> Mapping[tuple[str, str], set[str]]:
    """What `RIGHTS` says, with the tables that its patterns stand for."""
    there = tables(instance)
    return {
        about: {
            name
            for pattern in listed.split()
            for name in ([table for table in there if fnmatchcase(table, pattern)] or [pattern])
        }
        for about, listed in RIGHTS.items()
    }


def test_each_role_has_the_rights_that_are_listed_here_and_no_other(instance: Instance) -> None:
    assert who_may_what(instance) == as_listed(instance)


def test_no_role_is_another_nor_may_more_than_its_grants(instance: Instance) -> None:
    members = instance.as_superuser(
        "SELECT roleid::regrole::text, member::regrole::text FROM pg_auth_members"
        " WHERE member::regrole::text LIKE 'observatory\\_%'"
    )
    assert members == []
    mighty = instance.as_superuser(
        "SELECT rolname FROM pg_roles WHERE rolname LIKE 'observatory\\_%'"
        " AND (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls)"
    )
    assert mighty == []
    said = instance.as_superuser("SELECT rolconfig FROM pg_roles WHERE rolname = 'observatory_reporting'")
    assert said == [(["default_transaction_read_only=on", "statement_timeout=5min"],)]


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
    # What must never be read, whatever the table of rights says; all else is.
    must = {
        *("fallbacks_user.password", "api_key.digest", "sample.input", "sample.output", "sample.primary_output"),
        *("kept_aside.body", "kept_aside.error", "route_request.why", "route_request.decision"),
        *("review.comment", "passed_over.reason", "audit_entry.details"),
    }
    secret = (*PEOPLE.split(), "invitation", "sign_in_reset")
    must |= {f"{table}.{column}" for table, column in columns if any(fnmatchcase(table, name) for name in secret)}
    there = {f"{table}.{column}" for table, column in columns}
    assert hidden == must
    assert {name for name in there if re.search(r"password|digest|secret|token$|session_(data|key)", name)} <= hidden
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
    for given in (
        "TEMPORARY ON DATABASE observatory TO PUBLIC",
        "CREATE ON DATABASE observatory TO observatory_web",
        "CREATE ON SCHEMA public TO PUBLIC",
        "CREATE ON SCHEMA public TO observatory_reporting",
        "UPDATE ON SEQUENCE rulebook_revision TO observatory_reporting",
        "INSERT ON review TO observatory_worker",
        "EXECUTE ON FUNCTION remove_ended_sessions TO PUBLIC",
        "INSERT (slug) ON workload TO observatory_reporting",
    ):
        instance.as_superuser(f"GRANT {given}", "observatory")
    instance.as_superuser("GRANT SELECT ON ALL TABLES IN SCHEMA public TO observatory_reporting", "observatory")
    assert who_may_what(instance) != as_listed(instance)
    assert "granted on" in instance.manage("owner", "grant_roles").stdout
    assert who_may_what(instance) == as_listed(instance)
    with psycopg.connect(instance.url("reporting")) as reporting:
        assert not can_read(reporting, "fallbacks_user", "password")
    # Also in the tables of single days, which go by the rights of the table of events.
    assert instance.as_superuser(OF_DAYS, "observatory") == []


# --- Backups -----------------------------------------------------------------------------------------------


# What a worker changes by itself while the copy is made.
BY_ITSELF = {"tally", "drained_entry", "removed_rows"}
STRUCTURE = """
SELECT 'index ' || indexname || ' of ' || tablename FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'rule ' || conname || ' of ' || conrelid::regclass FROM pg_constraint
  WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT 'trigger ' || tgname || ' of ' || tgrelid::regclass || ', enabled: ' || tgenabled::text FROM pg_trigger
  WHERE NOT tgisinternal
UNION ALL SELECT 'function ' || proname || prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL SELECT 'sequence ' || sequencename || ' at ' || last_value FROM pg_sequences
UNION ALL SELECT 'table ' || tablename || ' of ' || tableowner FROM pg_tables WHERE schemaname = 'public'
"""


def contents(instance: Instance, database: str) -> dict[str, object]:
    """The rows of each table, in few words."""
    said = "SELECT count(*), sum(hashtextextended(row::text, 0)) FROM public.{} AS row"
    return {
        table: instance.as_superuser(said.format(table), database)
        for table in tables(instance, database)
        if table not in BY_ITSELF
    }


def structure(instance: Instance, database: str) -> set[str]:
    """All that a table is besides its rows: indexes, rules, triggers, who owns it."""
    return {words for (words,) in instance.as_superuser(STRUCTURE, database) if words}


def test_a_backup_is_whole_where_it_is_restored(instance: Instance) -> None:
    deadline = time.monotonic() + 10
    while not instance.as_superuser("SELECT id FROM event LIMIT 1", "observatory"):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    said = instance.follow("Backups and restore")
    # It says nothing where all is well.
    assert "manage.py migrate --check\n" in "".join(block.text for block in blocks("Backups and restore"))
    assert "equals its rows" in said
    assert "all sound; its end agrees with" in said
    assert contents(instance, "restored") == contents(instance, "observatory")
    assert structure(instance, "restored") == structure(instance, "observatory")
    assert who_may_what(instance, "restored") == as_listed(instance)
    # The log goes on to refuse there, and rights are what they were.
    with pytest.raises(errors.InsufficientPrivilege, match="only grows"):
        instance.as_superuser("DELETE FROM audit_entry", "restored")
    url = instance.url("web").removesuffix("observatory") + "restored"
    with psycopg.connect(url) as web, pytest.raises(errors.InsufficientPrivilege):
        web.execute("DELETE FROM audit_entry")
