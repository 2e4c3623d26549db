"""Keys: shown once, stored as a hash, and good for just what they were made for and just as long."""

import time
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from fallbacks import key_ring, keys
from fallbacks.models import ApiKey
from fallbacks.reading import Refused

pytestmark = pytest.mark.usefixtures("database")


def test_a_key_is_found_by_its_text_and_is_nowhere_in_the_database() -> None:
    text = key_ring.make("service", ["events:write"], workloads=["a"], environments=["staging"])
    found = keys.find(text)
    assert found is not None
    assert (set(found.scopes), set(found.workloads), set(found.environments)) == ({"events:write"}, {"a"}, {"staging"})
    row = ApiKey.objects.get()
    assert text.startswith(row.prefix)
    assert text not in str(vars(row))
    assert len(text) - len(row.prefix) > 40


def test_a_key_that_is_none_opens_nothing() -> None:
    key_ring.make("service", ["events:write"])
    for text in ("", "fo_", "fo_12345678_x", "\udcff", "x" * 10_000):
        assert keys.find(text) is None


def test_a_key_covers_all_where_it_is_bound_to_nothing() -> None:
    free = keys.find(key_ring.make("free", ["events:write"]))
    bound = keys.find(key_ring.make("bound", ["events:write"], workloads=["a"], environments=["staging"]))
    assert free is not None
    assert bound is not None
    assert free.covers("anything", "anywhere")
    assert bound.covers("a", "staging")
    assert not bound.covers("a", "production")
    assert not bound.covers("b", "staging")


def test_a_key_ends_with_its_days(monkeypatch: pytest.MonkeyPatch) -> None:
    text = key_ring.make("short", ["events:write"], expires_at=timezone.now() + timedelta(days=1))
    assert keys.find(text) is not None
    ApiKey.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    keys.forget()
    assert keys.find(text) is None


def test_a_revoked_key_fails_within_five_seconds() -> None:
    text = key_ring.make("revoked", ["events:write"])
    assert keys.find(text) is not None
    ApiKey.objects.update(revoked_at=timezone.now())
    time.sleep(keys.REMEMBERED_FOR + 0.1)
    assert keys.REMEMBERED_FOR < 5
    assert keys.find(text) is None


def test_while_the_database_is_away_known_keys_work_and_it_is_asked_once_in_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = []

    def away(name: bytes) -> None:
        asked.append(name)
        raise OperationalError

    known, unknown = key_ring.make("known", ["events:write"]), key_ring.make("unknown", ["events:write"])
    assert keys.find(known) is not None
    monkeypatch.setattr(keys, "_look_up", away)
    monkeypatch.setattr(keys, "REMEMBERED_FOR", 0.2)
    time.sleep(0.25)
    assert all(keys.find(known) is not None for _ in range(20))
    assert len(asked) == 1
    with pytest.raises(keys.KeysUnavailable):
        keys.find(unknown)


def test_guesses_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keys, "MOST_REMEMBERED", 10)
    for guess in range(50):
        keys.find(f"guess-{guess}")
    assert len(keys._remembered) <= 10


@pytest.mark.parametrize("scopes", [[], ["events:writ"]])
def test_a_scope_that_is_none_is_refused(scopes: list[str]) -> None:
    with pytest.raises(Refused, match="events:write"):
        key_ring.make("service", scopes)
