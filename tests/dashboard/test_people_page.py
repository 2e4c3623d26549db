"""People as admins see them, and the link by which somebody joins."""

import json
import logging
import re
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.utils import timezone

from dashboard import asked_again
from fallbacks import members, review_queue
from fallbacks.local.environment import PROJECT
from fallbacks.logs import Lines
from fallbacks.models import AuditEntry, Invitation, RouteRequest, Sample, User
from tests import reviews
from tests.accounts.people import PASSWORD, asked_for
from tests.conftest import Person
from tests.dashboard.stage import asked_of_the_database

MOST_QUERIES = 12
HOSTILE = '"><script>alert(1)</script>'

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def admin(person: Person) -> Client:
    return person("admin")


@pytest.fixture
def ines() -> User:
    """Another admin, who has a name."""
    made = User.objects.create_user("ines", password=PASSWORD, first_name="Ines", last_name="Ortega")
    made.groups.set(Group.objects.filter(name="admin"))
    return made


def one(name: str) -> User:
    return User.objects.get(username=name)


def text(answer: Any) -> str:
    """What a page says, without its marks."""
    words = re.sub(r"<svg.*?</svg>|<head>.*?</head>|<[^>]+>", " ", answer.content.decode(), flags=re.DOTALL)
    return re.sub(r"\s+", " ", words)


def link_of(admin: Client, *roles: str, note: str = "") -> str:
    """Make an invitation on its page, and return the path of its link."""
    answer = admin.post("/people/invite", {"role": roles, "note": note})
    found = re.search(r'value="http://testserver(/invited/[^"]+)"', answer.content.decode())
    assert found, text(answer)
    return found[1]


def join(link: str, name: str = "dana", password: str = PASSWORD, again: str | None = None) -> tuple[Client, Any]:
    client = Client()
    return client, client.post(
        link, {"username": name, "password": password, "again": password if again is None else again}
    )


# --- Everybody ---------------------------------------------------------------------------------------


def test_the_page_lists_everybody_and_whom_one_waits_for(admin: Client, ines: User) -> None:
    dana = User.objects.create_user("dana", password=PASSWORD)
    dana.groups.set(Group.objects.filter(name__in=["viewer", "engineer"]))
    gone = User.objects.create_user("gone", is_active=False)
    User.objects.filter(pk=gone.pk).update(last_login=timezone.now() - timedelta(days=400))
    members.invite(ines, ["reviewer"], "Finn from support")
    words = text(admin.get("/people"))
    assert "3 people can sign in, 2 of them as admins" in words
    assert "Ines Ortega ines admin Active never password" in words
    assert "dana viewer engineer Active never password" in words
    assert re.search(r"gone none: nothing is open to them Deactivated .* nothing yet", words)
    assert re.search(r"Finn from support invitation \d+ reviewer Invited Ines Ortega", words)


def test_queries_do_not_grow_with_people(admin: Client, ines: User) -> None:
    # The first page of all also counts what waits for review, which is then remembered.
    admin.get("/people")
    before = len(asked_of_the_database(admin, "/people"))
    for number in range(30):
        one_more = User.objects.create_user(f"person-{number}")
        one_more.groups.set(Group.objects.filter(name__in=["admin", "reviewer"]))
        members.invite(ines, ["viewer"])
    assert len(asked_of_the_database(admin, "/people")) == before <= MOST_QUERIES
    assert len(asked_of_the_database(admin, f"/people/{ines.pk}")) <= MOST_QUERIES


def test_people_are_found_by_a_part_of_their_name_and_come_in_pages(admin: Client, ines: User) -> None:
    User.objects.bulk_create(User(username=f"person-{number:03}") for number in range(120))
    assert "Ines Ortega" in text(admin.get("/people?q=orteg"))
    assert "Nobody has that in their name" in text(admin.get("/people", {"q": HOSTILE + "\0"}))
    page = admin.get("/people?q=person").content.decode()
    assert page.count('class="plain name"') == 100
    following = re.search(r'href="(\?[^"]*after=[^"]+)"', page)
    assert following
    rest = admin.get("/people" + following[1].replace("&amp;", "&")).content.decode()
    assert rest.count('class="plain name"') == 20


def test_only_admins_are_led_there(admin: Client, person: Person) -> None:
    assert 'href="/people"' in admin.get("/").content.decode()
    assert 'href="/people"' not in person("viewer", "engineer", "reviewer").get("/").content.decode()


