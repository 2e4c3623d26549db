"""States in words: what the page says first, and why a workload needs someone, by state, cause and policy. Pure."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dashboard import words
from dashboard.forms import Comparison, Span
from dashboard.overview.calls import calls
from dashboard.overview.sentences import worst
from dashboard.standings import Followed, Standing
from dashboard.state_words import DOES, Facts, acting, cause, headline, nothing, why
from fallbacks.boundary import CLASSES
from fallbacks.plaindata import model_from, policy_from
from fallbacks.rates import Counts
from fallbacks.rulebook import Rulebook, Version
from fallbacks.states import Minute
from fallbacks.timebuckets import Window
from tests.policy.policies import DEMO

NOW = datetime(2026, 11, 17, 14, 4, tzinfo=UTC)
SUPPORT = DEMO[0] | {"owner": "support platform"}


def book(enabled: bool = True, **over: Any) -> Rulebook:
    """The rulebook of support-chat, whose primary is at Meridian."""
    model = {"name": "premium-chat", "provider": "Meridian", "family": "chat", "request_shapes": ["chat"]}
    versions = {"support-chat": (Version(4, NOW - timedelta(days=9), policy_from(SUPPORT | over)),)}
    routes = {("support-chat", "premium-chat", "baseline-chat"): ((NOW - timedelta(days=8), None),)}
    return Rulebook(1, {"premium-chat": model_from(model)}, versions, routes if enabled else {}, {})


NO_POLICY = Rulebook(1, {}, {}, {}, {})


@pytest.mark.parametrize(
    ("states", "text"),
    [
        (
            "failing silent degraded normal normal no_traffic",
            "3 of 6 workloads need someone now: 1 failing, 1 silent, 1 degraded.",
        ),
        ("degraded normal", "1 of 2 workloads needs someone now: 1 degraded."),
        ("failing", "1 of 1 workload needs someone now: 1 failing."),
        ("normal normal normal", "All 3 workloads are normal."),
        ("normal", "The one workload is normal."),
        ("normal normal no_traffic", "2 of 3 workloads are normal; 1 reports no traffic."),
        (
            "normal no_traffic no_traffic quiet",
            "1 of 4 workloads is normal; 2 report no traffic and nothing was heard of 1 in the last 24 hours.",
        ),
        ("quiet quiet", "Nothing was heard of 2 workloads in the last 24 hours."),
        (
            "quiet no_traffic",
            "No workload needs someone now: 1 reports no traffic and nothing was heard of 1 in the last 24 hours.",
        ),
    ],
)
def test_the_headline_says_how_many_need_someone(states: str, text: str) -> None:
    assert headline({f"w{number}": state for number, state in enumerate(states.split())}) == text


def test_where_there_is_no_workload_it_says_whether_there_was_any() -> None:
    assert nothing("production", "last 24 hours", ever=False) == "No workload has reported yet."
    assert nothing("staging", "last hour", ever=True) == "Nothing was reported in staging in the last hour."


def test_every_class_of_the_boundary_has_its_words() -> None:
    assert set(DOES) == {error.name for error in CLASSES}
    assert cause("overloaded", "premium-chat", "Meridian") == "premium-chat is overloaded at Meridian"
    assert cause("timeout", "vision-large", "") == "vision-large times out"
    # What is no matter of the provider does not name it.
    assert cause("invalid_request", "p", "Meridian") == "p refuses requests that it cannot read"
    assert cause(None, "", "") == cause("a class of later", "", "") == "its primary fails"


def facts(state: str, error: str | None = "overloaded", **over: Any) -> Facts:
    so_far = Minute(Counts(6000, 1200, 64, 2246), silent=38)
    return Facts(**{"state": state, "cause": error, "degraded_rate": 0.34, "so_far": so_far, "enabled": True} | over)


IS = "premium-chat is overloaded at Meridian, "


@pytest.mark.parametrize(
    ("known", "rules", "text"),
    [
        (facts("degraded"), book(), f"{IS}and baseline-chat answers 34 % of requests, as policy v4 allows"),
        (facts("degraded", degraded_rate=None), book(), f"{IS}and baseline-chat answers, as policy v4 allows"),
        (
            facts("degraded", enabled=False),
            book(),
            f"{IS}and baseline-chat answers 34 % of requests, though the route is not enabled",
        ),
        (
            facts("degraded"),
            book(triggers=["timeout"]),
            f"{IS}and baseline-chat answers 34 % of requests, which policy v4 does not allow",
        ),
        (
            facts("degraded"),
            NO_POLICY,
            "its primary is overloaded, and a fallback answers 34 % of requests, which no policy declares",
        ),
        (facts("silent"), book(), f"{IS}baseline-chat answers, and 38 times the user was not told"),
        (
            facts("silent", so_far=Minute(silent=1)),
            book(),
            f"{IS}baseline-chat answers, and once the user was not told",
        ),
        (
            facts("failing", enabled=False),
            book(),
            f"{IS}baseline-chat is not enabled, so policy refused 2,246 requests and 64 failed",
        ),
        (
            facts("failing", "quota"),
            book(),
            "premium-chat has no quota left, policy v4 allows no fallback then,"
            " so policy refused 2,246 requests and 64 failed",
        ),
        (
            facts("failing", so_far=Minute(Counts(100, 0, 1))),
            book(fallback=None, triggers=[]),
            f"{IS}no fallback is declared, so 1 request failed",
        ),
        (
            facts("failing", so_far=Minute(Counts(100, 50, 7))),
            book(),
            f"{IS}baseline-chat does not answer for all, so 7 requests failed",
        ),
        (
            facts("failing", None, so_far=Minute()),
            NO_POLICY,
            "its primary fails, no policy names a fallback, so requests fail",
        ),
    ],
)
def test_why_it_is_so_and_what_happens_instead(known: Facts, rules: Rulebook, text: str) -> None:
    assert why("support-chat", known, rules).replace(words.NARROW, " ") == text


@pytest.mark.parametrize(
    ("who", "owner", "said"),
    [
        ("provider watch", "media team", "Provider watch acts."),
        ("media team", "media team", "Media team, its owner, acts."),
        ("workload owner", "", "Workload owner acts."),
        ("reviewers", "", "Reviewers act."),
        ("nobody", "", "Nobody has to act."),
    ],
)
def test_who_acts(who: str, owner: str, said: str) -> None:
    assert "".join(acting(who, owner)) == said


def followed(state: Any, minutes: int, slug: str = "support-chat", counts: Counts = Counts(900, 300)) -> Followed:  # noqa: B008
    standing = Standing(
        slug, "production", state, NOW - timedelta(minutes=minutes), "overloaded", "provider watch", 9, 3
    )
    return Followed(standing, 0.3, Minute(counts, silent=2))


def test_calls_come_by_urgency_and_then_by_how_long_they_last_and_lead_on() -> None:
    refused = Counts(900, 0, 0, 300)
    found = calls(
        [
            followed("degraded", 62),
            followed("normal", 0, "fine"),
            followed("silent", 3 * 1440, "told"),
            followed("failing", 5, "short", refused),
            followed("failing", 77, "long", refused),
        ],
        book(),
        NOW,
    )
    assert [(each.slug, each.todo, each.span) for each in found] == [
        ("long", "route", "24h"),
        ("short", "route", "1h"),
        ("told", "answers", "7d"),
        ("support-chat", "episode", "24h"),
    ]
    (call,) = calls([followed("failing", 5, counts=refused)], book(), NOW)
    # The route is enabled: there is nothing to decide on.
    assert (call.todo, call.who, call.acts, call.silent) == ("episode", "Provider watch", " acts.", 2)


def test_the_worst_bucket_is_one_above_its_limit_with_enough_requests() -> None:
    series = {
        "small": {NOW: Counts(10, 10)},
        "within": {NOW: Counts(1000, 40)},
        "above": {NOW: Counts(1000, 20), NOW - timedelta(hours=1): Counts(1000, 30)},
        "unknown": {NOW: Counts(None, 500)},
    }
    limits = {"small": 0.01, "within": 0.05, "above": 0.01, "unknown": 0.01}
    found = worst(series, limits)
    assert found is not None
    assert (found.slug, found.start, found.counts) == ("above", NOW - timedelta(hours=1), Counts(1000, 30))
    assert worst({"within": series["within"]}, limits) is None


@pytest.mark.parametrize(
    ("span", "key", "shift", "said"),
    [
        ("24h", "before", timedelta(hours=24), "24 hours before"),
        ("24h", "week", timedelta(days=7), "same time last week"),
        ("7d", "week", timedelta(days=7), "same time last week"),
        ("30d", "week", timedelta(days=35), "same weekdays 5 weeks before"),
        ("custom", "before", timedelta(hours=24), "span before"),
        ("24h", "none", None, ""),
    ],
)
def test_what_a_span_is_compared_with(span: str, key: str, shift: timedelta | None, said: str) -> None:
    length = {"7d": timedelta(days=7), "30d": timedelta(days=30)}.get(span, timedelta(hours=24))
    window = Window(NOW - length, NOW)
    compare = Comparison(key, Span(span, window))
    assert compare.words == said
    expected = None if shift is None else Window(window.start - shift, window.end - shift)
    assert compare.window(window) == expected
    assert expected is None or expected.end <= window.start
