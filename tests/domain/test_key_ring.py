"""The ring of keys: what is made, rotated and revoked, by whom, and what no other key gets."""

import io
import re
import subprocess
import sys
import threading
import time
import zlib
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from fallbacks import key_ring, keys, streams
from fallbacks.key_drafts import draft
from fallbacks.key_ring import MadeAlready
from fallbacks.local.environment import PROJECT
from fallbacks.models import ApiKey, AuditEntry, User
from fallbacks.not_now import NotNow
from fallbacks.reading import Refused
from fallbacks.scopes import MANAGE

pytestmark = pytest.mark.usefixtures("database")
DAY = timedelta(days=1)


def person(name: str = "dana", role: str = "engineer") -> User:
    user = User.objects.create_user(name)
    user.groups.add(Group.objects.get(name=role))
    return user


def row_of(text: str) -> ApiKey:
    return ApiKey.objects.get(prefix=key_ring.prefix_of(text))


def entries() -> list[tuple[str, str, str]]:
    return list(AuditEntry.objects.order_by("number").values_list("actor", "action", "subject"))


# What is made


def test_a_scanner_finds_keys_of_today_and_of_before_by_the_expression_in_the_documents() -> None:
    document = (PROJECT / "docs" / "keys.md").read_text()
    expression = re.search(r"```regex\n(.+)\n```", document)
    assert expression
    text = key_ring.make("gateway", ["events:write"])
    before_there_was_a_checksum = text[:-8]
    for found in (text, before_there_was_a_checksum):
        assert re.search(expression[1], f"OBSERVATORY_KEY={found}\n")
        assert re.search(expression[1], f'{{"key": "{found}"}}')
    assert not re.search(expression[1], f"{text[:40]} and so on")
    assert f"{zlib.crc32(text[:-8].encode()):08x}" == text[-8:]


def test_a_key_from_before_there_was_a_checksum_is_as_good() -> None:
    old = f"fo_0123abcd_{'x' * 43}"
    ApiKey.objects.create(name="old", prefix=old[:11], digest=keys.digest(old), scopes=["events:write"])
    assert keys.find(old) is not None


def test_the_secret_has_256_bits_and_stands_nowhere_in_the_database_or_the_log() -> None:
    text = key_ring.make("gateway", ["events:write"], owner=person())
    secret = text.removeprefix(key_ring.prefix_of(text))[1:-8]
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", secret)
    for table in ("api_key", "audit_entry"):
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT row_to_json(x)::text FROM {table} x")
            assert cursor.fetchall()
            cursor.execute(f"SELECT count(*) FROM {table} x WHERE row_to_json(x)::text LIKE %s", [f"%{secret[:12]}%"])
            assert cursor.fetchone() == (0,)


def test_the_same_hash_cannot_be_there_twice_and_is_found_by_its_index() -> None:
    text = key_ring.make("gateway", ["events:write"])
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiKey.objects.create(name="again", prefix="fo_00000000", digest=keys.digest(text), scopes=["events:write"])
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        cursor.execute("EXPLAIN SELECT * FROM api_key WHERE digest = '\\x00'")
        plan = str(cursor.fetchall())
        cursor.execute("SET enable_seqscan = on")
    assert "Index Scan" in plan


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 101),
        ("name", "two\nlines"),
        # Read as "admin", as nothing, and as two lines.
        ("name", "\u202enimda"),
        ("name", "\ufeff"),
        ("name", "\u3164"),
        ("name", "a\u2028b"),
        ("name", "a\x85b"),
        ("name", "--"),
        ("name", 7),
        ("scopes", []),
        ("scopes", ["everything"]),
        ("scopes", "events:write"),
        ("workloads", ["Support Chat"]),
        ("environments", [1]),
        ("expires_at", "2030-01-01T00:00:00"),
        ("expires_at", "2020-01-01T00:00:00Z"),
        ("expires_at", "9999-01-01T00:00:00Z"),
        ("expires_at", ""),
        ("rate", 0),
        ("rate", True),
        ("rate", "10"),
        ("owner", "dana"),
        ("name", "half a pair \ud800"),
    ],
)
def test_what_is_no_key_is_refused_by_its_field(field: str, value: Any) -> None:
    asked: dict[str, Any] = {"name": "gateway", "scopes": ["events:write"]}
    with pytest.raises(Refused) as refused:
        draft(asked | {field: value}, timezone.now())
    assert [problem.field for problem in refused.value.problems] == [field]


