"""Judged at recording by the version in force at the time; judged again after a mistake, with nothing forgotten."""

import threading
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from fallbacks import recounting, rejudging, rulebook
from fallbacks.models import CatalogueModel, EarlierVerdict, Event, PolicyVersion, Workload
from fallbacks.recording import record
from fallbacks.verdict import named
from tests import make
from tests.make import NOON
from tests.policy import on_the_way as way
from tests.policy.policies import MODELS, policy

pytestmark = pytest.mark.usefixtures("database")
MINUTE = timedelta(minutes=1)


def models() -> None:
    for name in ("premium-chat", "baseline-chat"):
        given = {key: value for key, value in MODELS[name].items() if key != "name"}
        CatalogueModel.objects.create(name=name, updated_by="tests", **given)


def version(number: int, since: Any, **over: Any) -> None:
    """Put a version in force, as of a moment of the past where a test wants one."""
    workload, _ = Workload.objects.get_or_create(slug="support-chat")
    body = policy("support-chat", "premium-chat", "baseline-chat", **over)
    with rulebook.changing():
        PolicyVersion.objects.create(workload=workload, version=number, since=since, body=body, made_by="tests")


def enabled(since: Any, until: Any = None) -> None:
    way.enable(since=since, until=until)


def verdicts() -> dict[str, tuple[tuple[str, ...], int | None]]:
    return {event.id: (named(event.rules), event.policy_version) for event in Event.objects.order_by("id")}


def test_an_event_is_judged_by_the_version_that_was_in_force_when_it_occurred() -> None:
    models()
    version(1, NOON, triggers=["overloaded"], user_visible=False)
    version(2, NOON + 10 * MINUTE, triggers=["timeout"], user_visible=False)
    record(
        [
            make.event(id="before the first", occurred_at=NOON - MINUTE),
            make.event(id="in the first", occurred_at=NOON + MINUTE),
            make.event(id="in the second", occurred_at=NOON + 10 * MINUTE),
        ]
    )
    assert verdicts() == {
        "before the first": ((), 1),
        "in the first": ((), 1),
        "in the second": (("trigger_not_allowed",), 2),
    }
    assert recounting.compare() == []


def test_a_route_counts_as_enabled_for_as_long_as_it_was() -> None:
    models()
    version(1, NOON, triggers=["overloaded"], notice="never", paid_tiers=[], user_visible=True)
    enabled(NOON, NOON + 5 * MINUTE)
    moments = {"early": NOON - MINUTE, "while": NOON, "last": NOON + 5 * MINUTE - MINUTE, "after": NOON + 5 * MINUTE}
    record([make.event(id=name, occurred_at=at) for name, at in moments.items()])
    broken = {name for name, (rules, _) in verdicts().items() if "not_enabled" in rules}
    assert broken == {"early", "after"}


def test_events_are_judged_again_and_what_they_were_is_kept() -> None:
    models()
    record([make.event(id=f"e{n}", occurred_at=NOON + n * MINUTE) for n in range(5)])
    record([make.event(id="other", workload="other")])
    assert {rules for rules, _ in verdicts().values()} == {("undeclared_route",)}
    version(1, NOON - MINUTE, triggers=["overloaded"], user_visible=False)
    done = rejudging.rejudge("support-chat", NOON, NOON + 4 * MINUTE)
    assert (done.seen, done.changed, dict(done.broken_no_more)) == (4, 4, {"undeclared_route": 4})
    after = verdicts()
    assert [after[f"e{n}"] for n in range(4)] == [((), 1)] * 4
    assert after["e4"] == after["other"] == (("undeclared_route",), None)
    kept = EarlierVerdict.objects.order_by("event").values_list("event", "rules", "policy_version")
    assert list(kept) == [(f"e{n}", 1, None) for n in range(4)]
    assert recounting.compare() == []
    again = rejudging.rejudge("support-chat", NOON, NOON + 4 * MINUTE)
    assert (again.seen, again.changed, EarlierVerdict.objects.count()) == (4, 0, 4)


def test_more_than_a_batch_is_judged_again_while_events_come_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rejudging, "BATCH", 7)
    models()
    told = {"primary_latency_ms": 30_000, "fallback_latency_ms": 700, "input_tokens": 900, "cached_input_tokens": 300}
    record([make.event(id=f"e{n:03}", occurred_at=NOON + n % 3 * MINUTE, **told) for n in range(100)])
    version(1, NOON - MINUTE, triggers=["overloaded"], user_visible=False)
    stop = threading.Event()

    def go_on() -> None:
        try:
            while not stop.is_set():
                record([make.event(occurred_at=NOON) for _ in range(5)])
        finally:
            connection.close()

    recorder = threading.Thread(target=go_on)
    recorder.start()
    done = rejudging.rejudge("support-chat", NOON, NOON + 3 * MINUTE)
    stop.set()
    recorder.join()
    assert done.changed == 100
    assert {rules for rules, _ in verdicts().values()} == {()}
    assert recounting.compare() == []


def test_the_command_says_what_changed_and_what_is_wrong() -> None:
    models()
    record([make.event()])
    version(1, NOON - MINUTE, triggers=["timeout"], user_visible=False)
    out = StringIO()
    span = ["--from", (NOON - MINUTE).isoformat()]
    call_command("rejudge", "--workload", "support-chat", *span, stdout=out)
    assert out.getvalue() == (
        "Judged 1 events of support-chat again: 1 verdicts changed.\n"
        "Broken now: trigger_not_allowed 1.\nNo longer broken: undeclared_route 1.\n"
    )
    with pytest.raises(CommandError, match="no workload"):
        call_command("rejudge", "--workload", "nobody", *span)
    with pytest.raises(CommandError, match="later"):
        call_command("rejudge", "--workload", "support-chat", *span, "--to", "2020-01-01T00:00:00Z")
    with pytest.raises(CommandError, match="offset"):
        call_command("rejudge", "--workload", "support-chat", "--from", "2026-11-17T14:00:00")


def test_a_change_that_is_taken_back_is_forgotten() -> None:
    models()
    record([make.event(id="before")])

    def change_and_fail() -> None:
        with rulebook.changing():
            version(1, NOON - MINUTE, triggers=["overloaded"], user_visible=False)
            assert rulebook.current().in_force("support-chat", NOON) is not None
            raise RuntimeError

    with pytest.raises(RuntimeError):
        change_and_fail()
    record([make.event(id="after")])
    assert verdicts()["after"] == (("undeclared_route",), None)
