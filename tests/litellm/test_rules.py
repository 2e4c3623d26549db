"""The logger's rules, without LiteLLM: which signals make which event, and what becomes of a failed post."""

import time
from dataclasses import replace
from typing import Any

import pytest
from observatory_logger import (
    FORGET_SECONDS,
    ObservatoryLogger,
    Request,
    Requests,
    Signal,
    event_of,
    reason_of,
    slug,
    status_of,
)

from tests.litellm.collector import Collector

BEGAN = 1_790_000_000.0
FAILED: dict[str, Any] = {"status": 503, "reason": "ServiceUnavailableError"}


def signal(kind: str, model: str = "big", depth: int = 0, **over: Any) -> Signal:
    made = Signal(kind, "one", "big", model, "chat", BEGAN, attempt=(f"call-{depth}", depth))
    return replace(made, **{"first": kind == "started" and depth == 0} | over)


def play(*signals: Signal, later: float = 60.0) -> Requests:
    requests = Requests()
    for number, each in enumerate(signals):
        requests.take(each, float(number))
        requests.settle(float(number))
    requests.settle(len(signals) + later)
    return requests


def outcome(requests: Requests) -> list[tuple[Any, ...]]:
    return [(event["fallback"], event["status"], event["outcome"]) for event in requests.events]


STARTED, REFUSED, ANSWERED = signal("started"), signal("refused", **FAILED), signal("answered")
TO_SMALL = signal("started", "small", 1)
SMALL_ANSWERED = signal("fallback_answered", "small", 1, **FAILED)


SMALL_REFUSED = signal("refused", "small", 1, status=429, reason="RateLimitError")
SMALL_STREAMS = replace(SMALL_ANSWERED, stream=True)
STREAM_BROKE = signal("refused", "small", 1, status="connection_error", reason="ReadError")
RETRIED = replace(STARTED, first=False)

STORIES: dict[str, tuple[list[Signal], list[tuple[Any, ...]]]] = {
    "the primary answered": ([STARTED, ANSWERED], []),
    "a retry of the primary answered": ([STARTED, REFUSED, RETRIED, ANSWERED], []),
    "the primary failed": ([STARTED, REFUSED], [(None, 503, "failed")]),
    "the primary failed twice": ([STARTED, REFUSED, RETRIED, replace(REFUSED, status=500)], [(None, 500, "failed")]),
    "a fallback answered": (
        [STARTED, REFUSED, TO_SMALL, SMALL_ANSWERED, signal("answered", "small", 1)],
        [("small", 503, "served")],
    ),
    "a fallback's answer was told first": (
        [STARTED, REFUSED, TO_SMALL, signal("answered", "small", 1), SMALL_ANSWERED],
        [("small", 503, "served")],
    ),
    # LiteLLM tells the same answer once a hop, innermost first, and names the hop's own model.
    "the second fallback answered": (
        [
            *(STARTED, REFUSED, TO_SMALL, SMALL_REFUSED),
            *(signal("started", "spare", 2), signal("fallback_answered", "spare", 2), SMALL_ANSWERED),
        ],
        [("spare", 503, "served")],
    ),
    "the second fallback's stream answered": (
        [
            *(STARTED, REFUSED, TO_SMALL, SMALL_REFUSED, signal("started", "spare", 2)),
            *(signal("fallback_answered", "spare", 2, stream=True), SMALL_STREAMS),
        ],
        [("spare", 503, "served")],
    ),
    "every fallback failed": (
        [STARTED, REFUSED, TO_SMALL, SMALL_REFUSED, signal("fallback_failed", "small", 1, **FAILED)],
        [("small", 503, "failed")],
    ),
    "the primary was cooling down": (
        [TO_SMALL, replace(SMALL_ANSWERED, status="unavailable", reason="cooling")],
        [("small", "unavailable", "served")],
    ),
    "a fallback's stream broke off": (
        [STARTED, REFUSED, TO_SMALL, SMALL_STREAMS, STREAM_BROKE],
        [("small", 503, "failed")],
    ),
    "a fallback's stream was abandoned": (
        [STARTED, REFUSED, TO_SMALL, SMALL_STREAMS],
        [("small", 503, "served")],
    ),
    "another deployment of the primary answered": (
        [STARTED, REFUSED, signal("started", "big", 1), signal("fallback_answered", "big", 1, **FAILED)],
        [],
    ),
}


