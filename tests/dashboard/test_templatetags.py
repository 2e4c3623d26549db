"""What templates write with, and the words for numbers, times and sentences."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from dashboard import timezone, words
from dashboard.state_words import STATES
from dashboard.templatetags import observatory

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 17, 14, 4, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("share", "text"),
    [(None, "–"), (0, "0 %"), (0.00001, "<0.01 %"), (0.0201, "2.01 %"), (0.99999, ">99.99 %"), (1, "100 %")],
)
def test_shares(share: float | None, text: str) -> None:
    assert words.percent(share) == text.replace(" ", words.NARROW)


@pytest.mark.parametrize(
    ("change", "text"),
    [(None, "–"), (0, "0"), (1.6, "+1.60"), (-0.05, "−0.05"), (0.001, "0"), (-0.001, "0")],
)
def test_changes(change: float | None, text: str) -> None:
    assert words.points(change) == text


def test_counts_are_written_in_full() -> None:
    assert words.number(184220) == "184,220"
    assert words.number(None) == "–"


@pytest.mark.parametrize(
    ("span", "text"),
    [
        (timedelta(minutes=5), "5 min"),
        (timedelta(hours=2), "2 h"),
        (timedelta(days=1), "1 day"),
        (timedelta(days=7), "7 days"),
    ],
)
def test_lengths(span: timedelta, text: str) -> None:
    assert words.length(span) == text


def test_a_time_is_as_short_as_it_stays_clear() -> None:
    assert words.date_and_clock(NOW, BERLIN, NOW, seconds=True) == "15:04:12"
    assert words.date_and_clock(NOW - timedelta(days=1), BERLIN, NOW) == "Mon 16 Nov 15:04"
    assert words.date_and_clock(NOW - timedelta(days=365), BERLIN, NOW) == "Mon 17 Nov 2025 15:04"
    assert words.span(NOW - timedelta(hours=1), NOW, BERLIN, NOW) == ("Tue 17 Nov 14:04", "15:04")
    assert words.span(NOW - timedelta(days=1), NOW, BERLIN, NOW) == ("Mon 16 Nov 15:04", "Tue 17 Nov 15:04")


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("UTC", "UTC"),
        ("Europe/Berlin", "Berlin (UTC+1)"),
        ("America/New_York", "New York (UTC−5)"),
        ("Asia/Kolkata", "Kolkata (UTC+5:30)"),
        ("Africa/Abidjan", "Abidjan (UTC)"),
        ("../etc/passwd", "UTC"),
        ("", "UTC"),
    ],
)
def test_a_zone_is_said_as_people_say_it(zone: str, text: str) -> None:
    assert timezone.said(timezone.named(zone), NOW) == text


def test_a_time_tag_has_utc_at_hand() -> None:
    assert observatory.when(NOW) == (
        f'<time datetime="2026-11-17T14:04:12+00:00" title="2026-11-17 14:04:12 UTC">'
        f"{words.date_and_clock(NOW, ZoneInfo('UTC'), datetime.now(UTC))}</time>"
    )


def test_icons_are_drawn_in_the_page() -> None:
    assert observatory.icon("sun").startswith('<svg class="icon" viewBox="0 0 24 24" fill="none"')
    with pytest.raises(FileNotFoundError):
        observatory.icon("no-such-icon")


def test_a_state_is_icon_word_and_colour() -> None:
    for name, (icon, word, kind) in STATES.items():
        drawn = observatory.state(name)
        assert drawn.startswith(f'<span class="state state-{kind}"><svg')
        assert observatory.icon(icon) in drawn
        assert word in drawn
    assert "<svg" in observatory.outcome("blocked")


def test_a_sparkline_has_gaps_and_says_its_peak() -> None:
    drawn = observatory.spark([0.1, 0.2, None, 0.4], "Share <b>")
    assert 'aria-label="Share &lt;b&gt;, at most 40.00\u202f%"' in drawn
    assert drawn.split('class="spark-line" d="')[1].count("M") == 2
    assert "<circle" not in observatory.spark([None, None], "nothing")


def test_a_sparkline_has_the_colour_of_a_state_and_its_limit() -> None:
    drawn = observatory.spark([0, 0.02], "Share", "failing", 0.01)
    assert 'class="spark spark-failing"' in drawn
    # Half as high as the last point, which is the top.
    assert '<path class="spark-limit" d="M0 15.5H128"/>' in drawn
    assert '<circle cx="128.0" cy="3.0"' in drawn
    # Where all is well the limit is the top, or noise would look like trouble.
    assert '<path class="spark-limit" d="M0 6.3H128"/>' in observatory.spark([0, 0.001], "Share", "none", 0.01)


@pytest.mark.parametrize(
    ("amount", "signed", "text"),
    [
        (None, True, "–"),
        ("0", True, "$0"),
        ("-17.084", True, "−$17.08"),
        ("17.084", True, "+$17.08"),
        ("1234567.891", False, "$1,234,567.89"),
        ("0.00412", False, "$0.0041"),
        ("-0.000123", True, "−$0.00012"),
        ("0.00000001", False, "<$0.0001"),
    ],
)
def test_money(amount: str | None, signed: bool, text: str) -> None:
    assert words.money(None if amount is None else Decimal(amount), signed) == text


@pytest.mark.parametrize(
    ("minutes", "text"),
    [
        (0.5, "under a minute"),
        (48, "48 min"),
        (60, "1 h"),
        (77, "1 h 17 min"),
        (1440, "1 day"),
        (3 * 1440 + 125, "3 days 2 h"),
    ],
)
def test_durations(minutes: float, text: str) -> None:
    assert words.duration(timedelta(minutes=minutes)) == text


def test_a_bar_shows_whatever_is_there() -> None:
    assert 'width="50.00%"' in observatory.bar(1, 2)
    assert 'width="0.60%"' in observatory.bar(1, 100000)
    assert 'width="0.00%"' in observatory.bar(0, 0)


def test_initials() -> None:
    assert [observatory.initials(name) for name in ("Dana Kim", "dana", "Ada B. Clark")] == ["DK", "DA", "AC"]


def test_lists_of_names() -> None:
    assert [words.names(list(slugs)) for slugs in ("", "a", "ab", "abc", "abcde")] == [
        "",
        "a",
        "a and b",
        "a, b and c",
        "a, b, c and 2 more",
    ]
