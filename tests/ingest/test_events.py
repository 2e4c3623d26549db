"""`POST /api/v1/events`: it takes everything that is valid, says exactly what is not, and loses nothing for it."""

import gzip
import io
import json
import math
import time
import tracemalloc
import typing
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import zstandard
from django.test import Client

from fallbacks import key_ring, tally
from fallbacks.models import ApiKey, Event
from ingest import backpressure, buffer, wire
from tests.make import sent

EVENTS = "/api/v1/events"


def iso(moment: datetime) -> str:
    return moment.isoformat()


@pytest.mark.parametrize(
    "body",
    [sent(), [sent()], {"events": [sent()]}],
    ids=["one object", "an array", "wrapped"],
)
def test_an_event_is_taken_in_each_form_and_stored(post: Any, drain: Any, body: Any) -> None:
    answer = post(EVENTS, body)
    assert (answer.status_code, answer.json()) == (202, {"accepted": 1, "rejected": []})
    drain()
    event = Event.objects.get()
    assert (event.workload.slug, event.primary, event.fallback) == ("support-chat", "premium-chat", "baseline-chat")
    assert (event.status, event.reason, event.outcome, event.environment) == (
        "529",
        "overloaded",
        "served",
        "production",
    )
    assert datetime.now(UTC) - event.occurred_at < timedelta(minutes=1)
    assert event.occurred_at == event.received_at <= event.recorded_at


def test_lines_of_json_are_taken(post: Any, drain: Any) -> None:
    lines = "\n".join(json.dumps(sent(reason=reason)) for reason in ("one", "two")) + "\n\n"
    answer = post(EVENTS, lines.encode(), content_type="application/x-ndjson")
    assert answer.json()["accepted"] == 2
    drain()
    assert set(Event.objects.values_list("reason", flat=True)) == {"one", "two"}


def test_a_bad_line_is_told_by_its_index_and_spoils_no_other(post: Any, drain: Any) -> None:
    answer = post(EVENTS, json.dumps(sent()).encode() + b"\n{oops\n", content_type="application/x-ndjson")
    assert answer.status_code == 202
    assert [item["index"] for item in answer.json()["rejected"]] == [1]


def test_optional_fields_are_kept(post: Any, drain: Any) -> None:
    at = datetime.now(UTC) - timedelta(hours=5)
    post(EVENTS, sent(id="r-1", occurred_at=iso(at), environment="staging", outcome="blocked"))
    drain()
    event = Event.objects.get()
    assert (event.id, event.occurred_at, event.environment, event.outcome) == ("r-1", at, "staging", "blocked")


@pytest.mark.parametrize(("fallback", "outcome"), [("baseline-chat", "served"), (None, "failed")])
def test_the_outcome_follows_from_the_fallback_where_it_is_not_said(
    post: Any, drain: Any, fallback: str | None, outcome: str
) -> None:
    post(EVENTS, sent(fallback=fallback))
    drain()
    assert Event.objects.get().outcome == outcome


@pytest.mark.parametrize(
    ("status", "kept"),
    [(529, "529"), ("503", "503"), (100, "100"), ("599", "599"), ("timeout", "timeout")]
    + [(word, word) for word in ("connection_error", "unavailable")],
)
def test_a_status_is_a_number_a_numeric_text_or_a_word(post: Any, drain: Any, status: Any, kept: str) -> None:
    assert post(EVENTS, sent(status=status)).status_code == 202
    drain()
    assert Event.objects.get().status == kept


