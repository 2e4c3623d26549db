"""`manage.py grant_roles`: give PostgreSQL's roles for web, worker and reporting what each needs, and no more."""

import os
import secrets
from argparse import ArgumentParser
from collections.abc import Container, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection, transaction
from psycopg import sql

from fallbacks import database_roles
from fallbacks.database_roles import Names, Place
from fallbacks.local.environment import write_private

TABLES = """
SELECT relname, EXISTS (SELECT FROM aclexplode(relacl) WHERE grantee <> relowner),
       array_agg(attname::text ORDER BY attnum)
FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attnum > 0 AND NOT attisdropped
WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p')
GROUP BY 1, 2
"""
# All that the statements can change of what stands.
STATE = """
SELECT relname::text, pg_get_userbyid(relowner)::text, word::text
  FROM pg_class LEFT JOIN unnest(relacl) word ON true WHERE relnamespace = current_schema()::regnamespace
UNION ALL SELECT attrelid::regclass::text, attname::text, word::text FROM pg_attribute, unnest(attacl) word
UNION ALL SELECT proname::text, pg_get_userbyid(proowner)::text, word::text
  FROM pg_proc LEFT JOIN unnest(proacl) word ON true WHERE pronamespace = current_schema()::regnamespace
UNION ALL SELECT datname::text, '', word::text FROM pg_database, unnest(datacl) word WHERE datname = current_database()
UNION ALL SELECT nspname::text, '', word::text FROM pg_namespace, unnest(nspacl) word
  WHERE nspname = current_schema()
UNION ALL SELECT rolname::text, rolconfig::text, '' FROM pg_roles
UNION ALL SELECT roleid::regrole::text, member::regrole::text, '' FROM pg_auth_members
ORDER BY 1, 2, 3
"""
ROLES = "SELECT rolname, rolsuper OR rolcreaterole OR rolbypassrls FROM pg_roles WHERE rolname = ANY(%s)"


