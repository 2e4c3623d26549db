"""People come by invitation, change their roles, and go; whatever two admins do at once, one of them stays."""

import hashlib
import json
import re
from collections.abc import Callable
from datetime import timedelta
from importlib import import_module
from io import StringIO
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import authenticate
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.test import RequestFactory
from django.utils import timezone

from fallbacks import audit, members, review_queue
from fallbacks.links import NotGood
from fallbacks.models import AuditEntry, Invitation, RouteRequest, Sample, User
from fallbacks.not_now import NotNow
from fallbacks.ways_in import ways_in
from tests import reviews
from tests.side_by_side import at_once

pytestmark = pytest.mark.usefixtures("database")

PASSWORD = "a long one of the tests"


def somebody(name: str, *roles: str, password: str | None = PASSWORD) -> User:
    person = User.objects.create_user(name, password=password)
    person.groups.set(Group.objects.filter(name__in=roles))
    return person


@pytest.fixture
def ines() -> User:
    """An admin."""
    return somebody("ines", "admin")


def again(person: User) -> User:
    """The person as the database has them now."""
    return User.objects.get(pk=person.pk)


def entries(action: str) -> list[dict[str, Any]]:
    rows = AuditEntry.objects.filter(action=action).order_by("number")
    return [{"actor": row.actor, "subject": row.subject, **json.loads(row.details)} for row in rows]


def refused(code: str, step: Callable[..., object], *given: object) -> str:
    """What a step says that is refused with a code."""
    with pytest.raises(NotNow) as error:
        step(*given)
    assert error.value.code == code
    return str(error.value)


# --- Inviting ----------------------------------------------------------------------------------------


def test_a_link_gives_one_person_its_roles_and_is_used_up(ines: User) -> None:
    made = members.invite(ines, ["reviewer", "viewer"], " Dana Kim ")
    dana = members.accept(made.token, "dana", PASSWORD)
    assert dana.roles() == ["viewer", "reviewer"]
    assert authenticate(RequestFactory().post("/login"), username="dana", password=PASSWORD) == dana
    with pytest.raises(NotGood, match="used"):
        members.accept(made.token, "dana2", PASSWORD)
    (invited,), (joined,) = entries("person invited"), entries("person joined")
    assert (invited["actor"], invited["note"], invited["roles"]) == ("ines", "Dana Kim", ["viewer", "reviewer"])
    assert (joined["actor"], joined["invited_by"], joined["subject"]) == ("dana", "ines", invited["subject"])
    assert audit.check().wrong == ""


def test_of_a_link_only_the_hash_is_kept_and_it_cannot_be_guessed(ines: User) -> None:
    made = members.invite(ines, ["viewer"])
    # 256 bits, six a character.
    assert len(made.token) >= 43
    assert bytes(Invitation.objects.get().digest) == hashlib.sha256(made.token.encode()).digest()
    assert made.token not in json.dumps(entries("person invited"))


def test_who_did_not_come_in_time_is_listed_for_thirty_days_unless_they_were_invited_again(ines: User) -> None:
    def lapsed_by(days: float, note: str) -> Invitation:
        made = members.invite(ines, ["viewer"], note).link
        Invitation.objects.filter(pk=made.pk).update(expires_at=timezone.now() - timedelta(days=days))
        return made

    late, later, _, again = (lapsed_by(*of) for of in ((29, "Dana Kim"), (1, ""), (31, "Omar"), (2, "Finn")))
    members.invite(ines, ["viewer"], "Eve")
    members.withdraw(members.invite(ines, ["viewer"], "gone").link.pk, ines)
    Invitation.objects.filter(note="gone").update(expires_at=timezone.now() - timedelta(days=1))
    members.accept(members.invite(ines, ["viewer"], "joined").token, "joined", PASSWORD)
    Invitation.objects.filter(note="joined").update(expires_at=timezone.now() - timedelta(days=1))
    assert list(members.lapsed_invitations()) == [later, again, late]
    members.invite(ines, ["viewer"], "Finn")
    # Nobody knows whom one without a note was for.
    members.invite(ines, ["viewer"])
    assert list(members.lapsed_invitations()) == [later, late]


