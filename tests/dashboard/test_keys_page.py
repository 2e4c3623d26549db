"""Keys as people make, rotate and revoke them: their own, and everybody's for admins."""

import json
import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from fallbacks import key_ring, keys
from fallbacks.models import ApiKey, AuditEntry, User
from tests.conftest import Person
from tests.dashboard.stage import asked_of_the_database, shown, text_of

PAGE, NEW = "/keys", "/keys/new"
MOST_QUERIES = 12
HOSTILE = "<script>alert(1)</script>"
pytestmark = pytest.mark.usefixtures("database", "stream")


@pytest.fixture
def engineer(database: None, person: Person) -> Client:
    return person("engineer")


def user(name: str) -> User:
    return User.objects.get(username=name)


def number_of(client: Client, path: str) -> str:
    """The number of the form on a page."""
    found = re.search(r'name="form" value="([^"]+)"', client.get(path).text)
    assert found
    return found[1]


def send(client: Client, **typed: Any) -> Any:
    """Fill the form of a new key in, and send it."""
    usual = {"name": "gateway", "scopes": ["events:write"], "expires": "90", "workloads": "", "environments": ""}
    return client.post(NEW, {"form": number_of(client, NEW), **usual, **typed})


def key_in(page: str) -> str:
    found = re.search(r'id="key" readonly value="(fo_[^"]+)"', page)
    assert found, text_of(page.encode())[:500]
    return found[1]


def block(page: str, name: str) -> str:
    found = re.search(rf'<code id="{name}">(.*?)</code>', page, re.DOTALL)
    assert found
    return unescape(found[1])


def make(name: str, owner: str | None = None, **over: Any) -> ApiKey:
    text = key_ring.make(name, over.pop("scopes", ["events:write"]), owner=user(owner) if owner else None, **over)
    return ApiKey.objects.get(prefix=key_ring.prefix_of(text))


# Making


def test_a_key_is_what_was_asked_for_and_belongs_to_who_made_it(engineer: Client) -> None:
    answer = send(
        engineer,
        scopes=["events:write", "rates:read"],
        workloads="a, b",
        environments="staging",
        rate="10",
        expires="30",
    )
    found = keys.find(key_in(answer.text))
    assert found is not None
    assert found.scopes == {"events:write", "rates:read"}
    assert (set(found.workloads), set(found.environments), found.rate) == ({"a", "b"}, {"staging"}, 10)
    assert found.expires_at is not None
    assert abs(found.expires_at - timezone.now() - timedelta(days=30)) < timedelta(minutes=1)
    assert ApiKey.objects.get().owner == user("engineer")
    assert AuditEntry.objects.values_list("actor", "action").get() == ("engineer", "key made")


def test_it_is_shown_once_and_kept_nowhere(engineer: Client) -> None:
    answer = send(engineer)
    text = key_in(answer.text)
    assert "no-store" in answer["Cache-Control"]
    assert text not in str(answer.headers)
    assert text not in str(dict(engineer.session))
    for path in (PAGE, NEW, f"{PAGE}/{text[:11]}"):
        page = engineer.get(path)
        assert page.status_code == 200
        assert text[:20] not in page.text


def test_the_same_form_sent_again_makes_no_second_key(engineer: Client) -> None:
    typed = {"form": number_of(engineer, NEW), "name": "gateway", "scopes": ["events:write"], "expires": "90"}
    assert key_in(engineer.post(NEW, typed).text)
    again = engineer.post(NEW, typed, follow=True)
    assert "No second one was made" in text_of(again.content)
    assert 'id="key"' not in again.text
    assert ApiKey.objects.count() == 1
    without = engineer.post(NEW, {**typed, "form": ""})
    assert "the form had lost its number" in text_of(without.content)
    assert ApiKey.objects.count() == 1


def test_the_lines_that_come_with_it_are_what_the_doors_take(engineer: Client) -> None:
    page = send(engineer, scopes=["events:write"], workloads="support-chat", environments="staging").text
    text = key_in(page)
    assert block(page, "environment").splitlines() == [
        "export OBSERVATORY_URL=http://testserver",
        f"export OBSERVATORY_KEY={text}",
    ]
    command = block(page, "trial")
    assert f'"Authorization: Bearer {text}"' in command
    body = json.loads(command.split("-d '")[1].rstrip("'"))
    service = Client(headers={"authorization": f"Bearer {text}"})
    assert service.post("/api/v1/events", body, content_type="application/json").status_code == 202


