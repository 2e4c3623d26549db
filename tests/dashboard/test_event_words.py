"""One event in plain words: for every outcome, error class and rule, and for what is not known."""

import json
import shlex
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, get_args

import pytest

from dashboard.events import copy as event_copy
from dashboard.events import panel as event_panel
from dashboard.events import words as event_words
from dashboard.events.words import FIXED, plain
from dashboard.rule_words import MEANING, TO_DO
from fallbacks.boundary import CLASSES
from fallbacks.models import Event, Workload
from fallbacks.plaindata import policy_from
from fallbacks.verdict import RULES, Rule, mask
from tests.dashboard.stage import SUPPORT

POLICY = policy_from(SUPPORT)
AT = datetime(2026, 11, 17, 14, 4, 10, 66_000, UTC)


def event(**over: Any) -> Event:
    """An answer by a fallback that broke nothing, as it is stored."""
    fields: dict[str, Any] = {
        "workload": Workload(id=1, slug="support-chat"),
        "occurred_at": AT,
        "received_at": AT + timedelta(seconds=0.3),
        "recorded_at": AT + timedelta(seconds=0.7),
        "id": "one",
        "environment": "production",
        "primary": "premium-chat",
        "fallback": "baseline-chat",
        "status": "529",
        "reason": "overloaded",
        "outcome": "served",
        "error_class": "overloaded",
        "policy_version": 4,
        "who_acts": "provider watch",
    }
    rules = over.pop("broken", ())
    return Event(**fields | {"rules": mask(rules)} | over)


def said(policy: Any = POLICY, **over: Any) -> str:
    return plain(event_words.said(event(**over), policy, "At 15:04:10"))


TIMEOUT = {"status": "timeout", "error_class": "timeout"}
NOT_SAID = "the service did not say that it was done"
FREE = "The user, on the tier free, did not have to be told."
OVERLOADED = "At 15:04:10 baseline-chat answered instead of premium-chat, which was overloaded (HTTP 529)"
ALLOWED = "Policy v4 allows that fallback."


@pytest.mark.parametrize(
    ("over", "sentence"),
    [
        ({"user_notified": True}, f"{OVERLOADED}. {ALLOWED} The user was told."),
        ({"attempts": 2, "tier": "free"}, f"{OVERLOADED} after 2 tries. {ALLOWED} {FREE}"),
        (
            {"attempts": 2, "tier": "pro", "user_notified": False, "notice_due": True, "broken": ["silent"]},
            f"{OVERLOADED} after 2 tries. {ALLOWED} The user, on the paid tier pro, had to be told, and was not told.",
        ),
        # As it was stored before a due notice was.
        (
            {"broken": ["silent"]},
            f"{OVERLOADED}. {ALLOWED} The user had to be told, and was not told: {NOT_SAID}.",
        ),
        ({"user_visible": False}, f"{OVERLOADED}. {ALLOWED} No user sees the answer."),
        (
            {"broken": ["entitlement", "silent"], "user_notified": False},
            f"{OVERLOADED}. Policy v4 does not allow that. The user had to be told, and was not told.",
        ),
        (
            {"broken": ["undeclared_route"]},
            f"{OVERLOADED}. Policy v4 does not name this pair. The user did not have to be told.",
        ),
        (
            {"outcome": "failed", "fallback": None},
            "At 15:04:10 nobody answered for premium-chat, which was overloaded (HTTP 529): no fallback was used."
            " It breaks no rule of policy v4: rules speak of answers by a fallback.",
        ),
        (
            {"outcome": "failed"},
            "At 15:04:10 neither premium-chat, which was overloaded (HTTP 529), nor baseline-chat answered."
            " It breaks no rule of policy v4: rules speak of answers by a fallback.",
        ),
        (
            {"outcome": "blocked", "status": "400", "error_class": "content_policy", "error_code": "content_filter"},
            "At 15:04:10 policy refused baseline-chat in the place of premium-chat, which refused by its content policy"
            " (HTTP 400, content_filter). The request was not answered."
            " Policy v4 was in force; refusing breaks no rule.",
        ),
        (
            {"outcome": "blocked", "fallback": None, "policy_version": None} | TIMEOUT,
            "At 15:04:10 policy refused a fallback for premium-chat, which did not answer in time."
            " The request was not answered.",
        ),
    ],
)  # fmt: skip
def test_what_happened_is_told_in_sentences(over: dict[str, Any], sentence: str) -> None:
    assert said(**over) == sentence