@pytest.mark.parametrize("why", ["withdrawn", "expired", "unknown"])
def test_a_link_that_is_over_makes_nobody(ines: User, why: str) -> None:
    made = members.invite(ines, ["admin"])
    if why == "withdrawn":
        members.withdraw(made.link.pk, ines)
        assert entries("invitation withdrawn")[0]["actor"] == "ines"
    if why == "expired":
        Invitation.objects.update(expires_at=timezone.now())
    with pytest.raises(NotGood, match=why):
        members.accept(made.token if why != "unknown" else made.token[:-1], "dana", PASSWORD)
    assert list(User.objects.all()) == [ines]
    if why != "unknown":
        refused("not_open", members.withdraw, made.link.pk, ines)


def test_a_link_is_good_for_seven_days(ines: User) -> None:
    left = members.invite(ines, ["viewer"]).link.expires_at - timezone.now()
    assert timedelta(days=6, hours=23) < left <= timedelta(days=7)


def test_of_two_who_open_one_link_at_once_one_joins(ines: User) -> None:
    token = members.invite(ines, ["viewer"]).token
    errors = at_once(*(lambda name=name: members.accept(token, name, PASSWORD) for name in ("dana", "eve", "finn")))
    assert [type(error) for error in errors] == [NotGood, NotGood]
    assert User.objects.count() == 2
    assert len(entries("person joined")) == 1


def test_of_two_links_one_gets_the_name(ines: User) -> None:
    tokens = [members.invite(ines, ["viewer"]).token for _ in range(2)]
    errors = at_once(*(lambda token=token: members.accept(token, "dana", PASSWORD) for token in tokens))
    assert [getattr(error, "code", "") for error in errors] == ["name"]
    # The other link is not used up by it.
    assert members.open_invitations().count() == 1


@pytest.mark.parametrize("name", ["ines", "INES", "manage.py", "", "a b", "dаna", "x" * 151, "the observatory"])
def test_nobody_takes_a_name_that_stands_for_another(ines: User, name: str) -> None:
    token = members.invite(ines, ["viewer"]).token
    assert refused("name", members.accept, token, name, PASSWORD)


def test_an_invitation_is_to_a_role_that_there_is(ines: User) -> None:
    refused("no_role", members.invite, ines, [])
    refused("no_such_role", members.invite, ines, ["root"])


def test_whoever_is_no_admin_any_more_has_no_open_links(ines: User) -> None:
    tokens = []
    kept = members.invite(ines, ["viewer"]).token
    for name, step in (
        ("ada", lambda other: members.change_roles(other.pk, ["viewer"], ["admin"], ines)),
        ("bert", lambda other: members.deactivate(other.pk, ines)),
    ):
        other = somebody(name, "admin")
        tokens.append(members.invite(other, ["admin"]).token)
        step(other)
    # Those of others are as good as before.
    members.deactivate(somebody("dana", "viewer").pk, ines)
    assert members.accept(kept, "newcomer", PASSWORD).roles() == ["viewer"]
    for token in tokens:
        with pytest.raises(NotGood, match="withdrawn"):
            members.accept(token, "back-again", PASSWORD)


# --- Roles -------------------------------------------------------------------------------------------


def test_roles_are_changed_with_what_they_were(ines: User) -> None:
    dana = somebody("dana", "viewer")
    assert members.change_roles(dana.pk, ["engineer", "reviewer"], ["viewer"], ines).may("decide_routes")
    (entry,) = entries("roles changed")
    assert (entry["actor"], entry["subject"]) == ("ines", "dana")
    assert (entry["before"], entry["roles"]) == (["viewer"], ["engineer", "reviewer"])
    # Nothing changed, nothing to tell.
    members.change_roles(dana.pk, ["engineer", "reviewer"], ["engineer", "reviewer"], ines)
    assert len(entries("roles changed")) == 1