@pytest.mark.parametrize(
    ("scope", "bound"),
    [
        ("traffic:write", "staging"),
        ("rates:read", "staging, production"),
        ("events:read", ""),
        ("policy:read", ""),
        ("metrics:read", ""),
        ("keys:manage", ""),
    ],
)
def test_each_key_can_be_tried(engineer: Client, scope: str, bound: str) -> None:
    page = send(engineer, scopes=[scope], environments=bound).text
    command, service = block(page, "trial"), Client(headers={"authorization": f"Bearer {key_in(page)}"})
    path = re.findall(r"http://testserver(/[^\s\"]+)", command)[0]
    if "-d '" in command:
        body = command.split("-d '")[1].rstrip("'")
        assert service.post(path, body, content_type="application/json").status_code == 202
    else:
        assert service.get(path).status_code == 200


def test_what_is_wrong_stands_beside_its_field_and_what_was_typed_stays(engineer: Client) -> None:
    answer = send(engineer, name="", scopes=[], workloads="Support Chat", rate="0", expires="soon")
    assert answer.status_code == 200
    text = text_of(answer.content)
    assert "Not made." in text
    for field in ("name", "scopes", "workloads", "rate", "expires"):
        assert f'id="{field}-problem"' in answer.text, field
    assert 'value="Support Chat"' in answer.text
    assert not ApiKey.objects.exists()


def test_first_run_makes_a_key_of_ones_own_once(engineer: Client) -> None:
    number = number_of(engineer, "/first-run")
    assert key_in(engineer.post("/first-run", {"form": number}).text)
    assert ApiKey.objects.get().owner == user("engineer")
    again = engineer.post("/first-run", {"form": number})
    assert "No second one was made" in text_of(again.content)
    assert ApiKey.objects.count() == 1


# Rotating and revoking


def test_rotating_shows_the_new_key_and_which_replaces_which(engineer: Client) -> None:
    old = make("gateway", "engineer")
    page = f"{PAGE}/{old.prefix}"
    typed = {"form": number_of(engineer, page), "overlap": "168"}
    answer = engineer.post(f"{page}/rotate", typed)
    new = key_in(answer.text)
    assert keys.find(new) is not None
    assert f"takes the place of {old.prefix}…" in text_of(answer.content)
    assert f"Replaced by {new[:11]}…: it goes on until" in shown(engineer, page)
    assert f"in the place of {old.prefix}…" in shown(engineer, f"{PAGE}/{new[:11]}")
    assert f"by {new[:11]}…" in shown(engineer, PAGE)
    again = engineer.post(f"{page}/rotate", typed, follow=True)
    assert "has taken its place already" in text_of(again.content)
    assert ApiKey.objects.count() == 2
    assert 'action="/keys' not in engineer.get(page).text.split("revoke-title")[0]


def test_revoking_asks_once_more_and_closes_the_key(engineer: Client) -> None:
    row = make("gateway", "engineer")
    page = f"{PAGE}/{row.prefix}"
    assert "Revoke for good" in shown(engineer, page)
    answer = engineer.post(f"{page}/revoke", follow=True)
    text = text_of(answer.content)
    assert "gateway is revoked. Within 5 seconds it opens nothing any more." in text
    assert "Revoke for good" not in text
    assert ApiKey.objects.get().revoked_at is not None
    assert "was revoked before" in text_of(engineer.post(f"{page}/revoke", follow=True).content)


@pytest.mark.parametrize("path", ["", "/rotate", "/revoke"])
def test_the_keys_of_others_are_not_there_but_for_admins(engineer: Client, person: Person, path: str) -> None:
    person("viewer")
    row = make("theirs", "viewer")
    ask = engineer.post if path else engineer.get
    assert ask(f"{PAGE}/{row.prefix}{path}", {"form": "", "overlap": "24"} if path else None).status_code == 404
    assert "theirs" not in shown(engineer, PAGE)
    admin = person("admin")
    ask = admin.post if path else admin.get
    answer = ask(f"{PAGE}/{row.prefix}{path}", {"form": number_of(admin, f"{PAGE}/{row.prefix}"), "overlap": "24"})
    assert answer.status_code in (200, 302)
    assert "theirs" in shown(admin, PAGE)


