"""`POST /api/v1/decisions`: what a gateway is told, and that a client with the policy's JSON finds the same alone."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
import pytest
from django.test import Client

import fallbacks
from fallbacks import forms, key_ring, keys, rulebook
from fallbacks.asking import Asked
from fallbacks.models import Event
from ingest import wire
from ingest.wire import EventIn
from tests.policy import on_the_way as way
from tests.policy.policies import FAILURES, Json
from tests.policy.stored import close, put_support, verify

DECISIONS = "/api/v1/decisions"
pytestmark = pytest.mark.usefixtures("database")
QUESTION: Json = {"workload": "support-chat", "primary": "premium-chat", "status": 529, "tier": "pro"}
Decide = Callable[..., Any]


def look_anew() -> None:
    """Let the next decision look whether what is remembered still holds, as it does after a second."""
    rulebook._looked_at = 0.0


@pytest.fixture
def decide(database: None) -> Decide:
    """Ask with a key that may."""
    look_anew()
    client = Client(headers={"authorization": f"Bearer {key_ring.make('gateway', ['policy:read'])}"})

    def ask(question: Json = QUESTION, /, **over: Any) -> Any:
        return client.post(DECISIONS, json.dumps({**question, **over}), content_type="application/json")

    return ask


@pytest.fixture
def enabled(database: None) -> None:
    put_support()
    verify()
    way.enable()


@pytest.mark.usefixtures("enabled")
def test_a_gateway_is_told_what_to_do_and_why(decide: Decide) -> None:
    answer = decide()
    assert answer.status_code == 200
    assert answer.json() == {
        "action": "fallback",
        "fallback": "baseline-chat",
        "notify_user": True,
        "message": "A simpler model answered, because the usual one is not available.",
        "rules": [],
        "because": "baseline-chat may answer for premium-chat: the triggers name overloaded,"
        " and the user must be told.",
        "policy_version": 1,
        "error_class": "overloaded",
    }
    assert decide(tier="free").json()["notify_user"] is False
    refused = decide(status="401").json()
    assert (refused["action"], refused["rules"], refused["fallback"]) == ("fail", ["never_fallback"], None)
    assert not Event.objects.exists()


def test_what_is_not_known_to_be_allowed_fails(decide: Decide) -> None:
    for question in ({}, {"status": 401}):
        answer = decide(**question)
        assert answer.status_code == 200
        assert (answer.json()["action"], answer.json()["rules"][0]) == ("fail", "undeclared_route")
        assert answer.json()["policy_version"] is None
    put_support()
    look_anew()
    assert decide().json()["rules"] == ["not_enabled"]


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"workload": None}, ["workload"]),
        ({"workload": "No Slug", "status": True}, ["workload", "status"]),
        ({"status": 600}, ["status"]),
        ({"status": "0500"}, ["status"]),
        ({"status": "soon"}, ["status"]),
        ({"attempts": 0, "tier": "Pro", "statuss": 1}, ["statuss", "attempts", "tier"]),
        ({"outcome": "ok"}, ["outcome"]),
        ({"occurred_at": "2026-11-17T14:00:00"}, ["occurred_at"]),
        ({"fallback": "premium-chat"}, ["fallback"]),
        ({"primary": "a\0", "fallback": "a\ufffd"}, ["fallback"]),
        ({"cost_usd": "1_0"}, ["cost_usd"]),
        ({"cost_usd": "1e99999999999999999999"}, ["cost_usd"]),
        ({"provider_features": ["a"] * 17}, ["provider_features"]),
        ({"sample": {"inputs": "a"}}, ["sample"]),
        ({"id": "a\nb", "cost_usd": -1}, ["id", "cost_usd"]),
    ],
)
def test_a_question_that_is_none_is_refused_by_its_fields(decide: Decide, change: Json, refused: list[str]) -> None:
    answer = decide(**change)
    assert (answer.status_code, list(answer.json()["error"]["fields"])) == (400, refused)


def test_a_question_may_hold_an_id_with_a_bad_byte_as_an_event_may(decide: Decide) -> None:
    assert decide(id="a\0b").status_code == 200


@pytest.mark.parametrize("field", ["workload", "environment", "tier", "payload_class"])
def test_what_a_slug_must_be_is_said_with_one_full_stop(decide: Decide, field: str) -> None:
    message = decide(**{field: "No Slug"}).json()["error"]["message"]
    assert message == f"{field}: It must be a slug of 1 to 64 characters from a-z 0-9 . _ -."


# What an event may hold besides: a good value, and one that is refused.
ALIKE: dict[str, tuple[Any, Any]] = {
    "workload": ("a.b", "A"),
    "primary": ("p" * 128, "p" * 129),
    "fallback": ("f", ""),
    "status": ("503", [503]),
    "reason": ("r", "r" * 501),
    "id": ("i" * 64, "i" * 65),
    "occurred_at": ("2026-11-17T14:00:00Z", "2026-11-17 14:00"),
    "environment": ("staging", "Staging"),
    "error_code": ("e" * 128, ""),
    "attempts": (100, 101),
    "user_visible": (True, "true"),
    "user_notified": (False, 0),
    "tier": ("pro", ""),
    "payload_class": ("chat-tools", "chat tools"),
    "provider_features": (["x" * 64], ["x" * 65]),
    "request_id": ("", "r" * 129),
    "trace_id": ("t" * 128, 7),
    "primary_latency_ms": (86_400_000, 86_400_001),
    "fallback_latency_ms": (0.5, -1),
    "input_tokens": (10**12, 10**12 + 1),
    "cached_input_tokens": (0, 0.5),
    "output_tokens": (1, "many"),
    "cost_usd": (0.0041, "much"),
    "sample": ({"input": "a", "output": None}, {"in": "a"}),
    "attributes": ({"a": "b"}, {"a": 1}),
}


def is_event(sent: bytes) -> bool:
    try:
        msgspec.json.decode(sent, type=EventIn)
    except msgspec.ValidationError:
        return False
    return True


def test_a_question_may_hold_what_an_event_holds_in_the_same_forms(decide: Decide) -> None:
    assert set(Asked.__struct_fields__) == set(EventIn.__struct_fields__) == {*ALIKE, "outcome"}
    assert all(forms.FORMS[name] == wire.FORMS[name] for name in EventIn.__struct_fields__)
    event = {"workload": "w", "primary": "p", "fallback": None, "status": 500, "reason": "r"}
    for field, (good, bad) in ALIKE.items():
        for value, taken in ((good, True), (bad, False)):
            sent = json.dumps({**event, field: value}).encode()
            assert is_event(sent) is taken, (field, value)
            assert (decide({**event, field: value}).status_code == 200) is taken, (field, value)


# --- A client of its own ---------------------------------------------------------------------------------------------

PURE = ("boundary", "policy", "verdict", "reasons", "decision", "refusals", "plaindata")
ALONE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from fallbacks.decision import decide
from fallbacks.plaindata import model_from, policy_from
from fallbacks.verdict import Facts

given = json.load(sys.stdin)
policy, enabled = policy_from(given["policy"]), given["policy"]["enabled"]
models = {name: model_from(each) for name, each in given["policy"]["models"].items()}
answers = []
for asked in given["questions"]:
    facts = {name: value for name, value in asked.items() if name != "workload"} | {"status": str(asked["status"])}
    found = decide(Facts(**facts | {"provider_features": frozenset(asked["provider_features"])}), policy, models,
                   enabled=enabled)
    answers.append([found.action, found.fallback, found.notify_user, found.message, list(found.rules), found.because])
json.dump(answers, sys.stdout)
"""