def test_without_a_policy_nothing_is_claimed_of_one() -> None:
    over: dict[str, Any] = {"policy_version": None}
    whether = "Whether the user had to be told, no policy says."
    assert said(None, **over, broken=["undeclared_route"]) == (
        f"{OVERLOADED}. The workload has no policy, so nothing allows it. {whether}"
    )
    assert said(None, **over, error_class="") == (
        f"{OVERLOADED.replace('was overloaded', 'failed')}. It was not judged. {whether}"
    )
    # The workload's own setting serves where the event does not say who sees it.
    assert said(replace(POLICY, user_visible=False)).endswith("No user sees the answer.")


@pytest.mark.parametrize(
    ("over", "words"),
    [
        (TIMEOUT, "did not answer in time"),
        ({"status": "connection_error", "error_class": "unavailable"}, "could not be reached (connection_error)"),
        # The code said what class it is, not the status; where both say the same, the code is no news.
        (
            {"status": "429", "error_class": "quota", "error_code": "insufficient_quota"},
            "had spent its quota (HTTP 429, insufficient_quota)",
        ),
        ({"error_code": "overloaded_error", "attempts": 3}, "was overloaded (HTTP 529) after 3 tries"),
    ],
)  # fmt: skip
def test_what_went_wrong_is_told_with_what_the_provider_said(over: dict[str, Any], words: str) -> None:
    assert event_words.went_wrong(event(**over)) == words


def test_every_class_and_every_rule_has_its_words() -> None:
    names = {each.name for each in CLASSES}
    assert set(event_words.WENT_WRONG) == set(event_words.FOR_WHAT) == names
    assert set(TO_DO) == set(get_args(Rule)) == set(MEANING)
    for rule in RULES:
        assert event_words.broken(event(broken=[rule])) == f"1 rule broken: {rule}."


@pytest.mark.parametrize(
    ("over", "told", "judged", "happened"),
    [
        ({"user_notified": True}, "yes", "allowed", "baseline-chat answered for premium-chat"),
        ({"notice_due": True}, "no", "allowed", "baseline-chat answered for premium-chat"),
        # No policy says whether there was anything to tell.
        ({"policy_version": None}, "–", "–", "baseline-chat answered for premium-chat"),
        ({"outcome": "failed"}, "–", "–", "neither premium-chat nor baseline-chat answered"),
        ({"outcome": "failed", "fallback": None}, "–", "–", "nobody answered for premium-chat"),
        ({"outcome": "blocked"}, "–", "refused", "policy refused baseline-chat for premium-chat"),
        ({"outcome": "blocked", "fallback": None}, "–", "refused", "policy refused a fallback for premium-chat"),
    ],
)
def test_the_list_says_it_in_a_word(over: dict[str, Any], told: str, judged: str, happened: str) -> None:
    one = event(**over)
    assert (event_words.told(one), event_words.judged(one), event_words.happened(one)) == (told, judged, happened)