@pytest.mark.parametrize("story", STORIES)
def test_a_request_makes_at_most_one_event(story: str) -> None:
    signals, expected = STORIES[story]
    requests = play(*signals)
    assert outcome(requests) == expected
    assert sum(requests.traffic.values()) == 1
    assert not requests.open


def test_a_failure_waits_for_the_router_to_go_on() -> None:
    requests = Requests()
    for each in (STARTED, replace(REFUSED, settle=2.0)):
        requests.take(each, 0.0)
    requests.settle(1.9)
    assert requests.events == []
    requests.take(TO_SMALL, 1.9)
    requests.settle(500.0)
    assert requests.events == [], "a fallback that takes its time is under way"
    requests.take(SMALL_ANSWERED, 500.0)
    assert outcome(requests) == [("small", 503, "served")]


def test_a_late_word_of_the_first_attempt_does_not_end_the_second() -> None:
    requests = play(STARTED, TO_SMALL, REFUSED, later=30.0)
    assert outcome(requests) == []
    requests.take(SMALL_ANSWERED, 100.0)
    assert outcome(requests) == [("small", 503, "served")]


def test_requests_that_share_a_trace_id_count_each() -> None:
    requests = play(STARTED, ANSWERED, STARTED, REFUSED, STARTED, ANSWERED)
    assert sum(requests.traffic.values()) == 3
    assert outcome(requests) == [(None, 503, "failed")]


def test_a_request_that_never_ends_is_forgotten() -> None:
    assert play(STARTED, later=FORGET_SECONDS + 10).open == {}


def test_an_event_lies_in_the_minute_of_its_traffic() -> None:
    requests = play(STARTED, replace(REFUSED, at=BEGAN + 90))
    (event,) = requests.events
    assert event["occurred_at"] == "2026-09-21T14:13:20+00:00"
    assert list(requests.traffic) == [("chat", "big", 1_789_999_980)]


def test_an_event_always_has_what_the_product_demands() -> None:
    event = event_of(Request("chat", "big" * 100, BEGAN, tried="small"))
    assert (len(event["primary"]), event["status"], bool(event["reason"])) == (128, "unavailable", True)


class APIStatusError(Exception):
    status_code = 503


class APIConnectionError(Exception):
    pass


class APITimeoutError(APIConnectionError):
    pass


def caused(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


def guess(code: Any) -> Exception:
    """LiteLLM's own exception with the number that it made up."""
    error = type("InternalServerError", (Exception,), {"__module__": "litellm.exceptions"})()
    error.status_code = code
    return error  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (guess(503), 503),
        (guess("429"), 429),
        (guess(0), "unavailable"),
        (guess(None), "unavailable"),
        (None, "unavailable"),
        (ValueError("No deployments available"), "unavailable"),
        (caused(guess(500), APIConnectionError()), "connection_error"),
        (caused(guess(408), APITimeoutError()), "timeout"),
        (caused(guess(500), APIStatusError()), 503),
        (caused(guess(429), caused(guess(408), APITimeoutError())), 429),
        (ConnectionResetError(), "connection_error"),
        (TimeoutError(), "timeout"),
    ],
)
def test_status_is_what_the_provider_did(error: Exception | None, expected: int | str) -> None:
    assert status_of(error) == expected


def test_a_reason_holds_no_message_unless_asked() -> None:
    error = guess(400)
    error.message, error.code, error.llm_provider = "You wrote: my secret\nand more", "bad_thing", "openai"  # type: ignore[attr-defined]
    assert reason_of(error) == "InternalServerError (openai, 400, bad_thing)"
    assert reason_of(error, include_message=True).endswith(": You wrote: my secret")
    error.code = "a sentence that quotes the prompt"  # type: ignore[attr-defined]
    assert reason_of(error) == "InternalServerError (openai, 400)"


@pytest.mark.parametrize(("text", "expected"), [("Support Chat", "support-chat"), ("a/b:c", "a-b-c"), ("", "unnamed")])
def test_slug(text: str, expected: str) -> None:
    assert slug(text) == expected
    assert len(slug(text * 100)) <= 64


def hook_call(number: int = 1, **metadata: Any) -> dict[str, Any]:
    metadata = {"model_group": "big", "original_model_group": "big", "attempted_fallbacks": 0} | metadata
    details = {"litellm_trace_id": f"trace-{number}", "litellm_call_id": f"call-{number}"}
    return details | {"litellm_params": {"metadata": metadata}}