ITEMS = [
    ("workload", {"workload": "Support Chat"}),
    ("workload", {"workload": ""}),
    ("workload", {"workload": "a" * 65}),
    ("workload", {"workload": "a\n"}),
    ("workload", {"workload": 5}),
    ("environment", {"environment": "Prod"}),
    ("primary", {"primary": ""}),
    ("primary", {"primary": "a" * 129}),
    ("primary", {"primary": None}),
    ("fallback", {"fallback": ""}),
    ("fallback", {"fallback": "premium-chat"}),
    ("fallback", {"primary": "a\0", "fallback": "a\ufffd"}),
    ("status", {"status": 99}),
    ("status", {"status": 600}),
    ("status", {"status": "5xx"}),
    ("status", {"status": "0500"}),
    ("status", {"status": "٥٠٠"}),
    ("status", {"status": True}),
    ("status", {"status": 500.5}),
    ("status", {"status": None}),
    ("reason", {"reason": ""}),
    ("reason", {"reason": "a" * 501}),
    ("reason", {"reason": ["a"]}),
    ("occurred_at", {"id": "x"}),
    ("id", {"id": "", "occurred_at": "2026-11-17T14:00:00Z"}),
    ("id", {"id": "a" * 65, "occurred_at": "2026-11-17T14:00:00Z"}),
    ("id", {"id": "a\tb", "occurred_at": iso(datetime.now(UTC))}),
    ("occurred_at", {"occurred_at": "2026-11-17T14:00:00"}),
    ("occurred_at", {"occurred_at": "yesterday"}),
    ("occurred_at", {"occurred_at": 1_800_000_000}),
    ("occurred_at", {"occurred_at": iso(datetime.now(UTC) - timedelta(days=30, minutes=1))}),
    ("occurred_at", {"occurred_at": iso(datetime.now(UTC) + timedelta(hours=1))}),
    ("outcome", {"outcome": "ok"}),
    ("outcome", {"outcome": "served", "fallback": None}),
    ("fallbak", {"fallbak": "a typo must not lose data"}),
]


@pytest.mark.parametrize(("field", "over"), ITEMS)
def test_a_bad_item_is_refused_by_its_field_and_the_others_are_taken(
    post: Any, drain: Any, field: str, over: dict[str, Any]
) -> None:
    answer = post(EVENTS, [sent(), sent(**over), sent()])
    assert answer.status_code == 202
    assert answer.json()["accepted"] == 2
    (rejected,) = answer.json()["rejected"]
    assert (rejected["index"], rejected["field"]) == (1, field)
    assert len(rejected["error"]) > 10
    drain()
    assert Event.objects.count() == 2
    alone = post(EVENTS, sent(**over))
    assert (alone.status_code, alone.json()["accepted"]) == (400, 0)
    assert alone.json()["rejected"][0]["field"] == field


@pytest.mark.parametrize("missing", ["workload", "primary", "fallback", "status", "reason"])
def test_a_required_field_that_is_missing_is_named(post: Any, missing: str) -> None:
    body = sent()
    del body[missing]
    assert post(EVENTS, body).json()["rejected"][0]["field"] == missing


@pytest.mark.parametrize("item", [5, "text", None, [], True])
def test_an_item_that_is_no_object_is_refused_alone(post: Any, item: Any) -> None:
    answer = post(EVENTS, [sent(), item])
    assert answer.json()["accepted"] == 1
    assert answer.json()["rejected"][0]["index"] == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"[]", "empty"),
        (b'{"events": []}', "empty"),
        (b"{", "not_json"),
        (b"nonsense", "not_json"),
        (b"[" * 100_000, "too_deep"),
        (b'"text"', "wrong_type"),
        (b"5", "wrong_type"),
        (b"null", "wrong_type"),
        (b'{"events": {}}', "wrong_type"),
        (b'{"events": [], "more": 1}', "wrong_type"),
        (b'{"workload": "\xff"}', "not_utf8"),
    ],
)
def test_a_body_that_cannot_be_read_gets_one_clear_error(post: Any, body: bytes, code: str) -> None:
    answer = post(EVENTS, body)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == code
    assert answer.json()["error"]["message"].endswith(".")


def test_a_zero_byte_costs_no_event(post: Any, drain: Any) -> None:
    assert post(EVENTS, sent(reason="a\0b", primary="p\0")).status_code == 202
    drain()
    event = Event.objects.get()
    assert (event.reason, event.primary) == ("a\ufffdb", "p\ufffd")