def test_each_step_has_its_entry_with_who_did_it() -> None:
    dana = person()
    first = key_ring.make("gateway", ["events:write"], by="dana", owner=dana)
    second = key_ring.rotate(row_of(first), DAY, "dana", dana)
    key_ring.revoke(row_of(second), "ines")
    assert not key_ring.revoke(row_of(second), "ines")
    prefixes = key_ring.prefix_of(first), key_ring.prefix_of(second)
    assert entries() == [
        ("dana", "key made", prefixes[0]),
        ("dana", "key rotated", prefixes[0]),
        ("ines", "key revoked", prefixes[1]),
    ]


# Whose it is


def test_a_key_of_nobody_cannot_manage_keys_not_even_by_sql() -> None:
    with pytest.raises(Refused, match="acts for the owner"):
        key_ring.make("ci", [MANAGE])
    with pytest.raises(CommandError, match="acts for the owner"):
        call_command("create_key", "ci", "--scope", MANAGE)
    text = key_ring.make("ci", ["events:write"])
    with pytest.raises(IntegrityError), transaction.atomic():
        ApiKey.objects.filter(pk=row_of(text).pk).update(scopes=[MANAGE])


def test_people_see_their_own_keys_and_admins_all() -> None:
    dana, ines, root = person(), person("ines"), person("root", "admin")
    for owner in (dana, ines, None):
        key_ring.make(owner.username if owner else "nobody", ["events:write"], owner=owner)
    seen = {user.username: {row.name for row in key_ring.seen_by(user)} for user in (dana, root)}
    assert seen == {"dana": {"dana"}, "root": {"dana", "ines", "nobody"}}


# Rotation


def test_a_rotated_key_may_the_same_and_the_old_one_goes_on_and_ends_by_itself() -> None:
    dana = person()
    limits: dict[str, Any] = {"workloads": ["a"], "environments": ["staging"], "rate": 7}
    old = key_ring.make("gateway", ["events:write"], expires_at=timezone.now() + 90 * DAY, owner=dana, **limits)
    ApiKey.objects.update(created_at=timezone.now() - 80 * DAY, expires_at=timezone.now() + 10 * DAY)
    new = key_ring.rotate(row_of(old), DAY, "dana", dana)
    before, after = row_of(old), row_of(new)
    for field in ("name", "scopes", "workloads", "environments", "rate", "owner"):
        assert getattr(after, field) == getattr(before, field)
    assert after.replaces == before
    assert after.expires_at is not None
    assert before.expires_at is not None
    assert abs(after.expires_at - timezone.now() - 90 * DAY) < timedelta(minutes=1)
    assert abs(before.expires_at - timezone.now() - DAY) < timedelta(minutes=1)
    assert keys.find(old) is not None
    assert keys.find(new) is not None
    ApiKey.objects.filter(pk=before.pk).update(expires_at=timezone.now())
    keys.forget()
    assert keys.find(old) is None
    assert keys.find(new) is not None


def test_an_overlap_makes_no_key_live_longer() -> None:
    old = key_ring.make("gateway", ["events:write"], expires_at=timezone.now() + timedelta(hours=2))
    end = row_of(old).expires_at
    key_ring.rotate(row_of(old), 7 * DAY, "dana")
    assert row_of(old).expires_at == end


def test_a_key_has_one_heir_and_what_is_not_good_has_none() -> None:
    old = key_ring.make("gateway", ["events:write"])
    new = key_ring.rotate(row_of(old), DAY, "dana")
    with pytest.raises(NotNow, match=key_ring.prefix_of(new)):
        key_ring.rotate(row_of(old), DAY, "dana")
    key_ring.revoke(row_of(new), "dana")
    with pytest.raises(NotNow, match="revoked"):
        key_ring.rotate(row_of(new), DAY, "dana")
    assert ApiKey.objects.count() == 2