def fail(logger: ObservatoryLogger, number: int = 1, **metadata: Any) -> None:
    call = hook_call(number, **metadata)
    logger.log_pre_api_call("big", [], call)
    logger.log_failure_event(call | {"exception": guess(503)}, None, None, None)


def test_hooks_become_posts(collector: Collector) -> None:
    logger = ObservatoryLogger(collector.address, "the key", interval=0.05, environment="staging")
    fail(logger, 1, workload="My Chat")
    fail(logger, 2)
    assert logger.close()
    assert collector.keys == {"Bearer the key"}
    assert collector.bodies[0][0] == "/api/v1/traffic", "never more events than requests"
    event = next(event for event in collector.events if event["workload"] == "my-chat")
    assert event | {"id": "", "occurred_at": ""} == {
        "id": "",
        "occurred_at": "",
        "workload": "my-chat",
        "primary": "big",
        "fallback": None,
        "status": 503,
        "reason": "InternalServerError (503)",
        "outcome": "failed",
        "environment": "staging",
    }
    assert {(count["workload"], count["requests"], count["seconds"]) for count in collector.counts} == {
        ("my-chat", 1, 60),
        ("big", 1, 60),
    }


@pytest.mark.parametrize(
    ("workload", "expected"),
    [({"big": "Mapped"}, "mapped"), ({}, "big"), (lambda group, _: f"{group}-f", "big-f"), (lambda *_: 1 / 0, "big")],
)
def test_workload_can_be_named(collector: Collector, workload: Any, expected: str) -> None:
    logger = ObservatoryLogger(collector.address, "k", workload=workload)
    fail(logger)
    assert logger.close()
    assert [event["workload"] for event in collector.events] == [expected]


@pytest.mark.parametrize("status", [429, 503])
def test_a_post_that_cannot_be_taken_now_is_sent_again_with_the_same_ids(collector: Collector, status: int) -> None:
    collector.answers = [(status, {"Retry-After": "1"}), (202, {}), (status, {})]
    logger = ObservatoryLogger(collector.address, "k", interval=0.05)
    fail(logger)
    assert logger.close(timeout=10)
    assert collector.posted_at[1] - collector.posted_at[0] >= 1.0, "Retry-After was not honoured"
    assert (len(collector.counts), len(collector.events)) == (1, 1)


def test_a_refused_post_is_not_sent_again(collector: Collector, caplog: pytest.LogCaptureFixture) -> None:
    collector.answers = [(403, {}), (400, {})]
    logger = ObservatoryLogger(collector.address, "k", interval=0.05)
    fail(logger)
    assert logger.close()
    assert len(collector.posted_at) == 2
    assert logger.shipper.lost == 2
    assert "the product answered 403" in caplog.text


def test_a_full_queue_drops_and_says_so(collector: Collector, caplog: pytest.LogCaptureFixture) -> None:
    collector.hang.set()
    logger = ObservatoryLogger(collector.address, "k", interval=0.0, queue_size=10)
    fail(logger, 0)
    time.sleep(0.5)
    began = time.monotonic()
    for number in range(1, 101):
        fail(logger, number)
    assert time.monotonic() - began < 0.5, "a hook waited"
    assert logger.dropped >= 180
    collector.hang.clear()
    collector.release.set()
    assert logger.close(timeout=10)
    assert "signals were dropped because the queue of 10 was full" in caplog.text


def test_leaving_takes_no_longer_than_it_may(caplog: pytest.LogCaptureFixture) -> None:
    logger = ObservatoryLogger("http://127.0.0.1:9", "k", interval=0.05)
    fail(logger)
    began = time.monotonic()
    assert not logger.close(timeout=1.0)
    assert time.monotonic() - began < 2.5
    assert "the process ended before the product took them" in caplog.text


def test_a_hook_never_raises() -> None:
    logger = ObservatoryLogger("http://127.0.0.1:9", "k")
    for broken in ({}, {"litellm_params": None}, {"litellm_params": {"metadata": {"model_group": object()}}}, {"x": 1}):
        logger.log_pre_api_call("m", [], broken)
        logger.log_failure_event(broken, None, None, None)
    logger.log_success_event({"litellm_params": 7}, None, None, None)
    assert logger.dropped == 0