def test_texts_that_are_typed_stay_texts(admin: Client) -> None:
    link_of(admin, "viewer", note=HOSTILE)
    for page in ("/people", "/people?q=" + HOSTILE, "/audit"):
        assert "<script>alert" not in admin.get(page).content.decode()


# --- Inviting and joining ----------------------------------------------------------------------------


def test_somebody_who_is_invited_chooses_name_and_password_and_is_in(admin: Client) -> None:
    link = link_of(admin, "engineer", "viewer", note="Dana Kim")
    page = text(Client().get(link))
    assert "admin invited you as viewer and engineer" in page
    client, answer = join(link)
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert one("dana").roles() == ["viewer", "engineer"]
    assert client.get("/new-policy").status_code == 200
    assert one("dana").last_login
    assert one("dana").check_password(PASSWORD)
    log = text(admin.get("/audit"))
    assert re.search(r"dana joined as viewer and engineer, invited by admin \(invitation \d+\)", log)
    assert re.search(r"admin invited Dana Kim as viewer and engineer until .* \(invitation \d+\)", log)


def test_the_link_is_shown_once_and_kept_nowhere(admin: Client) -> None:
    link = link_of(admin, "viewer", note="Dana Kim")
    token = link.removeprefix("/invited/")
    assert token not in admin.get("/people").content.decode()
    join(link)
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = [name for (name,) in cursor.fetchall()]
        for table in tables:
            cursor.execute(f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE %s', [f"%{token}%"])
            assert cursor.fetchone() == (0,), table


def test_the_link_is_told_to_no_other_address_no_cache_and_no_log(admin: Client) -> None:
    link = link_of(admin, "viewer")
    used = link_of(admin, "viewer")
    join(used, "somebody")
    for path in (link, used, "/invited/none"):
        answer = Client().get(path)
        # Of the address, at most the server's name is told. With "no-referrer" the form's own origin would be "null".
        assert answer["Referrer-Policy"] == "strict-origin"
        assert "no-store" in answer["Cache-Control"]
    record = logging.makeLogRecord(
        {"msg": "Internal Server Error: %s", "args": (link,), "levelname": "ERROR", "path": f'"{link}"'}
    )
    line = Lines().format(record)
    assert link.removeprefix("/invited/") not in line
    assert json.loads(line)["path"] == '"/invited/…"'
    # The server's own log of requests is off, wherever it is started.
    for file in ("docker-compose.yml", "Dockerfile", "fallbacks/local/application.py"):
        started = (PROJECT / file).read_text()
        assert "access-log" not in started
        assert "LOG_ACCESS" not in started


def test_to_look_at_a_link_does_not_use_it_up(admin: Client) -> None:
    link = link_of(admin, "viewer")
    for method in ("get", "head"):
        assert getattr(Client(), method)(link).status_code == 200
    assert Invitation.objects.get().state == "open"
    assert User.objects.count() == 1


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": "admin"}, "There is a user admin already"),
        ({"name": "a b"}, "letters from a to z"),
        ({"password": "short"}, "too short"),
        ({"password": "password1234"}, "too common"),
        ({"name": "dana-of-the-tests", "password": "dana-of-the-tests"}, "too similar"),
        ({"again": "another one of the tests"}, "not the same as above"),
    ],
)
def test_what_is_no_good_name_or_password_is_said_beside_it(admin: Client, typed: dict[str, str], said: str) -> None:
    link = link_of(admin, "viewer")
    _, answer = join(link, **typed)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert said in page
    assert 'aria-invalid="true"' in page
    assert not re.search(r'type="password"[^>]* value=', page)
    assert User.objects.count() == 1
    # And nothing is lost: the same link goes on.
    assert join(link)[1].status_code == 302


@pytest.mark.parametrize(
    ("state", "status", "said"),
    [
        ("used", 410, "Somebody has joined by this link .* If it was not, tell Ines Ortega at once"),
        ("withdrawn", 410, "This link was withdrawn .* Ask Ines Ortega for another"),
        ("expired", 410, "The time of this link is over .* 7 days. Ask Ines Ortega for another"),
        ("unknown", 404, "There is no such invitation .* ask whoever sent it"),
    ],
)
def test_a_link_that_is_over_says_so_and_whom_to_ask(
    admin: Client, ines: User, state: str, status: int, said: str
) -> None:
    made = members.invite(ines, ["viewer"])
    link = f"/invited/{made.token}"
    if state == "used":
        assert join(link)[1].status_code == 302
    elif state == "withdrawn":
        answer = admin.post(f"/people/invite/{made.link.pk}/withdraw", follow=True)
        assert "nobody can join by that link any more" in text(answer)
    elif state == "expired":
        Invitation.objects.update(expires_at=timezone.now())
    else:
        link = "/invited/another"
    people = User.objects.count()
    for answer in (Client().get(link), join(link, "eve")[1]):
        assert answer.status_code == status
        assert re.search(said, text(answer))
    assert User.objects.count() == people


