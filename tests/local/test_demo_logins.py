"""The logins and the key of `make run`: made where they are missing, and never over what people changed."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Group

from dashboard.audit import words
from fallbacks import key_ring, keys
from fallbacks.local import banner, demo_logins
from fallbacks.local.demo_logins import LOGINS
from fallbacks.models import ApiKey, AuditEntry, User

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "demo.json"


def run(file: Path) -> dict[str, Any]:
    """What a start tells."""
    demo_logins.make(file, "http://127.0.0.1:8000")
    return dict(json.loads(file.read_text()))


def passwords(told: dict[str, Any]) -> dict[str, str | None]:
    return {login["username"]: login["password"] for login in told["logins"]}


def said() -> list[str]:
    return [f"{entry.actor} {words.told(entry).did}" for entry in AuditEntry.objects.order_by("number")]


def open_(told: dict[str, Any]) -> bool:
    """Whether everybody signs in by what is told, as what is told, and the key is one."""
    people = {user.username: user for user in User.objects.all()}
    return keys.find(told["api_key"]) is not None and all(
        people[login["username"]].check_password(login["password"])
        and people[login["username"]].roles() == login["roles"]
        for login in told["logins"]
    )


def test_the_first_start_makes_them_and_the_next_ones_keep_them(file: Path) -> None:
    told = run(file)
    assert open_(told)
    assert {login["username"]: login["roles"] for login in told["logins"]} == LOGINS
    assert said()[:2] == ["make run gave viewer the role viewer", "make run gave engineer the role engineer"]
    before = said()
    assert run(file) == told
    assert said() == before
    assert told["api_key"] in banner.text(file)


def test_what_somebody_changed_stays_and_is_told_no_more(file: Path) -> None:
    told = run(file)
    user = User.objects.get(username="admin")
    user.set_password("of my own choice")
    user.save()
    user.groups.add(Group.objects.get(name="reviewer"))
    before = said()
    for _ in range(2):
        again = run(file)
        assert passwords(again) == passwords(told) | {"admin": None}
        user.refresh_from_db()
        assert user.check_password("of my own choice")
        assert again["logins"][-1]["roles"] == ["reviewer", "admin"]
    assert said() == before
    assert "admin      (changed)  reviewer, admin" in banner.text(file)


def test_a_key_that_was_revoked_does_not_come_back_nor_another_for_it(file: Path) -> None:
    told = run(file)
    prefix = key_ring.prefix_of(told["api_key"])
    key_ring.revoke(ApiKey.objects.get(), "ines")
    for _ in range(2):
        again = run(file)
        assert (again["api_key"], again["ended_key"]) == (None, prefix)
        assert passwords(again) == passwords(told)
    assert ApiKey.objects.count() == 1
    assert f"The demo's key for services ({prefix}…) is no longer good." in banner.text(file)


def test_both_changed_leave_both_as_they_are(file: Path) -> None:
    run(file)
    key_ring.revoke(ApiKey.objects.get(), "ines")
    user = User.objects.get(username="viewer")
    user.set_password("of my own choice")
    user.save()
    again = run(file)
    user.refresh_from_db()
    assert user.check_password("of my own choice")
    assert (passwords(again)["viewer"], again["api_key"], ApiKey.objects.count()) == (None, None, 1)


@pytest.mark.parametrize("is_ended", [False, True])
def test_another_database_gets_the_same_passwords_and_a_key_of_its_own(file: Path, is_ended: bool) -> None:
    told = run(file)
    if is_ended:
        key_ring.revoke(ApiKey.objects.get(), "ines")
        told = run(file)
    ApiKey.objects.all().delete()
    User.objects.all().delete()
    again = run(file)
    assert open_(again)
    assert passwords(again) == passwords(told)
    assert again["api_key"] != told["api_key"]


@pytest.mark.parametrize("left", [None, "", "{}"])
def test_without_the_file_there_are_new_passwords_and_a_new_key(file: Path, left: str | None) -> None:
    told = run(file)
    User.objects.get(username="viewer").groups.clear()
    file.unlink() if left is None else file.write_text(left)
    before = len(said())
    again = run(file)
    assert open_(again)
    assert not set(passwords(told).values()) & set(passwords(again).values())
    # What people may is as it was.
    assert again["logins"][0]["roles"] == []
    assert said()[before] == "make run gave viewer a new password"
    assert said()[-1].startswith("make run made the key")
