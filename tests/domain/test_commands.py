"""Commands beside a running product: what they print, and what they refuse."""

from io import StringIO

import pytest
from django.contrib.auth import authenticate
from django.core.management import CommandError, call_command
from django.test import RequestFactory

from fallbacks import keys
from fallbacks.models import HourRollup, User
from fallbacks.recording import record
from tests import make

pytestmark = pytest.mark.usefixtures("database")


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_create_key_prints_a_key_that_works_and_nothing_else() -> None:
    text = run("create_key", "service", "--scope", "events:write", "--workload", "a", "--environment", "staging")
    found = keys.find(text.removesuffix("\n"))
    assert found is not None
    assert (set(found.scopes), set(found.workloads), set(found.environments)) == ({"events:write"}, {"a"}, {"staging"})


@pytest.mark.parametrize(
    "words", [(), ("--scope", "everything"), ("--scope", "rates:read", "--expires", "0")], ids=" ".join
)
def test_create_key_refuses_what_is_no_key(words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError):
        run("create_key", "service", *words)


def test_create_user_prints_a_password_that_opens() -> None:
    password = run("create_user", "dana", "--role", "reviewer", "--role", "viewer").strip()
    user = User.objects.get()
    assert user.roles() == ["viewer", "reviewer"]
    assert authenticate(RequestFactory().post("/login"), username="dana", password=password) == user
    with pytest.raises(CommandError, match="already"):
        run("create_user", "dana", "--role", "viewer")


def test_check_rollups_says_what_differs_and_repairs_it() -> None:
    record([make.event()], [make.traffic()])
    assert "equals its rows" in run("check_rollups")
    HourRollup.objects.update(served=7)
    with pytest.raises(CommandError, match="1 cells differ"):
        run("check_rollups")
    said = run("check_rollups", "--repair")
    assert "held served 7, rows say served 1" in said
    assert "equals its rows" in run("check_rollups")