def test_where_who_invited_is_gone_the_admins_are_named(admin: Client, ines: User) -> None:
    made = members.invite(ines, ["viewer"])
    members.deactivate(ines.pk, one("admin"))
    assert "Ask admin for another" in text(Client().get(f"/invited/{made.token}"))


def test_who_is_signed_in_makes_no_second_person_of_themselves(admin: Client, person: Person) -> None:
    link = link_of(admin, "reviewer")
    engineer = person("engineer")
    form = {"username": "second", "password": PASSWORD, "again": PASSWORD}
    assert "You are signed in as engineer" in text(engineer.post(link, form))
    assert not User.objects.filter(username="second").exists()
    assert Invitation.objects.get().state == "open"


def test_an_invitation_needs_a_role(admin: Client) -> None:
    answer = admin.post("/people/invite", {"note": "Dana Kim"})
    assert "Choose at least one role" in text(answer)
    assert 'value="Dana Kim"' in answer.content.decode()


def test_joining_from_another_site_is_refused(admin: Client) -> None:
    link = link_of(admin, "viewer")
    form = {"username": "dana", "password": PASSWORD, "again": PASSWORD}
    assert Client(enforce_csrf_checks=True).post(link, form).status_code == 403
    assert not User.objects.filter(username="dana").exists()


# --- Somebody ----------------------------------------------------------------------------------------


def test_a_persons_page_says_what_each_role_may_do(admin: Client, ines: User) -> None:
    page = text(admin.get(f"/people/{ines.pk}"))
    assert "Engineer All that viewers may; read what reviewers wrote" in page
    assert "Admin All that the others may; see where items are" in page
    assert "invite people, change their roles and deactivate them." in page
    assert admin.get("/people/0").status_code == 404


def test_roles_hold_from_the_next_click_on(admin: Client, person: Person) -> None:
    dana = person("viewer")
    assert dana.get("/new-policy").status_code == 403
    number = one("viewer").pk
    answer = admin.post(f"/people/{number}/roles", {"role": ["viewer", "engineer"], "seen": "viewer"}, follow=True)
    assert "viewer is viewer and engineer from now on" in text(answer)
    assert dana.get("/new-policy").status_code == 200
    admin.post(f"/people/{number}/roles", {"seen": "viewer engineer"})
    assert dana.get("/").status_code == 403
    assert "changed the roles of viewer from viewer and engineer to none" in text(admin.get("/audit"))


def test_who_looked_at_other_roles_changes_nothing_and_is_told(admin: Client, ines: User) -> None:
    dana = User.objects.create_user("dana")
    members.change_roles(dana.pk, ["reviewer"], [], ines)
    answer = admin.post(f"/people/{dana.pk}/roles", {"role": ["engineer"], "seen": ""})
    assert answer.status_code == 409
    assert "Nothing was changed. Somebody changed the roles since you looked" in text(answer)
    # What is so now is shown, and sent along with the next try.
    assert 'name="seen" value="reviewer"' in answer.content.decode()
    assert one("dana").roles() == ["reviewer"]


def test_the_last_admin_is_told_before_and_refused_after(admin: Client) -> None:
    number = one("admin").pk
    assert "You are the last admin who can sign in." in text(admin.get(f"/people/{number}"))
    for step, sent in (("roles", {"role": ["viewer"], "seen": "admin"}), ("deactivate", {})):
        answer = admin.post(f"/people/{number}/{step}", sent)
        assert answer.status_code == 409
        assert "admin is the last admin who can sign in: first make somebody else an admin." in text(answer)
    assert one("admin").may("manage_people")
    assert AuditEntry.objects.count() == 0