# The list


def test_with_no_key_it_says_what_to_do(engineer: Client) -> None:
    text = shown(engineer, PAGE)
    assert "You have no key yet" in text
    assert "Make the first key" in text


def test_admins_filter_by_owner_scope_and_state(person: Person) -> None:
    admin = person("admin")
    person("engineer")
    make("mine", "admin", scopes=["rates:read"])
    make("theirs", "engineer")
    nobody = make("nobody's")
    key_ring.revoke(nobody, "tests")
    over = make("over", "engineer")
    ApiKey.objects.filter(pk=over.pk).update(expires_at=timezone.now())

    def names(**query: str) -> set[str]:
        page = admin.get(PAGE, query)
        assert page.status_code == 200
        return {unescape(name) for name in re.findall(r'<a class="plain name" href="[^"]+">([^<]+)</a>', page.text)}

    assert names() == {"mine", "theirs", "nobody's", "over"}
    assert names(owner="engineer") == {"theirs", "over"}
    assert names(owner="-") == {"nobody's"}
    assert names(scope="rates:read") == {"mine"}
    assert names(state="good") == {"mine", "theirs"}
    assert names(state="expired") == {"over"}
    assert names(state="revoked") == {"nobody's"}
    assert names(owner="engineer", state="good") == {"theirs"}
    assert names(owner="ghost", state="odd") == {"mine", "theirs", "nobody's", "over"}
    assert "There is no such owner" in shown(admin, PAGE, owner="ghost")
    assert "No key matches" in shown(admin, PAGE, owner="-", state="good")


def test_keys_of_people_who_are_deactivated_are_marked_and_the_rotated_one_changes_hands(person: Person) -> None:
    admin = person("admin")
    person("engineer")
    row = make("theirs", "engineer")
    User.objects.filter(username="engineer").update(is_active=False)
    text = shown(admin, PAGE)
    assert "1 good key of people who are deactivated" in text
    assert "engineer deactivated" in text
    page = f"{PAGE}/{row.prefix}"
    assert "is deactivated" in shown(admin, page)
    new = key_in(admin.post(f"{page}/rotate", {"form": number_of(admin, page), "overlap": "1"}).text)
    assert ApiKey.objects.get(prefix=new[:11]).owner == user("admin")


def test_a_hostile_name_is_text(engineer: Client) -> None:
    page = send(engineer, name=HOSTILE).text
    row = ApiKey.objects.get()
    for found in (page, engineer.get(PAGE).text, engineer.get(f"{PAGE}/{row.prefix}").text):
        assert HOSTILE not in found
        assert "&lt;script&gt;alert(1)" in found


def test_it_asks_a_bounded_number_of_questions_and_pages_are_whole(person: Person) -> None:
    admin = person("admin")
    person("engineer")
    for number in range(60):
        make(f"key-{number}", "engineer" if number % 2 else None)
    row = ApiKey.objects.latest("pk")
    for path in (PAGE, NEW, f"{PAGE}/{row.prefix}"):
        assert len(asked_of_the_database(admin, path)) <= MOST_QUERIES
    first = admin.get(PAGE).text
    older = re.search(r"\?before=(\d+)", first)
    assert older
    second = admin.get(PAGE, {"before": older[1]}).text
    found = [re.findall(r'class="plain name" href="/keys/(\w+)"', page) for page in (first, second)]
    assert (len(found[0]), len(found[1])) == (50, 10)
    assert len({*found[0], *found[1]}) == 60


def test_who_may_make_no_keys_is_told_whom_to_ask(person: Person) -> None:
    viewer = person("viewer")
    for path in (PAGE, NEW):
        refused = viewer.get(path)
        assert refused.status_code == 403
        assert "This is for engineers and admins." in text_of(refused.content)
    assert 'href="/keys"' not in viewer.get("/").text