def test_who_rotates_the_key_of_somebody_deactivated_owns_the_new_one() -> None:
    dana, root = person(), person("root", "admin")
    old = key_ring.make("gateway", ["events:write"], owner=dana)
    User.objects.filter(pk=dana.pk).update(is_active=False)
    assert row_of(key_ring.rotate(row_of(old), DAY, "root", root)).owner == root


def test_what_acted_for_somebody_deactivated_does_not_come_to_act_for_whoever_rotates_it() -> None:
    dana, root = person(), person("root", "admin")
    old = key_ring.make("ci", [MANAGE], owner=dana)
    User.objects.filter(pk=dana.pk).update(is_active=False)
    with pytest.raises(NotNow, match="make one of your own"):
        key_ring.rotate(row_of(old), DAY, "root", root)


def test_a_form_makes_one_key_however_often_it_is_sent() -> None:
    number, wanted = uuid4(), draft({"name": "gateway", "scopes": ["events:write"]}, timezone.now())
    key_ring.add(wanted, "dana", None, form=number)
    with pytest.raises(MadeAlready):
        key_ring.add(wanted, "dana", None, form=number)
    assert ApiKey.objects.count() == 1
    assert [action for _, action, _ in entries()] == ["key made"]


# What a key that makes keys cannot give


@pytest.mark.parametrize(
    ("field", "own", "wanted"),
    [
        ("scopes", [MANAGE, "events:write"], ["events:write", "events:read"]),
        ("workloads", ["a", "b"], ["b", "c"]),
        ("workloads", ["a"], []),
        ("environments", ["staging"], ["production"]),
        ("environments", ["staging"], []),
        ("expires_at", timezone.now() + DAY, None),
        ("expires_at", timezone.now() + DAY, timezone.now() + 2 * DAY),
        ("rate", 10, None),
        ("rate", 10, 11),
    ],
)
def test_a_key_makes_none_that_goes_beyond_it_by_making_or_by_rotating(field: str, own: Any, wanted: Any) -> None:
    dana = person()
    usual: dict[str, Any] = {"scopes": [MANAGE, "events:write"]}
    maker = row_of(key_ring.make("ci", owner=dana, **usual | {field: own}))
    asked: dict[str, Any] = {"name": "more", "scopes": ["events:write"], field: wanted}
    with pytest.raises(Refused) as refused:
        key_ring.add(draft(asked, timezone.now()), "key ci", dana, within=maker)
    assert [problem.field for problem in refused.value.problems] == [field]
    more = row_of(key_ring.make(owner=dana, **asked))
    if field == "expires_at":
        # It takes over, but for no longer.
        new = key_ring.rotate(more, DAY, "key ci", within=maker)
        assert row_of(new).expires_at == maker.expires_at
    else:
        with pytest.raises(Refused):
            key_ring.rotate(more, DAY, "key ci", within=maker)
        assert ApiKey.objects.count() == 2


# Last use


def used_at(text: str) -> Any:
    return row_of(text).last_used_at


def test_the_last_use_is_kept_to_the_minute_and_written_once_a_minute() -> None:
    text = key_ring.make("gateway", ["events:write"])
    assert used_at(text) is None
    with CaptureQueriesContext(connection) as found:
        for _ in range(3):
            keys.forget()  # as other processes, or this one seconds later
            assert keys.find(text) is not None
    assert sum(query["sql"].lstrip().startswith("UPDATE") for query in found) <= 2  # the minute may end meanwhile
    noted = used_at(text)
    assert (noted.second, noted.microsecond) == (0, 0)
    assert timezone.now() - noted < timedelta(minutes=2)
    ApiKey.objects.update(last_used_at=noted - timedelta(minutes=5))
    keys.forget()
    keys.find(text)
    assert used_at(text) >= noted


def test_a_request_by_a_remembered_key_asks_and_writes_nothing() -> None:
    text = key_ring.make("gateway", ["events:write"])
    keys.find(text)
    ApiKey.objects.update(last_used_at=None)
    with CaptureQueriesContext(connection) as found:
        for _ in range(100):
            assert keys.find(text) is not None
    assert len(found) == 0