@pytest.mark.parametrize(
    ("sent_text", "kept"),
    [
        (rb"cut \ud83d", "cut \ufffd"),
        (rb"\ude00 cut", "\ufffd cut"),
        (rb"\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
        (rb"whole \uD83D\uDE00", "whole \U0001f600"),
        (rb"path \\ud83d", "path \\ud83d"),
        (rb"\\\ud83d", "\\\ufffd"),
    ],
)
def test_half_an_emoji_costs_no_event(post: Any, drain: Any, sent_text: bytes, kept: str) -> None:
    body = json.dumps([sent(), sent(reason="TEXT", workload="cut")]).encode().replace(b"TEXT", sent_text)
    assert post(EVENTS, body).json() == {"accepted": 2, "rejected": []}
    drain()
    assert Event.objects.get(workload__slug="cut").reason == kept


def test_a_body_that_is_cut_off_is_refused_also_at_the_end_of_a_line(key: str, stream: None) -> None:
    line = json.dumps(sent()).encode() + b"\n"
    answer = Client().generic(
        "POST",
        EVENTS,
        line,
        content_type="application/x-ndjson",
        headers={"authorization": f"Bearer {key}"},
        CONTENT_LENGTH=str(len(line) * 2),
        **typing.cast(Any, {"wsgi.input": io.BytesIO(line)}),
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "cut_off")


def test_text_is_kept_as_sent(post: Any, drain: Any) -> None:
    reason = "  <script>alert('x')</script> 漢字 \U0001f9ea \u202e end\u2028"
    post(EVENTS, sent(reason=reason))
    drain()
    assert Event.objects.get().reason == reason


def test_the_same_event_sent_again_counts_once(post: Any, drain: Any) -> None:
    body = sent(id="same", occurred_at=iso(datetime.now(UTC)))
    for _ in range(3):
        assert post(EVENTS, [body, body]).status_code == 202
    drain()
    assert Event.objects.count() == 1


def test_too_many_items_and_too_many_bytes_are_refused(post: Any) -> None:
    assert post(EVENTS, [1] * (wire.MOST_ITEMS + 1)).status_code == 413
    wrapped = {"events": [1] * (wire.MOST_ITEMS + 1)}
    assert post(EVENTS, wrapped).status_code == 413
    lines = b"1\n" * (wire.MOST_ITEMS + 1)
    assert post(EVENTS, lines, content_type="application/x-ndjson").status_code == 413
    assert post(EVENTS, b" " * (wire.MOST_BYTES + 1)).status_code == 413


def test_a_full_batch_is_taken(post: Any, drain: Any) -> None:
    assert post(EVENTS, [sent(workload=f"w{n % 9}") for n in range(wire.MOST_ITEMS)]).json()["accepted"] == 10_000
    drain()
    assert Event.objects.count() == 10_000


@pytest.mark.parametrize(
    ("content_type", "headers"),
    [("text/plain", {}), ("application/x-www-form-urlencoded", {}), ("application/json", {"content-encoding": "br"})],
)
def test_a_type_or_encoding_that_is_not_known_is_refused(post: Any, content_type: str, headers: dict[str, str]) -> None:
    answer = post(EVENTS, sent(), content_type=content_type, **headers)
    assert answer.status_code == 415


def test_without_a_good_key_nothing_is_taken(post: Any, drain: Any, key: str) -> None:
    assert post(EVENTS, sent(), key=None).status_code == 401
    assert post(EVENTS, sent(), key=None, authorization=f"Basic {key}").status_code == 401
    assert post(EVENTS, sent(), key="fo_12345678_wrong").status_code == 401
    assert post(EVENTS, sent(), key=key_ring.make("other", ["rates:read"])).status_code == 403
    old = key_ring.make("old", ["events:write"])
    ApiKey.objects.filter(name="old").update(expires_at=datetime.now(UTC) - timedelta(days=1))
    assert post(EVENTS, sent(), key=old).status_code == 401
    drain()
    assert Event.objects.count() == 0


def test_a_key_for_some_workloads_and_environments_takes_only_those(post: Any, drain: Any) -> None:
    bound = key_ring.make("bound", ["events:write"], workloads=["support-chat"], environments=["staging"])
    mine = sent(environment="staging")
    assert post(EVENTS, mine, key=bound).status_code == 202
    assert post(EVENTS, sent(), key=bound).status_code == 403
    assert post(EVENTS, sent(workload="other", environment="staging"), key=bound).status_code == 403
    mixed = post(EVENTS, [mine, sent()], key=bound)
    assert (mixed.status_code, mixed.json()["accepted"]) == (202, 1)
    assert mixed.json()["rejected"][0]["field"] == "environment"


def test_a_get_without_a_key_gets_an_error_in_the_one_shape(client: Any, database: None) -> None:
    answer = client.get(EVENTS)
    assert answer.status_code == 401
    assert set(answer.json()["error"]) == {"code", "message"}


def test_a_full_buffer_is_said_and_nothing_is_taken(post: Any, drain: Any) -> None:
    connection = buffer.connection()
    before = str(connection.config_get("maxmemory")["maxmemory"])
    connection.config_set("maxmemory", 1)
    try:
        answer = post(EVENTS, sent())
    finally:
        connection.config_set("maxmemory", before)
    backpressure.gate.looked_at = 0  # rather than wait for its next look, a second later
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "buffer_unavailable")
    assert int(answer["Retry-After"]) > 0
    assert post(EVENTS, sent()).status_code == 202
    drain()
    assert Event.objects.count() == 1


