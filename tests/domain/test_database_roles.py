"""`manage.py grant_roles`: what it prints and refuses. What the roles may do is in tests/production."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from fallbacks import database_roles
from fallbacks.database_roles import TABLES, Names, Unknown, access
from fallbacks.management.commands import grant_roles

pytestmark = pytest.mark.usefixtures("database")


def run(*words: str) -> str:
    out = StringIO()
    call_command("grant_roles", *words, stdout=out)
    return out.getvalue()


def test_a_dry_run_prints_the_sql_and_changes_nothing() -> None:
    said = run("--dry-run", "--web", "other_web")
    assert 'CREATE ROLE "other_web" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION;' in said
    assert 'GRANT SELECT, INSERT ON TABLE "public"."audit_entry" TO "other_web";' in said
    assert "PASSWORD" not in said
    with connection.cursor() as cursor:
        cursor.execute("SELECT FROM pg_roles WHERE rolname = 'other_web'")
        assert cursor.fetchone() is None


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--web", "fallbacks"), "must be four"),
        (("--web", "one", "--worker", "one"), "must be four"),
        (("--web", "postgres"), "may do more than any grant takes away"),
        (("--into", "/nowhere"), "is no folder"),
        # The tests' role may not make roles.
        ((), "Nothing was changed. Run it as the role that owns the tables"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(words: tuple[str, ...], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence):
        run(*words)


def test_every_table_has_its_row_and_every_row_its_table() -> None:
    place = grant_roles.look(Names("owner"))
    said = {table: access(table) for table in place.columns}
    for pattern, row in TABLES.items():
        tables = [table for table, found in said.items() if found is row and table.startswith(pattern.rstrip("*"))]
        assert tables, f"there is no table {pattern}"
        assert all(set(row.hidden) <= set(place.columns[table]) for table in tables)


def test_a_table_that_nobody_thought_of_is_refused() -> None:
    place = grant_roles.look(Names("owner"))
    more = database_roles.Place("any", "public", {**place.columns, "brought_along": ("id",)})
    with pytest.raises(Unknown, match="brought_along"):
        list(database_roles.statements(Names("owner"), more))