def test_with_an_open_page_nothing_can_be_done_by_who_is_deactivated(admin: Client, person: Person) -> None:
    reviews.sampled(2)
    reviewer = person("reviewer")
    ruth = one("reviewer")
    review_queue.claim(ruth)
    RouteRequest.objects.create(
        workload=Sample.objects.all()[0].workload,
        primary="premium-chat",
        fallback="baseline-chat",
        asked_by=ruth,
        asked_at=timezone.now(),
    )
    number = review_queue.held(ruth)[0].pk
    assert "The 2 samples that they hold for review are free for others" in text(admin.get(f"/people/{ruth.pk}"))
    answer = admin.post(f"/people/{ruth.pk}/deactivate", follow=True)
    assert "reviewer is deactivated and signed out everywhere. What they held for review, 2 in all" in text(answer)
    for path in (f"/reviews/samples/{number}/score", "/reviews/claim", "/reviews/renew"):
        assert reviewer.post(path)["Location"].startswith("/login?next=")
    assert Sample.objects.filter(held_by=ruth).count() == 0
    assert RouteRequest.objects.get().state == RouteRequest.State.OPEN
    assert "deactivated reviewer, who held 2 samples for review" in text(admin.get("/audit"))
    # Whoever is let in again signs in again.
    answer = admin.post(f"/people/{ruth.pk}/reactivate", follow=True)
    assert "reviewer can sign in again" in text(answer)
    assert reviewer.get("/reviews")["Location"].startswith("/login?next=")


def test_who_signed_in_long_ago_is_asked_who_they_are_before_people_change(admin: Client, ines: User) -> None:
    session = admin.session
    session[asked_again.SHOWN_AT] -= 16 * 60
    session.save()
    number = one("ines").pk
    for path, sent in (
        ("/people/invite", {"role": ["admin"]}),
        (f"/people/{number}/roles", {"role": ["viewer"], "seen": "admin"}),
        (f"/people/{number}/deactivate", {}),
        (f"/people/{number}/reactivate", {}),
    ):
        assert asked_for(admin.post(path, sent)) == path
    assert AuditEntry.objects.count() == 0
    # What takes a way in from somebody is never held up.
    made = members.invite(ines, ["admin"]).link
    assert admin.post(f"/people/invite/{made.pk}/withdraw")["Location"] == "/people"
    assert Invitation.objects.get().state == "withdrawn"


def test_who_gives_up_being_admin_or_leaves_is_led_where_they_may_be(admin: Client, ines: User) -> None:
    number = one("admin").pk
    answer = admin.post(f"/people/{number}/roles", {"role": ["viewer"], "seen": "admin"})
    assert answer["Location"] == "/"
    assert admin.get("/people").status_code == 403
    second = Client()
    second.force_login(ines, "fallbacks.people.WithRoles")
    members.change_roles(number, ["admin"], ["viewer"], ines)
    session = second.session
    session[asked_again.SHOWN_AT] = 0
    session.save()
    leave = f"/people/{ines.pk}/deactivate"
    assert asked_for(second.post(leave)) == leave
    # What goes on after that ends the very session that it was kept with.
    assert second.post("/account/again", {"password": PASSWORD, "next": leave})["Location"] == "/login"
    assert second.get("/login").status_code == 200
    assert not one("ines").is_active


# --- Invited again -----------------------------------------------------------------------------------


def test_who_did_not_come_in_time_is_listed_and_invited_again_with_the_same_roles_and_note(
    admin: Client, ines: User
) -> None:
    made = members.invite(ines, ["reviewer", "engineer"], "Finn " + HOSTILE)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(days=2))
    page = admin.get("/people")
    assert re.search(r"invitation \d+ engineer reviewer Did not join Ines Ortega ran out .* Invite again", text(page))
    form = admin.get(f"/people/invite?again={made.link.pk}").content.decode()
    assert re.findall(r'value="(\w+)" checked', form) == ["engineer", "reviewer"]
    assert 'value="Finn &quot;&gt;&lt;script&gt;' in form
    link_of(admin, "engineer", note="Finn " + HOSTILE)
    again = text(admin.get("/people"))
    assert "Did not join" not in again
    assert "Invited" in again


@pytest.mark.parametrize("number", ["", "0", "none", "-1", "9" * 30, "٣"])
def test_to_invite_again_whom_nobody_invited_is_the_form_as_it_is(admin: Client, ines: User, number: str) -> None:
    members.invite(ines, ["admin"], "somebody who waits")
    answer = admin.get("/people/invite", {"again": number or str(Invitation.objects.get().pk)})
    assert re.findall(r'value="(\w+)" checked', answer.content.decode()) == ["viewer"]
    assert "somebody who waits" not in answer.content.decode()