def test_a_buffer_that_is_away_is_said(post: Any, no_stream: None) -> None:
    assert post(EVENTS, sent()).status_code == 503


@pytest.mark.parametrize("body", [[sent(status=99), sent(reason="")], b"{"])
def test_what_holds_nothing_good_is_told_so_also_while_the_buffer_is_away(
    post: Any, no_stream: None, body: Any
) -> None:
    answer = post(EVENTS, body)
    assert answer.status_code == 400
    if isinstance(body, list):
        assert [item["field"] for item in answer.json()["rejected"]] == ["status", "reason"]
    assert post(EVENTS, [*(body if isinstance(body, list) else []), sent()]).status_code == 503


def test_the_hot_path_asks_the_database_nothing_once_the_key_is_known(
    post: Any, django_assert_num_queries: Callable[[int], Any]
) -> None:
    # To look the key up, and to note, once a minute, that it is in use.
    with django_assert_num_queries(2):
        post(EVENTS, sent())
    with django_assert_num_queries(0):
        post(EVENTS, [sent()] * 100)


def test_an_answer_is_json_also_for_not_a_number(post: Any) -> None:
    answer = post(EVENTS, json.dumps([sent(status=math.nan)]).encode())
    assert answer.status_code == 400


FULL: dict[str, Any] = {
    "id": "full-1",
    "environment": "staging",
    "outcome": "served",
    "error_code": "overloaded_error",
    "attempts": 3,
    "user_visible": True,
    "user_notified": False,
    "tier": "pro",
    "payload_class": "chat-tools",
    "provider_features": ["prompt_caching_1h", "citations"],
    "request_id": "req_8f2c91b1f3",
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "primary_latency_ms": 30_000,
    "fallback_latency_ms": 2040.4,
    "input_tokens": 3118,
    "cached_input_tokens": 2560,
    "output_tokens": 402,
    "cost_usd": 0.0041,
    "sample": {"input": "a", "output": "b", "primary_output": None},
    "attributes": {"region": "eu", "note": ""},
}


def test_every_field_of_the_contract_is_taken_and_stored(post: Any, drain: Any) -> None:
    assert post(EVENTS, sent(occurred_at=iso(datetime.now(UTC)), **FULL)).json() == {"accepted": 1, "rejected": []}
    drain()
    event: dict[str, Any] = dict(Event.objects.values().get())
    kept = {name: value for name, value in FULL.items() if name != "sample"}
    assert {name: event[name] for name in kept} == {
        **kept,
        "fallback_latency_ms": 2040,
        "cost_usd": Decimal("0.0041"),
    }


