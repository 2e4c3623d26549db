"""Keys made, rotated and revoked by machines, in the name of somebody who may, and never beyond what they have."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from fallbacks import key_ring, keys
from fallbacks.models import ApiKey, AuditEntry, User
from fallbacks.scopes import MANAGE
from tests.conftest import Person

PATH = "/api/v1/keys"
pytestmark = pytest.mark.usefixtures("database", "stream")


@pytest.fixture
def dana(database: None, person: Person) -> User:
    """An engineer."""
    person("engineer")
    return User.objects.get()


def service(owner: User, scopes: tuple[str, ...] = (MANAGE, "events:write"), **over: Any) -> Client:
    """A machine with a key that manages keys."""
    text = key_ring.make("ci", scopes, owner=owner, **over)
    return Client(headers={"authorization": f"Bearer {text}"})


def post(client: Client, path: str = PATH, **sent: Any) -> Any:
    return client.post(path, sent, content_type="application/json")


def make(client: Client, **over: Any) -> Any:
    return post(client, **{"name": "gateway", "scopes": ["events:write"], **over})


def test_a_key_is_made_and_belongs_to_the_owner_of_the_one_that_makes_it(dana: User) -> None:
    ends = timezone.now() + timedelta(days=30)
    answer = make(service(dana), workloads=["a"], environments=["staging"], expires_at=ends.isoformat(), rate=5)
    assert answer.status_code == 201
    assert answer["Cache-Control"] == "no-store"
    said = answer.json()
    found = keys.find(said["key"])
    assert found is not None
    assert (set(found.scopes), set(found.workloads), found.rate) == ({"events:write"}, {"a"}, 5)
    assert (said["owner"], said["state"], said["last_used_at"]) == ("engineer", "good", None)
    assert parse_datetime(said["expires_at"]) == ends
    maker = ApiKey.objects.get(name="ci")
    signed = (f"key ci ({maker.prefix})", "key made")
    assert AuditEntry.objects.order_by("-number").values_list("actor", "action")[0] == signed


def test_no_other_answer_has_the_key(dana: User) -> None:
    client = service(dana)
    text = make(client).json()["key"]
    for path in (PATH, f"{PATH}/{text[:11]}"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert text[:20] not in answer.content.decode()


@pytest.mark.parametrize(
    ("own", "sent", "field"),
    [
        ({}, {"scopes": ["events:write", "events:read"]}, "scopes"),
        ({"workloads": ["a"]}, {}, "workloads"),
        ({"workloads": ["a"]}, {"workloads": ["b"]}, "workloads"),
        ({"environments": ["staging"]}, {"environments": ["production"]}, "environments"),
        ({"expires_at": timezone.now() + timedelta(days=1)}, {}, "expires_at"),
        ({"expires_at": timezone.now() + timedelta(days=1)}, {"expires_at": "2100-01-01T00:00:00Z"}, "expires_at"),
        ({"rate": 5}, {}, "rate"),
        ({}, {"name": ""}, "name"),
        ({}, {"expires_at": "tomorrow"}, "expires_at"),
        ({}, {"owner": "root"}, "owner"),
    ],
)
def test_what_goes_beyond_it_or_is_no_key_is_refused_by_its_field(
    dana: User, own: dict[str, Any], sent: dict[str, Any], field: str
) -> None:
    answer = make(service(dana, **own), **sent)
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, field)
    assert ApiKey.objects.count() == 1


def test_it_sees_and_changes_the_keys_of_its_owner_alone(dana: User, person: Person) -> None:
    person("viewer")
    theirs = key_ring.make("theirs", ["events:write"], owner=User.objects.get(username="viewer"))
    nobodys = key_ring.make("nobody's", ["events:write"])
    client = service(dana)
    assert {row["name"] for row in client.get(PATH).json()["results"]} == {"ci"}
    for text in (theirs, nobodys):
        path = f"{PATH}/{text[:11]}"
        assert client.get(path).status_code == 404
        assert client.delete(path).status_code == 404
        assert post(client, f"{path}/rotate").status_code == 404
        assert keys.find(text) is not None


def test_that_of_an_admin_sees_all_and_gives_no_more_than_it_has(database: None, person: Person) -> None:
    person("admin")
    reader = key_ring.make("reader", ["events:read"])
    client = service(User.objects.get())
    assert {row["name"] for row in client.get(PATH).json()["results"]} == {"reader", "ci"}
    # To rotate is to get a key that may the same.
    refused = post(client, f"{PATH}/{reader[:11]}/rotate")
    assert (refused.status_code, refused.json()["error"]["field"]) == (400, "scopes")
    assert client.delete(f"{PATH}/{reader[:11]}").json()["state"] == "revoked"
    keys.forget()
    assert keys.find(reader) is None


@pytest.mark.parametrize("change", ["deactivated", "role taken", "revoked", "expired"])
def test_it_acts_only_while_its_owner_may_and_it_is_good_itself(dana: User, change: str) -> None:
    client = service(dana)
    assert client.get(PATH).status_code == 200
    if change == "deactivated":
        User.objects.update(is_active=False)
    elif change == "role taken":
        dana.groups.set(Group.objects.filter(name="viewer"))
    elif change == "revoked":
        ApiKey.objects.update(revoked_at=timezone.now())
    else:
        ApiKey.objects.update(expires_at=timezone.now())
    # At once, though the process remembers the key.
    for answer in (client.get(PATH), make(client), client.delete(f"{PATH}/fo_00000000")):
        assert answer.status_code == (403 if change in ("deactivated", "role taken") else 401)
    assert ApiKey.objects.count() == 1


def test_a_key_is_rotated_with_an_overlap_and_once(dana: User) -> None:
    client = service(dana)
    old = make(client).json()["prefix"]
    answer = post(client, f"{PATH}/{old}/rotate", overlap_hours=1)
    assert (answer.status_code, answer["Cache-Control"]) == (201, "no-store")
    new = answer.json()
    assert keys.find(new["key"]) is not None
    assert (new["replaces"], new["expires_at"]) == (old, None)
    before = client.get(f"{PATH}/{old}").json()
    assert (before["replaced_by"], before["state"]) == (new["prefix"], "good")
    ends = parse_datetime(before["expires_at"])
    assert ends is not None
    assert abs(ends - timezone.now() - timedelta(hours=1)) < timedelta(minutes=1)
    again = post(client, f"{PATH}/{old}/rotate")
    assert (again.status_code, again.json()["error"]["code"]) == (409, "replaced")
    wrong = post(client, f"{PATH}/{new['prefix']}/rotate", overlap_hours=2)
    assert (wrong.status_code, wrong.json()["error"]["field"]) == (400, "overlap_hours")


def test_it_may_rotate_itself_and_lives_no_longer_for_it(dana: User) -> None:
    client = service(dana, expires_at=timezone.now() + timedelta(days=30))
    own = ApiKey.objects.get()
    assert own.expires_at is not None
    ApiKey.objects.update(created_at=timezone.now() - timedelta(days=60))
    new = post(client, f"{PATH}/{own.prefix}/rotate").json()
    assert set(new["scopes"]) == {MANAGE, "events:write"}
    assert parse_datetime(new["expires_at"]) == own.expires_at


def test_a_key_is_revoked_and_stays_so(dana: User) -> None:
    client = service(dana)
    text = make(client).json()["key"]
    said = client.delete(f"{PATH}/{text[:11]}").json()
    assert said["state"] == "revoked"
    assert client.delete(f"{PATH}/{text[:11]}").json()["revoked_at"] == said["revoked_at"]
    keys.forget()
    assert keys.find(text) is None
    assert AuditEntry.objects.filter(action="key revoked").count() == 1
    assert post(client, f"{PATH}/{text[:11]}/rotate").json()["error"]["code"] == "not_good"


def test_the_list_comes_in_pages(dana: User) -> None:
    client = service(dana)
    for number in range(4):
        key_ring.make(f"key-{number}", ["events:write"], owner=dana)
    found, path = [], f"{PATH}?limit=2"
    while path:
        page = client.get(path).json()
        found += [row["prefix"] for row in page["results"]]
        path = (page["next"] or "").removeprefix("http://testserver")
    assert found == sorted(ApiKey.objects.values_list("prefix", flat=True))


def test_a_key_without_the_scope_does_nothing_here(dana: User) -> None:
    client = service(dana, scopes=("events:write", "policy:write"))
    for answer in (client.get(PATH), make(client), client.delete(f"{PATH}/fo_00000000")):
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "lacks_scope")