def test_two_admins_who_change_one_person_at_once_do_not_overwrite_each_other(ines: User) -> None:
    other, dana = somebody("omar", "admin"), somebody("dana", "viewer")
    errors = at_once(
        lambda: members.change_roles(dana.pk, ["viewer", "engineer"], ["viewer"], ines),
        lambda: members.change_roles(dana.pk, ["viewer", "reviewer"], ["viewer"], other),
    )
    assert [getattr(error, "code", "") for error in errors] == ["changed"]
    assert len(entries("roles changed")) == 1
    assert again(dana).roles() == entries("roles changed")[0]["roles"]


def test_whoever_may_no_longer_review_holds_nothing(ines: User) -> None:
    reviews.sampled(2)
    ruth = reviews.reviewer("ruth")
    review_queue.claim(ruth)
    members.change_roles(ruth.pk, ["viewer"], ["reviewer"], ines)
    assert Sample.objects.filter(held_by=ruth).count() == 0
    assert len(entries("roles changed")[0]["samples"]) == 2


@pytest.mark.parametrize("roles", [(), ("viewer", "engineer", "reviewer")])
def test_nobody_but_an_admin_takes_any_step(ines: User, roles: tuple[str, ...]) -> None:
    mallory = somebody("mallory", *roles)
    number = members.invite(ines, ["viewer"]).link.pk
    held = mallory.roles()
    for step in (
        lambda: members.invite(mallory, ["admin"]),
        lambda: members.withdraw(number, mallory),
        lambda: members.change_roles(mallory.pk, ["admin"], held, mallory),
        lambda: members.deactivate(ines.pk, mallory),
        lambda: members.reactivate(ines.pk, mallory),
    ):
        refused("not_yours", step)
    assert again(mallory).roles() == held


# --- Going -------------------------------------------------------------------------------------------


def session_of(person: User) -> str:
    store = import_module(settings.SESSION_ENGINE).SessionStore()
    store["_auth_user_id"] = str(person.pk)
    store.create()
    return str(store.session_key)


def test_who_is_deactivated_is_out_at_once_and_holds_nothing_back(ines: User) -> None:
    reviews.sampled(3)
    ruth = reviews.reviewer("ruth")
    review_queue.claim(ruth, most=2)
    # Of one the time ran out: it could be taken up again.
    late = review_queue.held(ruth)[0].pk
    Sample.objects.filter(pk=late).update(held_until=timezone.now() - timedelta(minutes=1))
    asked = RouteRequest.objects.create(
        workload=Sample.objects.select_related("workload")[0].workload,
        primary="premium-chat",
        fallback="baseline-chat",
        asked_by=ruth,
        asked_at=timezone.now(),
    )
    sessions = {session_of(person): person for person in (ruth, ines, ruth)}
    gone = members.deactivate(ruth.pk, ines)
    assert gone.samples == 2
    assert not again(ruth).may("review_samples")
    store = import_module(settings.SESSION_ENGINE).SessionStore
    assert [person.username for key, person in sessions.items() if store().exists(key)] == ["ines"]
    other = reviews.reviewer("rosa")
    review_queue.claim(other)
    assert review_queue.held(other).count() == 3
    assert review_queue.take_up(ruth) == 0
    assert RouteRequest.objects.get(pk=asked.pk).state == RouteRequest.State.OPEN
    (entry,) = entries("person deactivated")
    assert (entry["actor"], entry["subject"], len(entry["samples"]), entry["sessions"]) == ("ines", "ruth", 2, 2)
    refused("not_active", members.deactivate, ruth.pk, ines)


def test_who_is_let_in_again_has_their_roles_and_password_and_no_old_session(ines: User) -> None:
    dana = somebody("dana", "engineer")
    before = session_of(dana)
    members.deactivate(dana.pk, ines)
    assert authenticate(RequestFactory().post("/login"), username="dana", password=PASSWORD) is None
    assert members.reactivate(dana.pk, ines).roles() == ["engineer"]
    assert authenticate(RequestFactory().post("/login"), username="dana", password=PASSWORD) == dana
    assert not import_module(settings.SESSION_ENGINE).SessionStore().exists(before)
    assert entries("person reactivated")[0]["roles"] == ["engineer"]
    refused("active", members.reactivate, dana.pk, ines)