def test_what_is_left_out_or_null_is_unknown(post: Any, drain: Any) -> None:
    left_out = ("outcome", "id", "environment", *EXTRA)
    assert post(EVENTS, [sent(), sent(**dict.fromkeys(left_out))]).json()["rejected"] == []
    drain()
    for event in map(dict[str, Any], Event.objects.values()):
        assert {event[name] for name in EXTRA if name not in ("attempts", "sample")} == {None}
        assert (event["attempts"], event["environment"], event["outcome"]) == (1, "production", "served")


EXTRA = [name for name in FULL if name not in ("id", "environment", "outcome")]
FURTHER: list[tuple[str, list[Any]]] = [
    ("error_code", ["", "a" * 129, 5]),
    ("attempts", [0, 101, 1.5, "2", True]),
    ("user_visible", ["yes", 1]),
    ("user_notified", ["no", 0]),
    ("tier", ["Pro", ""]),
    ("payload_class", ["a b"]),
    ("provider_features", ["caching", ["a"] * 17, [""], ["a" * 65], [5]]),
    ("request_id", ["a" * 129, 5]),
    ("trace_id", ["a" * 129]),
    ("primary_latency_ms", [-1, 86_400_001, "fast", math.nan]),
    ("fallback_latency_ms", [-0.5]),
    ("input_tokens", [-1, 1.5, 10**30]),
    ("cached_input_tokens", ["many"]),
    ("output_tokens", [-5]),
    ("cost_usd", [-0.01, "free", "NaN", "Infinity", 10**10, True, "1e99999999999999999999", 10**400]),
    ("cost_usd", ["1_0", " 1 ", "1\n", "\uff11\uff12", "\u0661", "+1", "-0.01", "0x1", "1,5", ".", "e5", "1e", ""]),
    ("sample", ["text", {"in": "a"}, {"input": 5}, {"input": "a" * 16_385}, {"output": "\u00e4" * 8_193}]),
    ("attributes", [{"a": 5}, {"": "a"}, {"a" * 65: "a"}, {"a": "b" * 257}, {str(n): "" for n in range(17)}, ["a"]]),
]


@pytest.mark.parametrize(("field", "value"), [(field, value) for field, values in FURTHER for value in values])
def test_a_further_field_of_another_form_is_refused_by_name(post: Any, field: str, value: Any) -> None:
    body = json.dumps([sent(), sent(**{field: value})]).encode()
    answer = post(EVENTS, body)
    if value is math.nan:
        assert answer.status_code == 400  # not JSON at all
        return
    (rejected,) = answer.json()["rejected"]
    assert (rejected["index"], rejected["field"]) == (1, field)


def test_zero_bytes_cost_no_event_in_any_text(post: Any, drain: Any) -> None:
    texts = dict.fromkeys(("error_code", "request_id", "trace_id"), "a\x00b")
    answer = post(EVENTS, sent(provider_features=["x\0"], attributes={"k\0": "v\0"}, **texts))
    assert answer.json()["rejected"] == []
    drain()
    event = Event.objects.get()
    assert (event.error_code, event.request_id, event.trace_id) == ("a\ufffdb",) * 3
    assert event.provider_features == ["x\ufffd"]
    assert event.attributes == {"k\ufffd": "v\ufffd"}


@pytest.mark.parametrize(
    ("cost", "kept"), [("12", "12"), ("0.50", "0.5"), (".5", "0.5"), ("4.1E-3", "0.0041"), (3, "3")]
)
def test_a_cost_is_a_plain_decimal_as_a_number_or_a_text(post: Any, drain: Any, cost: Any, kept: str) -> None:
    assert post(EVENTS, sent(cost_usd=cost)).status_code == 202
    drain()
    assert Event.objects.get().cost_usd == Decimal(kept)