def test_what_opens_nothing_is_not_used() -> None:
    text = key_ring.make("gateway", ["events:write"])
    ApiKey.objects.update(expires_at=timezone.now())
    assert keys.find(text) is None
    assert used_at(text) is None


def test_no_request_fails_or_waits_because_the_last_use_cannot_be_written() -> None:
    text = key_ring.make("gateway", ["events:write"])
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
        try:
            assert keys._look_up(keys.digest(text)) is not None
        finally:
            cursor.execute("SET default_transaction_read_only = off")
    assert used_at(text) is None
    with transaction.atomic():
        ApiKey.objects.select_for_update().get()  # somebody changes the key just now
        began = time.monotonic()
        found: list[Any] = []

        def look() -> None:
            found.append(keys.find(text))
            connection.close()

        other = threading.Thread(target=look)
        other.start()
        other.join(5)
        assert found[0] is not None
        assert time.monotonic() - began < 1


# Revocation


WATCHER = """
import sys, time
import django
django.setup()
from fallbacks import keys
print("good" if keys.find(sys.argv[1]) else "none", flush=True)
since = time.monotonic()
while keys.find(sys.argv[1]) is not None and time.monotonic() - since < 9:
    time.sleep(0.02)
print("refused", flush=True)
"""


@pytest.fixture
def watched() -> Any:
    """Start a process that shows a key again and again until it is refused."""
    started: list[subprocess.Popen[str]] = []

    def watch(text: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", WATCHER, text], cwd=PROJECT, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout
        assert process.stdout.readline() == "good\n"
        return process

    yield watch
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout
        process.stdout.close()


def seconds_until_refused(process: subprocess.Popen[str], since: float) -> float:
    assert process.stdout
    assert process.stdout.readline() == "refused\n"
    return time.monotonic() - since


def test_a_revocation_holds_within_five_seconds_on_every_process(watched: Any) -> None:
    text = key_ring.make("gateway", ["events:write"])
    process = watched(text)
    assert keys.find(text) is not None
    since = time.monotonic()
    call_command("revoke_key", text, stdout=io.StringIO())
    assert seconds_until_refused(process, since) < 5
    while keys.find(text) is not None:
        assert time.monotonic() - since < 5
        time.sleep(0.02)


def test_it_holds_also_where_postgresql_goes_away_right_after_it(
    watched: Any, stream: None, running_servers: Any
) -> None:
    text, other = key_ring.make("gateway", ["events:write"]), key_ring.make("other", ["events:write"])
    process = watched(text)
    assert keys.find(other) is not None
    since = time.monotonic()
    key_ring.revoke(row_of(text), "dana")
    connection.close()
    running_servers.down("postgres")
    try:
        assert seconds_until_refused(process, since) < 5
        # What nobody revoked goes on.
        assert keys.find(other) is not None
        time.sleep(max(0.0, since + keys.REMEMBERED_FOR + 0.5 - time.monotonic()))
        assert keys.find(other) is not None
    finally:
        running_servers.up("postgres")


def test_without_the_stream_a_revocation_stands_in_postgresql_all_the_same(settings: Any) -> None:
    text = key_ring.make("gateway", ["events:write"])
    there, settings.REDIS_URL = settings.REDIS_URL, "unix:///nowhere/at/all"
    streams.connection.cache_clear()
    try:
        assert key_ring.revoke(row_of(text), "dana")
    finally:
        settings.REDIS_URL = there
        streams.connection.cache_clear()
    assert keys.find(text) is None


def test_revoke_key_takes_a_prefix_and_says_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    text = key_ring.make("gateway", ["events:write"])
    call_command("revoke_key", key_ring.prefix_of(text))
    call_command("revoke_key", text)
    said = capsys.readouterr().out
    assert "is revoked" in said
    assert "was revoked before" in said
    assert text not in said
    assert keys.find(text) is None
    with pytest.raises(CommandError, match="No key"):
        call_command("revoke_key", "fo_00000000")