# --- The last admin ----------------------------------------------------------------------------------


def gives_up(admin: User) -> object:
    return members.change_roles(admin.pk, ["viewer"], ["admin"], admin)


def leaves(admin: User) -> object:
    return members.deactivate(admin.pk, admin)


@pytest.mark.parametrize("step", [gives_up, leaves])
def test_the_last_admin_stays(ines: User, step: Callable[[User], object]) -> None:
    # These do not count: one cannot sign in, one is out.
    somebody("no-way-in", "admin", password=None)
    User.objects.filter(pk=somebody("out", "admin").pk).update(is_active=False)
    assert members.is_last_admin(ines)
    assert "ines is the last admin" in refused("last_admin", step, ines)
    assert again(ines).may("manage_people")
    assert AuditEntry.objects.count() == 0
    somebody("omar", "admin")
    step(ines)
    assert not again(ines).may("manage_people")


def test_an_admin_counts_who_signs_in_without_a_password(ines: User) -> None:
    omar = somebody("omar", "admin", password=None)
    # An app alone opens nothing: it is asked for after the password.
    Authenticator.objects.create(user=omar, type=Authenticator.Type.TOTP, data={})
    refused("last_admin", leaves, ines)
    Authenticator.objects.create(user=omar, type=Authenticator.Type.WEBAUTHN, data={})
    assert ways_in([omar])[omar.pk] == ["passkey", "authenticator app"]
    leaves(ines)
    assert members.is_last_admin(omar)


@pytest.mark.parametrize("step", [gives_up, leaves])
def test_two_admins_cannot_both_go_at_once(ines: User, step: Callable[[User], object]) -> None:
    omar = somebody("omar", "admin")
    for _ in range(3):
        errors = at_once(lambda: step(ines), lambda: step(omar))
        assert [getattr(error, "code", "") for error in errors] == ["last_admin"]
        assert [again(each).may("manage_people") for each in (ines, omar)].count(True) == 1
        User.objects.update(is_active=True)
        for each in (ines, omar):
            each.groups.set(Group.objects.filter(name="admin"))


def test_of_two_admins_who_shut_each_other_out_at_once_one_stays(ines: User) -> None:
    omar = somebody("omar", "admin")
    somebody("third", "admin")
    errors = at_once(lambda: members.deactivate(omar.pk, ines), lambda: members.deactivate(ines.pk, omar))
    assert [getattr(error, "code", "") for error in errors] == ["not_yours"]
    assert [again(each).is_active for each in (ines, omar)].count(True) == 1


# --- The server's own command line -------------------------------------------------------------------


def run(*words: str) -> str:
    out = StringIO()
    call_command(*words, stdout=out)
    return out.getvalue()


def test_create_admin_makes_the_first_admin_and_prints_the_password_alone() -> None:
    printed = run("create_admin", "ines")
    assert re.fullmatch(r"[\w-]{16,}\n", printed)
    ines = User.objects.get()
    assert ines.roles() == ["admin"]
    assert authenticate(RequestFactory().post("/login"), username="ines", password=printed.strip()) == ines
    assert entries("roles changed")[0]["actor"] == "manage.py"
    assert printed.strip() not in json.dumps(entries("roles changed"))


def test_create_admin_makes_no_second_one_unless_it_is_asked_to(ines: User) -> None:
    with pytest.raises(CommandError, match="ines is an admin and can sign in"):
        run("create_admin", "omar")
    assert User.objects.count() == 1
    run("create_admin", "omar", "--another")
    assert again(User.objects.get(username="omar")).may("manage_people")
    with pytest.raises(CommandError, match="already"):
        run("create_admin", "ines", "--another")


def test_create_admin_helps_where_no_admin_can_sign_in(ines: User) -> None:
    User.objects.update(is_active=False)
    run("create_admin", "omar")
    assert User.objects.get(username="omar").may("manage_people")


def test_create_admin_run_twice_at_once_makes_one() -> None:
    errors = at_once(lambda: run("create_admin", "ines"), lambda: run("create_admin", "omar"))
    assert len(errors) == 1
    assert User.objects.count() == 1