def test_one_bad_byte_in_an_id_costs_no_event_and_a_retry_stays_harmless(post: Any, drain: Any) -> None:
    at = iso(datetime.now(UTC))
    for text in (r"a\u0000b", r"a\ud83db", "a\ufffdb"):
        body = json.dumps(sent(id="TEXT", occurred_at=at)).replace("TEXT", text).encode()
        assert post(EVENTS, body).status_code == 202
    drain()
    assert Event.objects.get().id == "a\ufffdb"


def test_json_of_33_levels_is_refused_whole_and_of_fewer_by_its_field(post: Any) -> None:
    nested = json.loads("[" * 29 + "]" * 29)
    answer = post(EVENTS, [sent(), sent(attributes={"a": nested})])
    assert answer.json()["rejected"][0]["field"] == "attributes"
    answer = post(EVENTS, [sent(), sent(attributes={"a": [nested]})])
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "too_deep")


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
@pytest.mark.parametrize("parts", [1, 3])
def test_a_compressed_body_is_taken_also_in_several_parts(post: Any, drain: Any, encoding: str, parts: int) -> None:
    compress = gzip.compress if encoding == "gzip" else zstandard.ZstdCompressor().compress
    lines = [json.dumps(sent()).encode() + b"\n" for _ in range(parts)]
    body = b"".join(compress(line) for line in lines)
    answer = post(EVENTS, body, content_type="application/x-ndjson", **{"content-encoding": encoding})
    assert answer.json() == {"accepted": parts, "rejected": []}
    drain()
    assert Event.objects.count() == parts


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_compressed_body_that_is_none_or_cut_off_is_refused(post: Any, encoding: str) -> None:
    compress = gzip.compress if encoding == "gzip" else zstandard.ZstdCompressor().compress
    whole = compress(json.dumps([sent(reason=f"{n}") for n in range(500)]).encode())
    none, cut_off = f"not_{encoding}", "cut_off"
    for body, code in ((b"nonsense", none), (whole[:-5], cut_off), (whole[:20], cut_off), (whole + b"nonsense", none)):
        answer = post(EVENTS, body, **{"content-encoding": encoding})
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, code), body[:20]


def test_zstd_that_looks_back_too_far_is_refused(post: Any, drain: Any) -> None:
    body = json.dumps(sent()).encode()
    for log, status in ((23, 202), (24, 400)):
        # The length is not said, so the frame asks for all that it may look back into: 8 MiB, 16 MiB.
        maker = zstandard.ZstdCompressor(
            compression_params=zstandard.ZstdCompressionParameters.from_level(3, window_log=log)
        ).compressobj()
        answer = post(EVENTS, maker.compress(body) + maker.flush(), **{"content-encoding": "zstd"})
        assert answer.status_code == status, log


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
def test_a_bomb_costs_no_memory(post: Any, encoding: str) -> None:
    compress = gzip.compress if encoding == "gzip" else zstandard.ZstdCompressor().compress
    bomb = compress(bytes(300 * 1024 * 1024))
    del compress
    tracemalloc.start()
    answer = post(EVENTS, bomb, **{"content-encoding": encoding})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer.status_code == 413
    assert peak < 40 * 1024 * 1024


def test_a_key_over_its_rate_waits_as_long_as_it_is_told(post: Any) -> None:
    slow = key_ring.make("slow", ["events:write"], rate=10)
    assert post(EVENTS, [sent()] * 100, key=slow).status_code == 202
    answer = post(EVENTS, [sent()] * 30, key=slow)
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "over_rate")
    assert int(answer["Retry-After"]) <= 3
    assert post(EVENTS, [sent()] * 30).status_code == 202
    time.sleep(int(answer["Retry-After"]))
    assert post(EVENTS, [sent()] * 30, key=slow).status_code == 202