def questions() -> Iterator[Json]:
    for (status, code), tier, attempts, (shape, features) in product(
        FAILURES, ("pro", None), (1, 3), (("chat", []), ("json", ["thinking"]))
    ):
        yield QUESTION | {
            "status": status,
            "error_code": code,
            "tier": tier,
            "attempts": attempts,
            "payload_class": shape,
            "provider_features": features,
        }


@pytest.mark.parametrize("is_enabled", [True, False])
def test_a_client_decides_the_same_alone_by_the_json_of_the_policy(
    decide: Decide, tmp_path: Path, is_enabled: bool
) -> None:
    put_support(triggers=["overloaded", "rate_limit", "timeout", "server_error"], payload_classes=["chat"])
    if is_enabled:
        verify("chat")
        way.enable()
    key = key_ring.make("client", ["policy:read"])
    policy = Client().get("/api/v1/policies/support-chat", headers={"authorization": f"Bearer {key}"}).json()
    home = tmp_path / "fallbacks"
    home.mkdir()
    for name in ("__init__", *PURE):
        (home / f"{name}.py").write_text(Path(fallbacks.__file__).with_name(f"{name}.py").read_text())
    asked = list(questions())
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", ALONE, str(tmp_path)],
        input=json.dumps({"policy": policy, "questions": asked}),
        capture_output=True,
        text=True,
        check=True,
        env={},
    )
    parts = ("action", "fallback", "notify_user", "message", "rules", "because")
    answers = [decide(question).json() for question in asked]
    assert json.loads(done.stdout) == [[answer[part] for part in parts] for answer in answers]
    assert {answer["action"] for answer in answers} == ({"fallback", "retry", "fail"} if is_enabled else {"fail"})


# --- Time ------------------------------------------------------------------------------------------------------------


def until_decided(decide: Decide, action: str) -> float:
    """Return after how many seconds the decision is this one."""
    began = time.monotonic()
    while decide().json()["action"] != action:
        assert time.monotonic() - began < 5, "a change must be in force within 5 s"
        time.sleep(0.05)
    return time.monotonic() - began


@pytest.mark.usefixtures("enabled")
def test_a_change_is_in_force_within_seconds(decide: Decide) -> None:
    assert decide().json()["action"] == "fallback"
    close()
    until_decided(decide, "fail")
    verify()
    way.enable()
    until_decided(decide, "fallback")
    put_support(triggers=["timeout"])
    until_decided(decide, "fail")


@pytest.mark.usefixtures("enabled")
def test_a_decision_costs_no_query_while_what_is_remembered_is_fresh(
    decide: Decide, django_assert_num_queries: Any, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(10):
        decide()
    with django_assert_num_queries(0):
        for _ in range(20):
            decide()


@pytest.mark.usefixtures("enabled")
def test_with_the_database_away_a_gateway_is_told_to_fail(decide: Decide, running_servers: Any) -> None:
    assert decide().status_code == 200
    running_servers.down("postgres")
    try:
        time.sleep(1.1)
        for forgotten in (False, True):
            if forgotten:
                keys.forget()
            answer = decide()
            assert answer.status_code == 503
            assert answer["Retry-After"]
            assert "treat this as `fail`" in answer.json()["error"]["message"]
    finally:
        running_servers.up("postgres")