@pytest.mark.parametrize(
    ("over", "who"),
    [
        ({}, "Provider watch for the overload."),
        ({"error_class": "cancelled", "who_acts": "nobody"}, "Nobody has to act."),
        (
            {"broken": ["silent"], "who_acts": "support platform"},
            "Provider watch for the overload; support platform, the owner, for the missing notice.",
        ),
        (
            {"broken": ["entitlement", "silent"], "who_acts": "us", "error_class": "model_unavailable"},
            "Us, the owner, for the broken rules.",
        ),
        ({"error_class": "", "who_acts": ""}, "Workload owner for the error."),
    ],
)
def test_who_acts_is_told_for_what(over: dict[str, Any], who: str) -> None:
    assert plain(event_words.who(event(**over))) == who


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        *((None, "–"), (0, "0 ms"), (940, "940 ms"), (2040, "2.04 s"), (30_000, "30.0 s")),
        *((312_000, "5 min 12 s"), (86_400_000, "24 h 0 min")),
    ],
)
def test_how_long_it_took(milliseconds: int | None, text: str) -> None:
    assert event_words.seconds(milliseconds).replace(FIXED, " ") == text


def test_all_fields_are_told_and_those_that_were_not_sent_are_named() -> None:
    full = event(
        error_code="overloaded_error",
        attempts=2,
        tier="pro",
        payload_class="chat",
        provider_features=["beta", "tools"],
        user_visible=True,
        user_notified=False,
        notice_due=True,
        primary_latency_ms=30_000,
        fallback_latency_ms=2040,
        input_tokens=3118,
        cached_input_tokens=2560,
        output_tokens=402,
        cost_usd=Decimal("0.0041"),
        primary_cost_usd=Decimal("0.0085"),
        cache_loss_usd=Decimal("0.0011"),
        attributes={"region": "eu"},
        request_id="req_8f2c91b1f3",
        trace_id="4bf92f35",
    )
    told = {fact.word: fact.text.replace(FIXED, " ") for fact in event_panel.facts(full)}
    assert told == {
        "Primary": "premium-chat, failed after 30.0 s",
        "Fallback": "baseline-chat, answered in 2.04 s",
        "Outcome": "served",
        "Status, code": "529, overloaded_error",
        "Error class": "overloaded",
        "Reason": "overloaded",
        "Tries": "2",
        "Tier": "pro",
        "User sees it": "yes",
        "User told": "no",
        "Payload class": "chat",
        "Features": "beta, tools",
        "Tokens": "3,118 in (2,560 would have been cached), 402 out",
        "Cost": "$0.0041, primary $0.0085",
        "Cache loss": "$0.0011 more for tokens that the primary had cached",
        "region": "eu",
        "Request id": "req_8f2c91b1f3",
        "Trace id": "4bf92f35",
        "Event id": "one",
    }
    assert event_panel.not_sent(full) == []
    assert event_words.on_screen(full).replace(FIXED, " ") == "on screen 0.4 s later"
    bare = event()
    assert {"tier", "request_id", "attributes"} < set(event_panel.not_sent(bare))
    assert {fact.word: fact.text for fact in event_panel.facts(bare)}[
        "User told"
    ] == "not needed (not said by the service)"


@pytest.mark.parametrize(
    "text", ["it's", "'; rm -rf / #", "$(id) `id` \\", "'\"'\"'", "a\nb\x1b[2J", "\u202eabc", "!!", "@/etc/passwd"]
)
def test_the_command_sends_the_event_again_whatever_its_texts_are(text: str) -> None:
    shown = dict.fromkeys(event_copy.SENT) | {"workload": "w", "reason": text, "id": text, "rules": ["silent"]}
    command = event_copy.as_curl(shown, "http://localhost:8000/api/v1/events")
    assert command.isascii()
    assert command.isprintable() or set(command) - set("\n") <= {chr(code) for code in range(32, 127)}
    # A real shell, and in the place of curl what prints its arguments.
    done = subprocess.run(
        ["/bin/sh", "-c", f"curl() {{ for each in \"$@\"; do printf '%s\\0' \"$each\"; done; }}\n{command}"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    words = done.stdout.split("\0")[:-1]
    assert words[:-1] == shlex.split(
        "http://localhost:8000/api/v1/events -H 'Authorization: Bearer YOUR_KEY' -H 'Content-Type: application/json' -d"
    )
    assert json.loads(words[-1]) == {"id": text, "workload": "w", "fallback": None, "reason": text}
