"""What people ask for: which span, comparison, environment and order they want to see."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.utils import timezone

from fallbacks.timebuckets import Window

RANGES: dict[str, tuple[timedelta, str, str]] = {
    # key: length, word on the button, words in a sentence
    "1h": (timedelta(hours=1), "1 h", "hour"),
    "24h": (timedelta(hours=24), "24 h", "24 hours"),
    "7d": (timedelta(days=7), "7 d", "7 days"),
    "30d": (timedelta(days=30), "30 d", "30 days"),
}
USUAL_RANGE = "24h"
USUAL_ENVIRONMENT = "production"
# A chart of more days than this has more than 500 buckets, and nothing was kept before this product was there.
LONGEST = timedelta(days=366)
FIRST_YEAR = 2020


@dataclass(frozen=True, slots=True)
class Span:
    """The span of time that a page shows."""

    key: str
    window: Window
    # Why another span is shown than was asked for.
    problem: str = ""

    @property
    def words(self) -> str:
        """Such as "last 24 hours": how a sentence names the span."""
        return f"last {RANGES[self.key][2]}" if self.key in RANGES else "chosen span"

    @property
    def words_before(self) -> str:
        """How a sentence names the span of the same length that lies before."""
        if self.key not in RANGES:
            return "span before"
        return f"{RANGES[self.key][2]} before"

    def goes_on(self, now: datetime) -> bool:
        """Whether more can still come into the span."""
        return self.window.end >= now


WEEK = timedelta(days=7)
# What figures are compared with, the usual one first.
COMPARISONS = ("before", "week", "none")


@dataclass(frozen=True, slots=True)
class Comparison:
    """What a span is compared with: the one before it, the same one some weeks ago, or none."""

    key: str
    span: Span

    @property
    def weeks(self) -> int:
        """How many weeks ago the same weekdays were, all of them before the span."""
        return -(-self.span.window.length // WEEK)

    def window(self, window: Window) -> Window | None:
        """Return the window that this one is compared with."""
        if self.key == "none":
            return None
        shift = self.weeks * WEEK if self.key == "week" else window.length
        return Window(window.start - shift, window.end - shift)

    @property
    def words(self) -> str:
        """How a sentence names it: "24 hours before"; empty where nothing is compared."""
        if self.key == "none":
            return ""
        if self.key == "before":
            return self.span.words_before
        return "same time last week" if self.weeks == 1 else f"same weekdays {self.weeks} weeks before"

    @property
    def choices(self) -> list[tuple[str, str]]:
        """Return what can be chosen instead: key and words."""
        others = [(key, f"vs {Comparison(key, self.span).words}") for key in COMPARISONS[:2]]
        return [*others, ("none", "no comparison")]


def asked_comparison(query: Mapping[str, str], span: Span) -> tuple[Comparison, str]:
    """Read `compare`, and say what was not understood."""
    key = query.get("compare") or COMPARISONS[0]
    if key in COMPARISONS:
        return Comparison(key, span), ""
    usual = Comparison(COMPARISONS[0], span)
    return usual, f"There is no such comparison. The figures are compared with the {usual.words}."


def asked_span(query: Mapping[str, str], now: datetime, usual: str = USUAL_RANGE) -> Span:
    """Read `range`, and for `custom` also `from` and `to`, where a time without an offset is the viewer's.

    `usual` is the range where none is asked for, or none that there is.
    """
    # Who writes a start or an end means these.
    key = query.get("range") or ("custom" if query.get("from") or query.get("to") else usual)
    if key == "custom":
        try:
            return Span(key, _custom_window(query.get("from", ""), query.get("to", ""), now))
        except ValueError as error:
            return _usual(now, usual, str(error))
    if key not in RANGES:
        return _usual(now, usual, "There is no such range.")
    return Span(key, Window.last(RANGES[key][0], now))


def _usual(now: datetime, usual: str, problem: str) -> Span:
    return Span(usual, Window.last(RANGES[usual][0], now), problem)


def _custom_window(start_text: str, end_text: str, now: datetime) -> Window:
    start, end = _moment(start_text), _moment(end_text)
    if min(start, end).year < FIRST_YEAR:
        raise ValueError(f"Nothing is kept from before {FIRST_YEAR}.")
    # Nothing lies ahead of the running minute.
    end = min(end, Window.last(timedelta(minutes=1), now).end)
    if end <= start:
        raise ValueError("The start has to be earlier than the end, and than now.")
    if end - start > LONGEST:
        raise ValueError(f"At most {LONGEST.days} days can be shown at once.")
    return Window.around(start, end)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        return (timezone.make_aware(moment) if timezone.is_naive(moment) else moment).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("The start and the end each need a date and a time.") from None


def asked_environment(query: Mapping[str, str], known: Sequence[str]) -> tuple[str, str]:
    """Read `environment`, and say what was not understood.

    Unless it is one of `known` it is the first of them, which is production wherever there is one.
    """
    usual = known[0] if known else USUAL_ENVIRONMENT
    asked = query.get("environment") or usual
    if asked in (*known, usual):
        return asked, ""
    return usual, f"There is no environment of that name: {usual} is shown instead."


@dataclass(frozen=True, slots=True)
class Order:
    """By which column a table is sorted, and from which end."""

    column: str
    falling: bool

    @property
    def text(self) -> str:
        """As it stands in an address, such as `-events`."""
        return f"-{self.column}" if self.falling else self.column


def asked_order(query: Mapping[str, str], columns: Sequence[str], usual: Order) -> Order:
    """Read `sort`: a column, with a minus sign before it where the largest comes first."""
    text = query.get("sort", "")
    column = text.removeprefix("-")
    return Order(column, text.startswith("-")) if column in columns else usual


def asked_choice(query: Mapping[str, str], name: str, known: Collection[str]) -> tuple[str, str]:
    """Read a choice that may be left open (empty), and say what was not understood."""
    asked = query.get(name, "")
    return (asked, "") if not asked or asked in known else ("", f"There is no such {name}: all are shown.")