class Command(BaseCommand):
    """Run it as the role that owns the tables (and may make roles), or as a superuser, after every `migrate`."""

    help = "Make the roles for web, worker and reporting where they are missing, and grant them what each needs."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--web", default=Names.web, help="the role of web processes (%(default)s)")
        parser.add_argument("--worker", default=Names.worker, help="the role of workers and beat (%(default)s)")
        parser.add_argument("--reporting", default=Names.reporting, help="a role that only reads (%(default)s)")
        parser.add_argument(
            "--into",
            type=Path,
            metavar="FOLDER",
            help="make passwords, and write web.env, worker.env and reporting.env there, each with the DATABASE_URL of"
            " its role; a file that is there stays, and so does its password",
        )
        parser.add_argument("--dry-run", action="store_true", help="print the SQL, and change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        names = self.names(options)
        place = look(names)
        try:
            statements = list(database_roles.statements(names, place))
        except database_roles.Unknown as table:
            raise CommandError(
                f"Nothing says who may do what with the table {table}: it is none of this version's. Run migrate, or"
                " move it to another schema."
            ) from None
        if options["dry_run"]:
            for statement in statements:
                self.stdout.write(f"{statement.as_string()};")
            return
        folder: Path | None = options["into"]
        given = given_passwords(names)
        wanted = {} if folder is None else missing_files(folder, names, given)
        passwords = given | {role: secrets.token_urlsafe(24) for role in wanted}
        changed = apply(statements, passwords)
        for role, file in wanted.items():
            # In quotes for a shell that reads it: a URL may have an & in it.
            write_private(file, f"DATABASE_URL='{url_of(role, passwords[role])}'\n")
        self.tell(names, place, changed, wanted, given)

    def names(self, options: dict[str, Any]) -> Names:
        with connection.cursor() as cursor:
            cursor.execute("SELECT tableowner FROM pg_tables WHERE tablename = 'django_migrations'")
            found = cursor.fetchone()
            if found is None:
                raise CommandError("There are no tables yet: run manage.py migrate first.")
            names = Names(found[0], options["web"], options["worker"], options["reporting"])
            if len({names.owner, *names.made()}) < 4:
                raise CommandError(f"The roles must be four: {names.owner} owns the tables, so name others.")
            cursor.execute(ROLES, [list(names.made())])
            if mighty := [name for name, mighty in cursor.fetchall() if mighty]:
                raise CommandError(f"{mighty[0]} may do more than any grant takes away: name another role.")
        return names

    def tell(
        self, names: Names, place: Place, changed: bool, written: Mapping[str, Path], given: Mapping[str, str]
    ) -> None:
        new = [name for name in names.made() if name not in place.roles]
        for name in new:
            self.stdout.write(f"made the role {name}")
        if not changed:
            self.stdout.write("every right was as it should be already")
        else:
            self.stdout.write(
                f"granted on {len(place.columns)} tables: {names.web} (pages and API), {names.worker} (worker and beat,"
                f" owns the event table), {names.reporting} (reads all but secrets); {names.owner} owns the rest"
            )
        for role, file in written.items():
            self.stdout.write(f"wrote {file}, with a new password of {role}")
        if given:
            self.stdout.write(f"{' and '.join(given)}: the password that the environment gives")
        if unopened := [name for name in new if name not in written and name not in given]:
            self.stdout.write(
                f"{', '.join(unopened)}: no password yet; give --into FOLDER, or set one by \\password in psql"
            )


def look(names: Names) -> Place:
    """Read what is there."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database(), current_schema()")
        database, schema = cursor.fetchone()
        cursor.execute(TABLES)
        found = cursor.fetchall()
        cursor.execute(ROLES, [list(names.made())])
        roles = frozenset(name for name, _ in cursor.fetchall())
    of_days = sorted(name for name, _, _ in found if is_of_a_day(name))
    columns = {name: tuple(columns) for name, _, columns in found if name not in of_days}
    opened = tuple(name for name, given, _ in found if given and name in of_days)
    return Place(database, schema, columns, tuple(of_days), opened, roles)


def is_of_a_day(table: str) -> bool:
    """Tell whether a table is a partition of the event table, or was one that is about to go."""
    day = table.removeprefix("event_")
    return day != table and len(day) == 8 and day.isdigit()


def apply(statements: list[sql.Composed], passwords: dict[str, str]) -> bool:
    """Run all of it or nothing; return whether any right has changed."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(STATE)
            before = cursor.fetchall()
            for statement in statements:
                cursor.execute(statement)
            for role, password in passwords.items():
                # Hashed here: the server's log never sees it.
                pgconn = cursor.connection.pgconn
                verifier = pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
                cursor.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(verifier)))
            cursor.execute(STATE)
            return bool(cursor.fetchall() != before)
    except DatabaseError as error:
        raise CommandError(
            f"PostgreSQL refused: {error}\nNothing was changed. Run it as the role that owns the tables and the"
            " database and may make roles (ALTER ROLE ... CREATEROLE), or as a superuser."
        ) from error


def given_passwords(names: Names) -> dict[str, str]:
    """Return the passwords that the environment gives, as Docker Compose does, by role."""
    found = {
        names.web: os.environ.get("WEB_DATABASE_PASSWORD"),
        names.worker: os.environ.get("WORKER_DATABASE_PASSWORD"),
    }
    return {role: password for role, password in found.items() if password}


def missing_files(folder: Path, names: Names, given: Container[str]) -> dict[str, Path]:
    """Return the files that are to be written, by role; none for a role whose password is given."""
    if not folder.is_dir():
        raise CommandError(f"{folder} is no folder: make it first.")
    files = {names.web: "web.env", names.worker: "worker.env", names.reporting: "reporting.env"}
    return {role: folder / file for role, file in files.items() if role not in given and not (folder / file).exists()}


def url_of(role: str, password: str) -> str:
    """Return our own DATABASE_URL with another role."""
    parts = urlsplit(os.environ["DATABASE_URL"])
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{role}:{password}@{host}").geturl()
