"""The overview's table: a row for each workload, how they are filtered, and in which order they stand. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.breakdowns import Broken, Values
from dashboard.forms import Order
from dashboard.standings import Followed, limits_of
from dashboard.state_words import STATES
from dashboard.violations import owner
from fallbacks.boundary import WORKLOAD_OWNER
from fallbacks.rates import Counts, change_in_points, together
from fallbacks.review_results import Waiting
from fallbacks.rulebook import Rulebook
from fallbacks.states import BAD

COLUMNS = {
    "workload": "Workload",
    "state": "State",
    "degraded": "Degraded",
    "degraded_change": "Change, points",
    "lost": "Not answered",
    "lost_change": "Change, points",
    "left": "Share that left the primary",
    "violations": "Violations",
    "reviews": "To review",
    "acts": "Who acts",
}
# Read from A; figures are read from the largest, and states from the most urgent.
NAMES = ("workload", "acts")
CHANGES = ("degraded_change", "lost_change")
MOST_URGENT_FIRST = Order("state", falling=True)
# The states to choose from: how much traffic is reported is none of them.
TO_CHOOSE = [(name, shown.word) for name, shown in STATES.items() if name != "under_reported"]
NONE_WAITS = Waiting()
URGENCY = {name: place for place, name in enumerate(reversed(list(STATES)))}


@dataclass(frozen=True, slots=True)
class Row:
    """One workload: how it stands now, and its counts of the window and of the one that it is compared with.

    `state` is one of `STATES`; `limit` the share above which it is not normal.
    """

    slug: str
    owner: str
    state: str
    since: datetime | None
    who_acts: str
    limit: float
    now: Counts
    before: Counts
    shares: Sequence[float | None]
    violations: int
    # For a reviewer, in all environments.
    waiting: Waiting

    @property
    def degraded_change(self) -> float | None:
        return change_in_points(self.now.degraded_rate, self.before.degraded_rate)

    @property
    def lost_change(self) -> float | None:
        return change_in_points(self.now.failure_rate, self.before.failure_rate)

    @property
    def kind(self) -> str:
        """The colour of its line: quiet where nobody is needed."""
        return self.state if self.state in BAD else "none"

    def value(self, column: str) -> float | str | None:
        """Return what the row is sorted by; None goes last whatever the order."""
        values: dict[str, float | str | None] = {
            "workload": self.slug,
            "state": URGENCY[self.state],
            "degraded": self.now.degraded_rate,
            "degraded_change": self.degraded_change,
            "lost": self.now.failure_rate,
            "lost_change": self.lost_change,
            "left": self.now.off_primary_rate,
            "violations": self.violations,
            "reviews": self.waiting.count,
            "acts": self.who_acts or None,
        }
        return values[column]


def rows(
    series: Mapping[str, Sequence[Counts]],
    before: Mapping[str, Counts],
    cells: Mapping[Values, Broken],
    standing: Mapping[str, Followed],
    waiting: Mapping[str, Waiting],
    book: Rulebook,
) -> list[Row]:
    """Return a row for each workload of the series, by name. Its sum over the window is that of its buckets; `cells`
    start with the workload; `waiting` are samples."""
    violations: Counter[str] = Counter()
    for (slug, *_), broken in cells.items():
        violations[slug] += broken.violations
    found = []
    for slug, counts in sorted(series.items()):
        followed = standing.get(slug)
        state = followed.standing.state if followed else "quiet"
        found.append(
            Row(
                slug=slug,
                owner=owner(book, slug),
                state=state,
                since=followed.standing.since if followed else None,
                who_acts=who_acts(slug, followed, book),
                limit=limits_of(book, slug).degraded_above,
                now=together(counts),
                before=before.get(slug, Counts()),
                shares=[bucket.off_primary_rate for bucket in counts],
                violations=violations[slug],
                waiting=waiting.get(slug, NONE_WAITS),
            )
        )
    return found


def who_acts(slug: str, followed: Followed | None, book: Rulebook) -> str:
    """Return who acts; whoever owns the workload sees to it that its traffic is reported."""
    if followed is None:
        return ""
    if followed.standing.state == "no_traffic":
        return owner(book, slug) or WORKLOAD_OWNER
    return followed.standing.who_acts or ""


def ordered(found: Sequence[Row], order: Order) -> list[Row]:
    """Return the rows in the order asked for, equal ones by name; those that have no value in the column go last."""
    known = [(value, row) for row in found if (value := row.value(order.column)) is not None]
    known.sort(key=lambda pair: pair[0], reverse=order.falling)
    return [row for _, row in known] + [row for row in found if row.value(order.column) is None]


def heading(column: str, order: Order) -> dict[str, str]:
    """Return a column's heading: its word, how it is sorted, and what a click on it asks for."""
    sorted_by = column == order.column
    falling = not order.falling if sorted_by else column not in NAMES
    return {
        "key": column,
        "word": COLUMNS[column],
        "sorted": ("descending" if order.falling else "ascending") if sorted_by else "",
        "next": Order(column, falling).text,
    }
