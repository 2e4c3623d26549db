"""`POST /api/v1/traffic`: counts of all requests, the denominator of every rate."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fallbacks import key_ring, tally
from fallbacks.models import MinuteRollup, Traffic

TRAFFIC = "/api/v1/traffic"
START = datetime.now(UTC).replace(second=30, microsecond=0) - timedelta(hours=2)


def count(**over: Any) -> dict[str, Any]:
    return {"workload": "support-chat", "start": START.isoformat(), "seconds": 60, "requests": 101, **over}


def test_a_count_is_taken_stored_and_spread(post: Any, drain: Any) -> None:
    answer = post(TRAFFIC, {"counts": [count(model="premium-chat", id="c1")]})
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "rejected": []})
    drain()
    row = Traffic.objects.get()
    assert (row.id, row.model, row.requests, row.environment) == ("c1", "premium-chat", 101, "production")
    assert list(MinuteRollup.objects.order_by("bucket").values_list("requests", flat=True)) == [50, 51]


def test_the_same_id_counts_once_and_counts_without_one_add_up(post: Any, drain: Any) -> None:
    for _ in range(3):
        post(TRAFFIC, {"counts": [count(id="again"), count()]})
    drain()
    assert sorted(Traffic.objects.values_list("requests", flat=True)) == [101] * 4


@pytest.mark.parametrize(
    ("field", "over"),
    [
        ("workload", {"workload": "No"}),
        ("seconds", {"seconds": 0}),
        ("seconds", {"seconds": 3601}),
        ("seconds", {"seconds": 1.5}),
        ("requests", {"requests": -1}),
        ("requests", {"requests": "5"}),
        ("requests", {"requests": 10**30}),
        ("start", {"start": "2026-11-17T14:00:00"}),
        ("start", {"start": (START - timedelta(days=31)).isoformat()}),
        ("start", {"start": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}),
        ("model", {"model": ""}),
        ("id", {"id": "\n"}),
        ("request", {"request": 5}),
    ],
)
def test_a_bad_count_is_refused_by_its_field(post: Any, field: str, over: dict[str, Any]) -> None:
    answer = post(TRAFFIC, {"counts": [count(**over), count()]})
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)
    assert answer.json()["rejected"][0]["field"] == field
    assert post(TRAFFIC, {"counts": [count(**over)]}).status_code == 400
    assert tally.door().rejected == {"unknown_field" if field == "request" else field: 2}


@pytest.mark.parametrize("body", [[], {}, {"counts": []}, {"counts": 5}, count(), [count()]])
def test_counts_come_wrapped(post: Any, body: Any) -> None:
    answer = post(TRAFFIC, body)
    assert answer.status_code == 400
    assert "message" in answer.json()["error"]


def test_what_holds_nothing_good_is_told_so_also_while_the_buffer_is_away(post: Any, no_stream: None) -> None:
    answer = post(TRAFFIC, {"counts": [count(seconds=0)]})
    assert (answer.status_code, answer.json()["rejected"][0]["field"]) == (400, "seconds")
    assert post(TRAFFIC, {"counts": [count()]}).status_code == 503


def test_the_door_is_the_keys_scope(post: Any) -> None:
    assert post(TRAFFIC, {"counts": [count()]}, key=None).status_code == 401
    assert post(TRAFFIC, {"counts": [count()]}, key=key_ring.make("e", ["events:write"])).status_code == 403
    bound = key_ring.make("b", ["traffic:write"], workloads=["other"])
    assert post(TRAFFIC, {"counts": [count()]}, key=bound).status_code == 403


def test_only_a_post_is_understood(client: Any, database: None) -> None:
    answer = client.get(TRAFFIC)
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
