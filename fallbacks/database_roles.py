"""Which of PostgreSQL's roles may do what: least privilege, table by table.

| role | for | may |
|---|---|---|
| the owner | `manage.py migrate` and other commands | all: it owns the tables, and is a member of the worker's role |
| web | pages and API | what `TABLES` says; makes, changes and drops nothing |
| worker | worker and beat | the same, and owns the event table, whose partitions it makes, indexes and drops |
| reporting | people with other tools | reads what is no secret |

A web process that somebody has taken over can do no more than its pages: it neither writes the audit log anew nor takes
its triggers away. A worker is held off by less: whoever owns a table can make what others do in it run as those others.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from psycopg import sql

RIGHTS = {"S": "SELECT", "I": "INSERT", "U": "UPDATE", "D": "DELETE"}


@dataclass(frozen=True, slots=True)
class Access:
    """What web and worker may do with a table, by the letters of `RIGHTS`. Reporting reads it, or not, or all but
    some columns."""

    web: str = ""
    worker: str = ""
    reporting: bool = True
    hidden: tuple[str, ...] = ()
    # `SELECT ... FOR UPDATE` asks for the right to change something: of one column, that is.
    locks: str = ""


SECRET = Access(web="SIUD", reporting=False)
# By name, or by pattern for tables of other applications. A table without a row is a mistake that a test finds.
TABLES: Mapping[str, Access] = {
    # What services send, and what it adds up to. Web records, too: what an admin tries again.
    "event": Access(web="SI"),
    "traffic": Access(web="SI", worker="SID"),
    "rollup_*": Access(web="SIU", worker="SIUD"),
    "breakdown_*": Access(web="SIU", worker="SIUD"),
    "earlier_verdict": Access(web="S", worker="SD"),
    "removed_rows": Access(web="S", worker="SIU"),
    "tally": Access(web="SIU", worker="SIU"),
    "drained_entry": Access(web="SI", worker="SID"),
    # Bytes and errors of it may hold texts of samples.
    "kept_aside": Access(web="SUD", worker="SI", hidden=("body", "error")),
    # What was decided. Nothing of it is ever deleted.
    "workload": Access(web="SI", worker="SI"),
    "model": Access(web="SIU", worker="S"),
    "policy_version": Access(web="SI", worker="S"),
    "rulebook": Access(web="SU", worker="SU"),
    "verification": Access(web="SI", worker="S"),
    "route_request": Access(web="SIU", worker="SU", hidden=("why", "decision")),
    "enablement": Access(web="SIU", worker="SU"),
    "sample": Access(web="SIU", worker="SIU", hidden=("input", "output", "primary_output")),
    # Who types a comment or a reason may quote what users wrote; the audit log repeats reasons.
    "review": Access(web="SI", worker="S", hidden=("comment",)),
    "passed_over": Access(web="SI", worker="S", hidden=("reason",)),
    "audit_entry": Access(web="SI", worker="SI", hidden=("details",)),
    # People and keys.
    "api_key": Access(web="SIU", hidden=("digest",)),
    "fallbacks_user": Access(web="SIU", hidden=("password",)),
    "fallbacks_user_groups": Access(web="SID"),
    "fallbacks_user_user_permissions": Access(web="S"),
    "auth_group": Access(web="S", locks="id"),
    "auth_group_permissions": Access(web="S"),
    "auth_permission": Access(web="S"),
    "saved_view": Access(web="SIUD"),
    "export": Access(web="SIU", worker="SD"),
    "invitation": Access(web="SIU", reporting=False),
    "sign_in_reset": Access(web="SIU", reporting=False),
    "django_session": SECRET,
    "account_*": SECRET,
    "mfa_*": SECRET,
    "socialaccount_*": SECRET,
    "usersessions_*": SECRET,
    "axes_*": SECRET,
    "shared_cache": SECRET,
    "django_content_type": Access(web="S"),
    "django_migrations": Access(web="S", worker="S"),
}
# Counted up when what events are judged by changes: by web, and by the worker when a route ends by itself.
SEQUENCES = ("rulebook_revision",)
# Run as the owner, for the worker alone: with rights of its own it would have to read what lets somebody in.
FUNCTIONS = ("remove_ended_sessions",)


@dataclass(frozen=True)
class Names:
    """What the roles are called in this PostgreSQL."""

    owner: str
    web: str = "observatory_web"
    worker: str = "observatory_worker"
    reporting: str = "observatory_reporting"

    def made(self) -> tuple[str, str, str]:
        """Return those that `manage.py grant_roles` makes."""
        return self.web, self.worker, self.reporting


@dataclass(frozen=True, slots=True)
class Place:
    """What is there: the database, the columns of each table, and the partitions of the event table; `opened` are
    those of which somebody beside their owner has rights."""

    database: str
    schema: str
    columns: Mapping[str, tuple[str, ...]]
    partitions: tuple[str, ...] = ()
    opened: tuple[str, ...] = ()
    roles: frozenset[str] = field(default_factory=frozenset)


class Unknown(Exception):
    """A table about which `TABLES` says nothing."""


def access(table: str) -> Access:
    """Return what is said of a table. Raises Unknown."""
    for pattern, said in TABLES.items():
        if fnmatchcase(table, pattern):
            return said
    raise Unknown(table)


def statements(names: Names, place: Place) -> Iterator[sql.Composed]:
    """Return what makes the roles, and gives them what `TABLES` says and nothing else. To be run in one transaction."""
    owner, web, worker, reporting = (sql.Identifier(name) for name in (names.owner, *names.made()))
    database, schema = sql.Identifier(place.database), sql.Identifier(place.schema)
    for name in names.made():
        if name not in place.roles:
            yield sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION").format(
                sql.Identifier(name)
            )
    # What everybody may by default: make temporary tables, and, in a database of before PostgreSQL 15, tables.
    yield sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC").format(database)
    yield sql.SQL("REVOKE CREATE ON SCHEMA {} FROM PUBLIC").format(schema)
    for role in (web, worker, reporting):
        yield sql.SQL("REVOKE ALL ON DATABASE {} FROM {}").format(database, role)
        yield sql.SQL("REVOKE ALL ON SCHEMA {} FROM {}").format(schema, role)
        yield sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, role)
        yield sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(schema, role)
    # Who records stages a batch in a temporary table where events came again.
    yield sql.SQL("GRANT TEMPORARY ON DATABASE {} TO {}, {}").format(database, web, worker)
    # Who looks on changes nothing, and is no reader for whom old events have to stay.
    yield sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(reporting)
    yield sql.SQL("ALTER ROLE {} SET statement_timeout = '5min'").format(reporting)
    # The worker makes, attaches, detaches and drops tables of days: PostgreSQL lets nobody but their owner. The owner
    # of all else goes on changing them in migrations, as a member.
    yield sql.SQL("GRANT {} TO {}").format(worker, owner)
    yield sql.SQL("GRANT CREATE ON SCHEMA {} TO {}").format(schema, worker)
    for table in ("event", *place.partitions):
        yield sql.SQL("ALTER TABLE {} OWNER TO {}").format(sql.Identifier(place.schema, table), worker)
    # All go by the rights of the event table: those of a day's table alone were given by another hand.
    for table in place.opened:
        for role in (web, reporting):
            yield sql.SQL("REVOKE ALL ON TABLE {} FROM {}").format(sql.Identifier(place.schema, table), role)
    for table in sorted(place.columns):
        yield from _of_table(table, names, place)
    for sequence in SEQUENCES:
        named = sql.Identifier(place.schema, sequence)
        for other in names.made():
            yield sql.SQL("REVOKE ALL ON SEQUENCE {} FROM {}").format(named, sql.Identifier(other))
        yield sql.SQL("GRANT USAGE ON SEQUENCE {} TO {}, {}").format(named, web, worker)
    for function in FUNCTIONS:
        named = sql.Identifier(place.schema, function)
        # A backup that is restored without its rights gives this one to everybody.
        yield sql.SQL("REVOKE ALL ON FUNCTION {} FROM PUBLIC, {}, {}").format(named, web, reporting)
        yield sql.SQL("GRANT EXECUTE ON FUNCTION {} TO {}").format(named, worker)


def _of_table(table: str, names: Names, place: Place) -> Iterator[sql.Composed]:
    said, named = access(table), sql.Identifier(place.schema, table)
    for role, rights in ((names.web, said.web), (names.worker, said.worker)):
        # The owner of a table holds all of it.
        if role == names.worker and table == "event":
            continue
        yield sql.SQL("REVOKE ALL ON TABLE {} FROM {}").format(named, sql.Identifier(role))
        if rights:
            words = sql.SQL(", ").join(sql.SQL(RIGHTS[letter]) for letter in rights)
            yield sql.SQL("GRANT {} ON TABLE {} TO {}").format(words, named, sql.Identifier(role))
    if said.locks:
        column = sql.Identifier(said.locks)
        yield sql.SQL("GRANT UPDATE ({}) ON TABLE {} TO {}").format(column, named, sql.Identifier(names.web))
    reporting = sql.Identifier(names.reporting)
    yield sql.SQL("REVOKE ALL ON TABLE {} FROM {}").format(named, reporting)
    if said.reporting and said.hidden:
        shown = [sql.Identifier(column) for column in place.columns[table] if column not in said.hidden]
        columns = sql.SQL(", ").join(shown)
        yield sql.SQL("GRANT SELECT ({}) ON TABLE {} TO {}").format(columns, named, reporting)
    elif said.reporting:
        yield sql.SQL("GRANT SELECT ON TABLE {} TO {}").format(named, reporting)
