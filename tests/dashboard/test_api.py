"""`GET /api/v1/rates` and `GET /api/v1/events`: the figures are those of the rows, and no rate is made up."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from dashboard import parameters
from fallbacks import catalogue, key_ring, keys
from fallbacks.recording import record
from tests import make
from tests.make import NOON
from tests.policy.policies import MODELS

RATES, EVENTS = "/api/v1/rates", "/api/v1/events"
pytestmark = pytest.mark.usefixtures("database")
Get = Callable[..., Any]


@pytest.fixture
def get() -> Get:
    """Ask with a key that may read, and return the answer."""
    reader = key_ring.make("reader", ["rates:read", "events:read"])

    def ask(path: str, query: dict[str, Any] | None = None, key: str | None = reader) -> Any:
        headers = {"authorization": f"Bearer {key}"} if key else {}
        return Client().get(path, query or {}, headers=headers)

    return ask


def span(**over: Any) -> dict[str, Any]:
    return {"from": (NOON - timedelta(hours=1)).isoformat(), "to": (NOON + timedelta(hours=1)).isoformat(), **over}


def test_rates_by_workload_are_shares_of_its_requests(get: Get) -> None:
    record(
        [make.event(), make.event(outcome="failed", fallback=None), make.event(outcome="blocked")],
        [make.traffic(requests=200)],
    )
    answer = get(RATES, span(by="workload"))
    assert answer.status_code == 200
    body = answer.json()
    assert body["step"] == "minute"
    assert (body["from"], body["to"]) == tuple(
        (NOON + timedelta(hours=hours)).isoformat().replace("+00:00", "Z") for hours in (-1, 1)
    )
    assert body["totals"] == [
        {
            "workload": "support-chat",
            "requests": 200,
            "events": 3,
            "served": 1,
            "failed": 1,
            "blocked": 1,
            "violations": 2,
            "silent": 0,
            "degraded_rate": 0.005,
            "failure_rate": 0.01,
            "incomplete": False,
            "cost_delta_usd": None,
            "cached_tokens_lost": 0,
            "primary_latency_ms": {"p50": None, "p95": None},
            "fallback_latency_ms": {"p50": None, "p95": None},
        }
    ]


def test_rates_say_what_answers_cost_and_how_long_they_took(get: Get) -> None:
    for name, prices in (("premium-chat", (2.5, 0.25, 10)), ("baseline-chat", (0.8, 0.08, 4))):
        given = dict(zip(("input_price", "cached_input_price", "output_price"), prices, strict=True))
        catalogue.put(name, {**MODELS[name], **given}, "tests")
    told = {"input_tokens": 1_000_000, "cached_input_tokens": 400_000, "output_tokens": 0}
    record(
        [
            make.event(**told, primary_latency_ms=30_000, fallback_latency_ms=1_400),
            make.event(**told, primary_latency_ms=2_000, status="timeout"),
            make.event(outcome="failed", fallback=None, **told, primary_latency_ms=100),
        ]
    )
    body = get(RATES, span(by=["workload", "error_class"])).json()
    overloaded, timeout = (
        next(row for row in body["totals"] if (row["error_class"], row["served"]) == (name, 1))
        for name in ("overloaded", "timeout")
    )
    # 0.8 for all tokens, in the place of 600,000 at 2.5 and 400,000 at 0.25.
    assert overloaded["cost_delta_usd"] == pytest.approx(0.8 - 1.6)
    assert (overloaded["cached_tokens_lost"], timeout["cached_tokens_lost"]) == (400_000, 400_000)
    assert timeout["primary_latency_ms"]["p50"] == pytest.approx(2_000, rel=0.05)
    assert timeout["fallback_latency_ms"] == {"p50": None, "p95": None}
    (whole,) = get(RATES, span()).json()["totals"]
    assert whole["cost_delta_usd"] == pytest.approx(2 * (0.8 - 1.6))
    assert whole["primary_latency_ms"]["p50"] == pytest.approx(2_000, rel=0.1)
    assert whole["primary_latency_ms"]["p95"] == pytest.approx(30_000, rel=0.1)
    (minute,) = [row for row in body["buckets"] if row["served"] and row["error_class"] == "overloaded"]
    assert minute["fallback_latency_ms"]["p95"] == pytest.approx(1_400, rel=0.05)


def test_every_bucket_of_the_window_is_there_and_they_add_up(get: Get) -> None:
    record(
        [make.event(occurred_at=NOON + timedelta(minutes=minute)) for minute in (0, 1, 59)],
        [make.traffic(seconds=3600, requests=601)],
    )
    body = get(RATES, span(by="workload")).json()
    assert len(body["buckets"]) == 120
    assert sum(row["events"] for row in body["buckets"]) == 3
    assert sum(row["requests"] or 0 for row in body["buckets"]) == 601
    assert body["buckets"][0]["requests"] is None
    assert body["buckets"][0]["degraded_rate"] is None


@pytest.mark.parametrize("step", ["minute", "hour", "day"])
def test_totals_are_exact_to_the_minute_at_every_step(get: Get, step: str) -> None:
    record([make.event(occurred_at=NOON + timedelta(minutes=minute)) for minute in range(-10, 10)])
    query = {
        "from": (NOON - timedelta(minutes=3)).isoformat(),
        "to": (NOON + timedelta(minutes=4)).isoformat(),
        "step": step,
    }
    body = get(RATES, query).json()
    assert body["totals"][0]["events"] == 7
    assert sum(row["events"] for row in body["buckets"]) == 7


def test_by_outcome_there_is_a_row_for_each_outcome_that_was(get: Get) -> None:
    record([make.event(), make.event(), make.event(outcome="failed")], [make.traffic(requests=100)])
    rows = get(RATES, span(by=["workload", "outcome"])).json()["totals"]
    assert [(row["workload"], row["outcome"], row["events"], row["requests"]) for row in rows] == [
        ("support-chat", "failed", 1, 100),
        ("support-chat", "served", 2, 100),
    ]
    assert (rows[0]["failure_rate"], rows[1]["degraded_rate"]) == (0.01, 0.02)
    whole = get(RATES, span(by="outcome")).json()["totals"]
    assert [row["outcome"] for row in whole] == ["failed", "served"]
    assert "workload" not in whole[0]


def test_without_traffic_there_are_counts_and_no_rate(get: Get) -> None:
    record([make.event()])
    for query in (span(), span(by="workload"), span(by="outcome")):
        (row,) = get(RATES, query).json()["totals"]
        assert row["events"] == 1
        assert (row["requests"], row["degraded_rate"], row["failure_rate"]) == (None, None, None)
        assert row["incomplete"] is False


def test_more_events_than_requests_is_said_and_is_no_rate(get: Get) -> None:
    record([make.event(), make.event(outcome="failed")], [make.traffic(requests=1)])
    for row in get(RATES, span(by=["workload", "outcome"])).json()["totals"]:
        assert row["incomplete"] is True
        assert (row["degraded_rate"], row["failure_rate"]) == (None, None)


def test_workloads_together_have_no_rate_where_one_reports_no_traffic(get: Get) -> None:
    record([make.event(), make.event(workload="silent-one")], [make.traffic()])
    (row,) = get(RATES, span()).json()["totals"]
    assert (row["events"], row["requests"], row["degraded_rate"]) == (2, None, None)


def test_filters_narrow_by_workload_and_environment(get: Get) -> None:
    record([make.event(), make.event(workload="a"), make.event(workload="b", environment="staging")])
    assert get(RATES, span()).json()["totals"][0]["events"] == 3
    assert get(RATES, span(workload=["a", "b"])).json()["totals"][0]["events"] == 2
    assert get(RATES, span(environment="staging")).json()["totals"][0]["events"] == 1


def test_the_last_24_hours_in_buckets_of_an_hour_are_what_is_meant_without_more_words(get: Get) -> None:
    body = get(RATES).json()
    start, end = (datetime.fromisoformat(body[name]) for name in ("from", "to"))
    assert timedelta(hours=24) <= end - start <= timedelta(hours=24, minutes=2)
    assert abs(end - datetime.now(UTC)) < timedelta(minutes=2)
    assert body["step"] == "hour"
    assert body["totals"] == [
        {
            "requests": None,
            "events": 0,
            "served": 0,
            "failed": 0,
            "blocked": 0,
            "violations": 0,
            "silent": 0,
            "degraded_rate": None,
            "failure_rate": None,
            "incomplete": False,
            "cost_delta_usd": 0.0,
            "cached_tokens_lost": 0,
            "primary_latency_ms": {"p50": None, "p95": None},
            "fallback_latency_ms": {"p50": None, "p95": None},
        }
    ]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"from": "2026-11-17T14:00:00"}, "from"),
        ({"to": "now"}, "to"),
        ({"from": "2026-11-17T14:00:00Z", "to": "2026-11-17T13:00:00Z"}, "from"),
        ({"step": "week"}, "step"),
        ({"by": "planet"}, "by"),
        ({"byy": "workload"}, "byy"),
        ({"step": ["hour", "day"]}, "step"),
        ({"from": "2020-01-01T00:00:00Z", "step": "minute"}, "step"),
        ({"from": "0001-01-01T00:00:00Z", "to": "0001-01-01T00:00:00Z"}, "from"),
        ({"to": "0001-01-01T00:00:00Z"}, "to"),
        ({"from": "9999-12-31T23:59:59Z", "to": "9999-12-31T23:59:59.5Z"}, "to"),
        ({"workload": "a\0"}, "workload"),
    ],
)
def test_a_question_that_cannot_be_answered_is_told_why(get: Get, query: dict[str, Any], field: str) -> None:
    answer = get(RATES, query)
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == field


@pytest.mark.parametrize("path", [RATES, EVENTS])
def test_the_door_is_the_keys_scope(get: Get, path: str) -> None:
    assert get(path, key=None).status_code == 401
    assert get(path, key="fo_wrong").status_code == 401
    closed = get(path, key=key_ring.make("w", ["events:write"]))
    assert closed.status_code == 403
    assert set(closed.json()["error"]) == {"code", "message"}


def test_a_signed_in_person_has_no_key(viewer: Client) -> None:
    assert viewer.get(RATES).status_code == 401


def test_a_key_reads_only_what_it_is_for(get: Get) -> None:
    record([make.event(), make.event(workload="other"), make.event(environment="staging")])
    bound = key_ring.make("b", ["rates:read", "events:read"], workloads=["support-chat"], environments=["production"])
    assert get(RATES, span(), key=bound).json()["totals"][0]["events"] == 1
    assert len(get(EVENTS, span(), key=bound).json()["results"]) == 1
    assert get(RATES, span(workload="other"), key=bound).status_code == 403
    assert get(EVENTS, span(environment="staging"), key=bound).status_code == 403
    two = key_ring.make("two", ["rates:read"], environments=["production", "staging"])
    assert get(RATES, span(), key=two).status_code == 403
    assert get(RATES, span(environment="staging"), key=two).json()["totals"][0]["events"] == 1


def test_events_come_newest_first_with_what_was_sent(get: Get) -> None:
    record(
        [
            make.event(id="old"),
            make.event(id="new", occurred_at=NOON + timedelta(seconds=1), fallback=None, outcome="failed"),
        ]
    )
    body = get(EVENTS, span()).json()
    assert body["next"] is None
    assert [event["id"] for event in body["results"]] == ["new", "old"]
    assert body["results"][0] | {"received_at": None, "occurred_at": None} == {
        "id": "new",
        "workload": "support-chat",
        "environment": "production",
        "occurred_at": None,
        "received_at": None,
        "primary": "premium-chat",
        "fallback": None,
        "status": "529",
        "reason": "overloaded",
        "outcome": "failed",
        "attempts": 1,
        "error_class": "overloaded",
        "rules": ["undeclared_route"],
        "policy_version": None,
        "who_acts": "workload owner",
        **dict.fromkeys(
            (
                *("error_code", "user_visible", "user_notified", "tier", "payload_class", "provider_features"),
                *("request_id", "trace_id", "primary_latency_ms", "fallback_latency_ms", "input_tokens"),
                *("cached_input_tokens", "output_tokens", "cost_usd", "attributes"),
            )
        ),
    }


def test_an_event_is_found_by_its_request_id(get: Get) -> None:
    record([make.event(request_id="req_1", cost_usd=Decimal("0.0041"), attributes='{"a": "b"}'), make.event()])
    (event,) = get(EVENTS, span(request_id="req_1")).json()["results"]
    assert (event["cost_usd"], event["attributes"]) == (0.0041, {"a": "b"})


def test_pages_follow_each_other_without_loss_among_events_of_one_instant(get: Get) -> None:
    record([make.event(id=f"e{n:03}", workload=f"w{n % 3}") for n in range(100)])
    seen: list[str] = []
    answer = get(EVENTS, span(limit=7)).json()
    while True:
        seen += [event["id"] for event in answer["results"]]
        if answer["next"] is None:
            break
        answer = get(answer["next"]).json()
    assert len(seen) == 100
    assert len(set(seen)) == 100


@pytest.mark.parametrize(
    "query", [{"limit": 0}, {"limit": 501}, {"limit": "x"}, {"cursor": "%%%"}, {"cursor": "WzFd"}, {"outcome": "ok"}]
)
def test_a_list_that_cannot_be_given_is_told_why(get: Get, query: dict[str, Any]) -> None:
    answer = get(EVENTS, query)
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == next(iter(query))


def test_events_are_filtered_by_their_fields(get: Get) -> None:
    record([make.event(primary="p", outcome="blocked"), make.event(fallback="f"), make.event()])
    for query in ({"primary": "p"}, {"fallback": "f"}, {"outcome": "blocked"}):
        assert len(get(EVENTS, span(**query)).json()["results"]) == 1


def test_what_a_service_sent_whose_clock_is_ahead_is_listed(get: Get) -> None:
    record([make.event(id="ahead", occurred_at=datetime.now(UTC) + timedelta(minutes=9))])
    assert [event["id"] for event in get(EVENTS).json()["results"]] == ["ahead"]
    assert get(EVENTS, {"to": datetime.now(UTC).isoformat()}).json()["results"] == []


def test_rates_of_more_combinations_than_anybody_reads_are_refused(get: Get, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parameters, "MOST_ROWS_ASKED", 500)
    record([make.event(primary=f"model-{number}") for number in range(5)])
    assert get(RATES, span(by="workload")).status_code == 200
    answer = get(RATES, span(by=["workload", "primary"]))
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == "step"
    assert "120 buckets of 5 combinations of `by` are 600 rows, 500 are the most" in answer.json()["error"]["message"]


def test_reading_costs_few_queries_however_many_events(get: Get, django_assert_max_num_queries: Any) -> None:
    record([make.event(workload=f"w{n % 20}") for n in range(500)])
    # One of each notes, once a minute, that the key is in use.
    with django_assert_max_num_queries(5):
        get(RATES, span(by=["workload", "outcome"]))
    keys.forget()
    with django_assert_max_num_queries(3):
        get(EVENTS, span(limit=500))


def test_an_address_that_is_none_is_said_in_json(get: Get) -> None:
    answer = get("/api/v1/nothing")
    assert (answer.status_code, set(answer.json()["error"])) == (404, {"code", "message"})


def test_by_every_dimension_there_is_a_row_for_each_combination_that_was(get: Get) -> None:
    record(
        [
            make.event(),
            make.event(status="503"),
            make.event(status="401", fallback="other-chat"),
            make.event(fallback=None, outcome="failed", status="timeout"),
            make.event(outcome="blocked"),
        ],
        [make.traffic(requests=100)],
    )

    def told(by: str) -> dict[str | None, int]:
        return {row[by]: row["events"] for row in get(RATES, span(by=by)).json()["totals"]}

    assert told("primary") == {"premium-chat": 5}
    assert told("fallback") == {"baseline-chat": 3, "other-chat": 1, None: 1}
    assert told("error_class") == {"overloaded": 2, "unavailable": 1, "authentication": 1, "timeout": 1}
    # Two rules broken by one event: it counts under both.
    assert told("rule") == {"undeclared_route": 4, "never_fallback": 1, None: 1}
    by_class = get(RATES, span(by=["error_class", "outcome"], step="minute")).json()
    overloaded = {row["outcome"]: row for row in by_class["totals"] if row["error_class"] == "overloaded"}
    assert (overloaded["served"]["degraded_rate"], overloaded["blocked"]["failure_rate"]) == (0.01, 0.01)
    filled = [row for row in by_class["buckets"] if row["events"]]
    assert sum(row["events"] for row in filled) == 5
    assert len(by_class["buckets"]) == 120 * len(by_class["totals"])


def test_events_can_be_asked_for_by_class_and_by_a_broken_rule(get: Get) -> None:
    record([make.event(id="a"), make.event(id="b", status="401"), make.event(id="c", outcome="blocked")])

    def ids(**query: str) -> set[str]:
        return {event["id"] for event in get(EVENTS, span(**query)).json()["results"]}

    assert ids(error_class="authentication") == {"b"}
    assert ids(rule="undeclared_route") == {"a", "b"}
    assert ids(rule="never_fallback") == {"b"}
    assert ids(rule="silent") == set()
    assert get(EVENTS, span(rule="nonsense")).json()["error"]["field"] == "rule"
    assert get(EVENTS, span(error_class="nonsense")).json()["error"]["field"] == "error_class"
