"""Charts: buckets, series, marks, ticks and sentences. Pure."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dashboard import charts
from dashboard.ticks import TICKS, ticks
from dashboard.workload import rate_chart
from dashboard.workload.rate_chart import Compared, Marks, Note
from fallbacks.plaindata import policy_from
from fallbacks.rates import Counts
from fallbacks.rulebook import Rulebook, Version
from fallbacks.states import Episode, Limits
from fallbacks.timebuckets import Window
from tests.dashboard.stage import SUPPORT

BERLIN = ZoneInfo("Europe/Berlin")
START = datetime(2026, 11, 16, 14, 4, tzinfo=UTC)
NOW = START + timedelta(hours=24)
PLAIN = Marks(Limits())


def window(length: timedelta, start: datetime = START) -> Window:
    return Window(start, start + length)


@pytest.mark.parametrize(
    ("length", "few", "many"),
    [
        (timedelta(minutes=10), "1 minute", "1 minute"),
        (timedelta(hours=1), "1 minute", "1 minute"),
        (timedelta(hours=24), "30 minute", "5 minute"),
        (timedelta(hours=48), "1 hour", "10 minute"),
        (timedelta(days=7), "3 hour", "1 hour"),
        (timedelta(days=30), "12 hour", "2 hour"),
        (timedelta(days=366), "7 day", "1 day"),
    ],
)
def test_a_window_is_cut_as_finely_as_can_be_seen(length: timedelta, few: str, many: str) -> None:
    for most, expected in ((charts.FEW, few), (charts.MANY, many)):
        grid = charts.grid(window(length), most)
        assert f"{grid.width} {grid.step}" == expected
        assert len(grid.starts) <= most + 1


def test_buckets_without_anything_are_filled_with_nothing_known() -> None:
    grid = charts.grid(window(timedelta(minutes=3)), charts.FEW)
    assert grid.fill({grid.starts[1]: Counts(10, 1)}) == [Counts(), Counts(10, 1), Counts()]


@pytest.mark.parametrize("length", [timedelta(hours=24), timedelta(hours=5, minutes=17), timedelta(days=3, minutes=7)])
def test_the_grid_before_lies_bucket_by_bucket_over_this_one(length: timedelta) -> None:
    grid = charts.grid(window(length), charts.MANY)
    before = grid.over(grid.window.before())
    shifts = {start - earlier for start, earlier in zip(grid.starts, before.starts, strict=True)}
    assert len(shifts) == 1
    assert length <= shifts.pop() < length + grid.length


def test_buckets_put_together_lose_nothing() -> None:
    grid = charts.grid(window(timedelta(hours=24)), charts.MANY)
    counts = [Counts(10, number) for number in range(len(grid.starts))]
    coarse, summed = grid.coarser(counts, charts.FEW)
    assert coarse.length == timedelta(minutes=30)
    assert len(summed) == len(coarse.starts) <= charts.FEW + 1
    assert sum(summed, Counts()) == sum(counts, Counts())


def test_bars_stack_what_became_of_the_requests_and_say_where_most_were() -> None:
    grid = charts.grid(window(timedelta(minutes=3)), charts.FEW)
    chart = charts.counts_chart(grid, [Counts(), Counts(None, 5, 1, 2), Counts()], BERLIN, NOW)
    assert [series["values"] for series in chart.spec["series"]] == [[0, 5, 0], [0, 2, 0], [0, 1, 0]]
    assert chart.sentence == ("Requests that left their primary, per 1 min: 8 in all, at most 8 from Mon 16 Nov 15:05.")
    assert [(line.start, line.cells) for line in chart.lines] == [
        ("Mon 16 Nov 15:06", ("0", "0", "0")),
        ("Mon 16 Nov 15:05", ("5", "2", "1")),
        ("Mon 16 Nov 15:04", ("0", "0", "0")),
    ]
    assert chart.lines[0].utc == "2026-11-16 14:06:00 UTC"


def test_lines_have_gaps_where_no_rate_is_known() -> None:
    grid = charts.grid(window(timedelta(minutes=4)), charts.MANY)
    counts = [Counts(100, 1), Counts(None, 1), Counts(1, 2), Counts(100, 20, 1)]
    chart = rate_chart.rate_chart(grid, counts, Compared([Counts(100, 3)] * 4, "24 hours before"), PLAIN, BERLIN, NOW)
    degraded, lost, before = (series["values"] for series in chart.spec["series"])
    assert degraded == [1, None, None, 20]
    assert lost == [0, None, None, 1]
    assert before == [3, 3, 3, 3]
    assert chart.columns == ["Requests", "Degraded", "Not answered", "Degraded before"]
    assert chart.sentence == (
        "Degraded: at most 20.00\u202f% from Mon 16 Nov 15:07; not answered: at most 1.00\u202f% from Mon 16 Nov 15:07."
    )


def test_a_chart_of_nothing_says_so() -> None:
    grid = charts.grid(window(timedelta(minutes=2)), charts.FEW)
    assert charts.counts_chart(grid, [Counts()] * 2, BERLIN, NOW).sentence == "No request left its primary, per 1 min."
    chart = rate_chart.rate_chart(grid, [Counts(5)] * 2, None, PLAIN, BERLIN, NOW)
    assert chart.sentence == "Degraded: none; not answered: none."
    assert [series["label"] for series in chart.spec["series"]] == ["Degraded", "Not answered"]
    assert chart.columns == ["Requests", "Degraded", "Not answered"]


def test_marks_lie_within_the_chart_and_have_their_words() -> None:
    grid = charts.grid(window(timedelta(hours=2)), charts.MANY)
    over = Episode(START - timedelta(minutes=30), START + timedelta(minutes=18), "failing")
    going_on = Episode(START + timedelta(hours=1), None, "degraded")
    marks = Marks(Limits(0.025), [over, going_on], [Note(START, "Policy v4", "v4")])
    spec = rate_chart.drawn(marks, grid, BERLIN, NOW)
    start = charts.ms(START)
    assert spec["limit"] == {"value": 2.5, "label": "Threshold 2.5\u202f%"}
    assert spec["episodes"] == [
        {"from": start, "to": start + 18 * 60_000, "colour": "failing", "label": "48 min"},
        {
            "from": start + 60 * 60_000,
            "to": start + 120 * 60_000,
            "colour": "degraded",
            "label": "since Mon 16 Nov 16:04",
        },
    ]
    assert spec["notes"] == [{"at": start, "label": "Policy v4", "short": "v4"}]


def test_changes_of_policy_and_enablement_within_the_window_are_noted() -> None:
    policy = policy_from(SUPPORT)
    versions = tuple(Version(n, START + timedelta(hours=10 * n), policy) for n in (1, 2, 3))
    spans = ((START - timedelta(days=9), START + timedelta(hours=5)), (START + timedelta(hours=12), None))
    book = Rulebook(1, {}, {"a": versions, "b": versions}, {("a", "x", "y"): spans, ("b", "x", "y"): spans}, {})
    found = rate_chart.notes(book, "a", window(timedelta(hours=24)))
    assert [(note.label, note.short) for note in found] == [
        ("Not enabled", "N"),
        ("Policy v1", "v1"),
        ("Enabled", "E"),
        ("Policy v2", "v2"),
    ]


def test_the_peak_is_the_first_of_the_highest() -> None:
    assert rate_chart.peak([None, 0.1, 0.4, 0.4, 0.2]) == 2
    assert rate_chart.peak([None, 0.0]) is None


@pytest.mark.parametrize(
    ("length", "first", "last"),
    [
        (timedelta(hours=1), "15:05", "16:00"),
        (timedelta(hours=24), "16:00", "14:00"),
        (timedelta(days=7), "17 Nov", "23 Nov"),
        (timedelta(days=30), "19 Nov", "16 Dec"),
    ],
)
def test_ticks_are_round_times_of_the_viewers_clock(length: timedelta, first: str, last: str) -> None:
    found = ticks(window(length), BERLIN)
    assert (found[0][1], found[-1][1]) == (first, last)
    assert 5 <= len(found) <= TICKS + 1
    assert all(START <= at <= START + length for at, _ in found)


def test_a_midnight_is_written_as_its_day() -> None:
    assert "17 Nov" in [label for _, label in ticks(window(timedelta(hours=24)), BERLIN)]


def test_ticks_stay_on_round_hours_when_summer_time_ends() -> None:
    start = datetime(2026, 10, 24, 22, 0, tzinfo=UTC)
    labels = [label for _, label in ticks(window(timedelta(hours=24), start), BERLIN)]
    assert labels[:3] == ["25 Oct", "02:00", "04:00"]
