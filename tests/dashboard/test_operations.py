"""Operations: what was lost is worked out, and what is kept aside can be tried again or discarded, by admins."""

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from fallbacks import tally
from fallbacks.keys import Key
from fallbacks.models import Event, KeptAside
from ingest import buffer
from ingest import drain as draining
from tests import make
from tests.conftest import Person

PAGE = "/operations"
ANY = Key(1, frozenset(), frozenset(), frozenset(), None, 0)
HOSTILE = "<script>alert(1)</script>"
# Session, person, roles, those for the frame, three for the account with its two for the transaction, two for the list.
MOST_QUERIES = 12
pytestmark = pytest.mark.usefixtures("database", "stream")


@pytest.fixture
def admin(database: None, person: Person) -> Client:
    """The browser of an admin."""
    return person("admin")


@pytest.fixture
def kept(stream: None) -> KeptAside:
    """An event that the database refuses, kept aside among two that it takes."""
    buffer.append(ANY, events=[make.event(), make.event(outcome="nonsense", reason=HOSTILE), make.event()])
    drain()
    return KeptAside.objects.get()


def drain() -> None:
    for shard in buffer.shards():
        if buffer.waiting(shard):
            draining.drain(shard, 5)


def shown(client: Client, path: str = PAGE) -> str:
    """The page's text, its tags gone and its spaces single."""
    answer = client.get(path)
    assert answer.status_code == 200
    body = answer.content.decode().split("<main", 1)[1]
    return " ".join(re.sub(r"<[^>]+>", " ", body).split()).replace(" ,", ",")


def test_nothing_received_is_nothing_lost(admin: Client) -> None:
    text = shown(admin)
    assert "Events lost: 0, nothing was received yet" in text
    assert "Nothing is kept aside" in text


def test_what_was_received_is_somewhere(admin: Client, kept: KeptAside) -> None:
    buffer.append(ANY, events=[make.event()], rejected={"status": 2})
    text = shown(admin)
    assert re.search(r"Events lost: 0 since \d\d:\d\d", text)
    assert "Received 6 4 accepted, 2 rejected Stored 2" in text
    assert "Kept aside 1" in text
    assert "In flight 1" in text
    assert "Lost 0" in text
    assert "status 2" in text


def test_a_loss_is_worked_out_and_not_written(admin: Client) -> None:
    buffer.append(ANY, events=[make.event(), make.event(), make.event()])
    buffer.connection().delete(buffer.stream(buffer.shard_of("support-chat")))
    text = shown(admin)
    assert re.search(r"Events lost: (at least )?3 since", text)
    assert "Something that was accepted is nowhere." in text


def test_what_is_kept_is_shown_with_its_error_and_harms_nobody(admin: Client, kept: KeptAside) -> None:
    answer = admin.get(PAGE).content.decode()
    assert HOSTILE not in answer
    text = shown(admin)
    assert kept.origin in text
    assert "event_outcome" in text
    assert "&quot;reason&quot;: &quot;&lt;script&gt;alert(1)&lt;/script&gt;&quot;" in text


def test_bytes_that_are_no_text_are_shown_as_numbers(admin: Client) -> None:
    buffer.connection().xadd(buffer.stream(0), {"body": b"\x00\xffgarbage<b>"})
    buffer.connection().xadd(buffer.stream(0), {"body": b"plain words"})
    buffer.connection().xadd(buffer.stream(0), {"other": b""})
    buffer.connection().xadd(buffer.stream(0), {"body": b"\xc1" * 5000})
    drain()
    text = shown(admin)
    assert "000000 00 ff 67 61 72 62 61 67 65 3c 62 3e ..garbage&lt;b&gt;" in text
    assert "plain words" in text
    assert "It was empty." in text
    assert "5,000 bytes" in text
    assert "The first 2,048 are shown." in text


def test_trying_again_in_vain_shows_the_new_error_and_keeps_it(admin: Client, kept: KeptAside) -> None:
    KeptAside.objects.update(error="an old error")
    answer = admin.post(f"{PAGE}/kept-aside/{kept.pk}/again", follow=True)
    assert "refused again" in answer.text
    assert "an old error" not in answer.text
    assert "event_outcome" in answer.text
    assert KeptAside.objects.count() == 1