def test_a_body_larger_than_the_burst_passes_and_is_paid_for(post: Any) -> None:
    slow = key_ring.make("slow", ["events:write"], rate=10)
    assert post(EVENTS, [sent()] * 300, key=slow).status_code == 202
    answer = post(EVENTS, sent(), key=slow)
    assert answer.status_code == 429
    assert 15 <= int(answer["Retry-After"]) <= 30
    # By that key alone, and for as long as it owes.
    assert post(EVENTS, sent()).status_code == 202
    assert buffer.connection().pttl(f"rate:{ApiKey.objects.get(name='slow').pk}") > 15_000


def test_a_key_without_a_rate_of_its_own_has_that_of_the_settings(post: Any, settings: Any) -> None:
    settings.KEY_RATE = 10
    assert post(EVENTS, [sent()] * 300).status_code == 202
    assert post(EVENTS, sent()).status_code == 429
    settings.KEY_RATE = 0
    assert post(EVENTS, sent()).status_code == 202


def test_bad_items_are_paid_for_as_well(post: Any) -> None:
    slow = key_ring.make("slow", ["events:write"], rate=1)
    assert post(EVENTS, [1] * 10, key=slow).status_code == 400
    assert post(EVENTS, [1] * 8, key=slow).status_code == 429


def test_the_gate_closes_above_the_high_mark_and_opens_below_the_low_one() -> None:
    assert backpressure.judge(0.69, 0, was_closed=False) == ""
    assert "71% full" in backpressure.judge(0.71, 0, was_closed=False)
    assert backpressure.judge(0.65, 0, was_closed=True) != ""
    assert backpressure.judge(0.59, 0, was_closed=True) == ""
    assert "waited 601 s" in backpressure.judge(0, 601_000, was_closed=False)
    assert backpressure.judge(0, 599_000, was_closed=True) != ""
    assert backpressure.judge(0, 100_000, was_closed=True) == ""


def test_the_gate_looks_again_and_knows_that_it_was_closed(monkeypatch: pytest.MonkeyPatch, stream: None) -> None:
    shares = iter([0.59, 0.71, 0.65, 0.59])
    monkeypatch.setattr(backpressure, "memory_share", lambda: next(shares))
    monkeypatch.setattr(backpressure, "LOOK_EVERY", 0)
    gate = backpressure.Gate()
    assert [bool(gate.look()) for _ in range(4)] == [False, True, True, False]


def test_while_an_entry_has_waited_too_long_nothing_is_taken(post: Any) -> None:
    for minutes, status in ((9, 202), (11, 503)):
        buffer.connection().flushall()
        appended = int(time.time() - minutes * 60) * 1000
        buffer.connection().xadd(buffer.stream(0), {"body": b""}, id=f"{appended}-0")
        backpressure.gate.looked_at = 0
        assert post(EVENTS, sent()).status_code == status, minutes


def test_above_the_high_mark_nothing_is_taken_and_the_stream_can_still_be_drained(post: Any, drain: Any) -> None:
    connection = buffer.connection()
    before = str(connection.config_get("maxmemory")["maxmemory"])
    assert post(EVENTS, sent()).status_code == 202
    connection.config_set("maxmemory", int(connection.info("memory")["used_memory"] / 0.8))
    try:
        backpressure.gate.looked_at = 0
        answer = post(EVENTS, sent())
        assert (answer.status_code, answer.json()["error"]["code"]) == (503, "buffer_unavailable")
        drain()
    finally:
        connection.config_set("maxmemory", before)
    backpressure.gate.looked_at = 0
    assert post(EVENTS, sent()).status_code == 202
    assert Event.objects.count() == 1


def test_what_was_taken_and_refused_is_tallied(post: Any) -> None:
    post(EVENTS, [sent(), sent(), sent(status=1), sent(made_up=1), 5])
    post(EVENTS, b"{")
    seen = tally.door()
    assert seen.accepted == 2
    assert seen.rejected == {"status": 1, "unknown_field": 1, "not_an_object": 1, "not_json": 1}