def test_trying_again_records_what_can_be_recorded_now(admin: Client, kept: KeptAside) -> None:
    KeptAside.objects.update(body=bytes(kept.body).replace(b"nonsense", b"served"))
    answer = admin.post(f"{PAGE}/kept-aside/{kept.pk}/again", follow=True)
    assert "Recorded, as 1 new." in answer.text
    assert "Nothing is kept aside" in answer.text
    assert Event.objects.count() == 3
    assert (tally.account().stored, tally.account().lost) == (3, 0)
    assert "somebody else was quicker" in admin.post(f"{PAGE}/kept-aside/{kept.pk}/again", follow=True).text


def test_what_is_discarded_is_gone_and_counted(admin: Client, kept: KeptAside) -> None:
    assert "Nobody can bring it back" in admin.get(PAGE).text
    answer = admin.post(f"{PAGE}/kept-aside/{kept.pk}/discard", follow=True)
    assert "Discarded." in answer.text
    assert KeptAside.objects.count() == 0
    assert (tally.account().discarded, tally.account().lost) == (1, 0)
    assert "somebody else was quicker" in admin.post(f"{PAGE}/kept-aside/{kept.pk}/discard", follow=True).text


@pytest.mark.parametrize("roles", [("viewer",), ("engineer", "reviewer"), ()])
def test_nobody_but_admins_comes_in(person: Person, kept: KeptAside, roles: tuple[str, ...]) -> None:
    client = person(*roles)
    assert client.get(PAGE).status_code == 403
    for what in ("again", "discard"):
        assert client.post(f"{PAGE}/kept-aside/{kept.pk}/{what}").status_code == 403
    assert KeptAside.objects.count() == 1
    assert PAGE not in client.get("/").text


def test_the_signed_out_are_sent_to_the_login_page(kept: KeptAside) -> None:
    for answer in (Client().get(PAGE), Client().post(f"{PAGE}/kept-aside/{kept.pk}/discard")):
        assert (answer.status_code, answer["Location"].split("?")[0]) == (302, "/login")
    assert KeptAside.objects.count() == 1


def test_nothing_changes_without_a_post_and_its_token(admin: Client, kept: KeptAside) -> None:
    careful = Client(enforce_csrf_checks=True)
    careful.cookies = admin.cookies
    for what in ("again", "discard"):
        path = f"{PAGE}/kept-aside/{kept.pk}/{what}"
        assert admin.get(path).status_code == 405
        assert careful.post(path).status_code == 403
    assert KeptAside.objects.count() == 1


def test_admins_find_it_in_the_navigation(admin: Client) -> None:
    assert f'href="{PAGE}"' in admin.get("/").text


def test_many_are_read_page_by_page(admin: Client) -> None:
    KeptAside.objects.bulk_create(KeptAside(origin=f"events:0/{n}-0", body=b"x", error="e") for n in range(30))
    first = admin.get(PAGE).text
    assert "the newest 25 of 30" in " ".join(first.split())
    assert "events:0/29-0" in first
    assert "events:0/4-0" not in first
    older = re.search(r'href="(/operations\?before=\d+)"', first)
    assert older
    second = admin.get(older[1]).text
    assert "events:0/4-0" in second
    assert "events:0/5-0" not in second
    assert admin.get(f"{PAGE}?before=nonsense").status_code == 200


def test_it_asks_a_bounded_number_of_questions(admin: Client) -> None:
    KeptAside.objects.bulk_create(KeptAside(origin=f"events:0/{n}-0", body=b"x", error="e") for n in range(30))
    buffer.append(ANY, events=[make.event()])
    with CaptureQueriesContext(
        connection,
    ) as asked:
        shown(admin)
    assert len(asked) <= MOST_QUERIES


def test_while_the_stream_is_away_it_tells_what_is_known(admin: Client, kept: KeptAside, running_servers: Any) -> None:
    running_servers.down("redis-stream")
    try:
        text = shown(admin)
    finally:
        running_servers.up("redis-stream")
    assert "Events lost: not known just now" in text
    assert "Stored 2" in text
    assert kept.origin in text
