"""The columns of the list of events: which there are, which are shown, and what stands in their cells."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse

from dashboard import words
from dashboard.events import words as event_words
from dashboard.words import MISSING
from fallbacks.models import Event

COOKIE = "columns"
A_YEAR = 31_536_000
TRUTHS = {True: "yes", False: "no", None: MISSING}


@dataclass(frozen=True, slots=True)
class Column:
    """A column. `kind` names the cells that are more than a text; `style` are classes of its cells."""

    name: str
    word: str
    text: Callable[[Event], str]
    kind: str = "text"
    style: str = ""

    @property
    def is_number(self) -> bool:
        return "num" in self.style.split()


def plain(name: str) -> Callable[[Event], str]:
    """Return how a field is written as it was sent."""

    def text(event: Event) -> str:
        value = getattr(event, name)
        return MISSING if value is None or value == "" else str(value)

    return text


def count(name: str) -> Callable[[Event], str]:
    return lambda event: words.number(getattr(event, name))


def truth(name: str) -> Callable[[Event], str]:
    return lambda event: TRUTHS[getattr(event, name)]


def took(name: str) -> Callable[[Event], str]:
    return lambda event: event_words.seconds(getattr(event, name))


def money(name: str) -> Callable[[Event], str]:
    return lambda event: words.money(getattr(event, name))


# In the order in which they stand. The time is always there: it opens the event.
COLUMNS = (
    Column("workload", "Workload", lambda event: event.workload.slug, style="said"),
    Column("outcome", "Outcome", plain("outcome"), "outcome", "nowrap"),
    Column("happened", "What happened", event_words.happened, style="wide said"),
    Column("error_class", "Error class", plain("error_class"), "error"),
    Column("policy", "Policy", event_words.judged, "policy"),
    Column("told", "User told", event_words.told, "told", "nowrap"),
    Column("reason", "Reason", plain("reason"), style="wide said"),
    Column("tier", "Tier", plain("tier"), style="said"),
    Column("fallback_latency_ms", "Answered in", took("fallback_latency_ms"), style="num"),
    Column("who_acts", "Who acts", lambda event: event.who_acts[:1].upper() + event.who_acts[1:], style="said"),
    Column("primary", "Primary", plain("primary"), style="said"),
    Column("fallback", "Fallback", plain("fallback"), style="said"),
    Column("status", "Status", plain("status"), style="nowrap"),
    Column("error_code", "Error code", plain("error_code"), style="mono said"),
    Column("attempts", "Tries", count("attempts"), style="num"),
    Column("policy_version", "Policy version", plain("policy_version"), style="num"),
    Column("payload_class", "Payload class", plain("payload_class"), style="said"),
    Column(
        "provider_features", "Features", lambda event: ", ".join(event.provider_features or ()) or MISSING, style="said"
    ),
    Column("user_visible", "User sees it", truth("user_visible"), style="nowrap"),
    Column("user_notified", "Said to be told", truth("user_notified"), style="nowrap"),
    Column("primary_latency_ms", "Failed after", took("primary_latency_ms"), style="num"),
    Column("input_tokens", "Input tokens", count("input_tokens"), style="num"),
    Column("cached_input_tokens", "Cached tokens", count("cached_input_tokens"), style="num"),
    Column("output_tokens", "Output tokens", count("output_tokens"), style="num"),
    Column("cost_usd", "Cost", money("cost_usd"), style="num"),
    Column("primary_cost_usd", "Primary's cost", money("primary_cost_usd"), style="num"),
    Column("cache_loss_usd", "Cache loss", money("cache_loss_usd"), style="num"),
    Column("environment", "Environment", plain("environment"), style="said"),
    Column("request_id", "Request id", plain("request_id"), style="mono said"),
    Column("trace_id", "Trace id", plain("trace_id"), style="mono said"),
    Column("id", "Event id", plain("id"), style="mono said"),
)
NAMES = [column.name for column in COLUMNS]
USUAL = (
    *("workload", "outcome", "happened", "error_class", "policy", "told"),
    *("tier", "fallback_latency_ms", "who_acts", "request_id"),
)
# What leaves room for an open event, and what a narrow screen has no room for, as long as nobody asked for it.
ASIDE = ("tier", "fallback_latency_ms", "who_acts")
NARROW = (*ASIDE, "request_id")


@dataclass(frozen=True, slots=True)
class Asked:
    """The columns to show, in their order; `chosen` by somebody, or the usual ones."""

    names: Sequence[str]
    chosen: bool
    unknown: Sequence[str] = ()

    def shown(self, *, one_workload: bool, opened: bool) -> list[Column]:
        """Return the columns; the usual ones without what the page says already."""
        left_out = (*(["workload"] if one_workload else []), *(ASIDE if opened else []))
        if opened and not one_workload:
            left_out += ("request_id",)
        return [
            column for column in COLUMNS if column.name in self.names and (self.chosen or column.name not in left_out)
        ]


def asked(request: HttpRequest) -> Asked:
    """Read `columns` of the address, else what was chosen last time."""
    given = request.GET.getlist("columns")
    names = _names(given if given else [request.COOKIES.get(COOKIE, "")])
    unknown = sorted(set(names) - set(NAMES))
    known = [name for name in NAMES if name in names]
    # What the cookie holds is nobody's wish of now: a column that is no more is no problem to tell of.
    return Asked(known or USUAL, bool(known), unknown if given else ())


def _names(values: Sequence[str]) -> list[str]:
    return [name for value in values for name in value.replace("\0", "").split(",") if name]


def remember(request: HttpRequest, response: HttpResponse, asked: Asked) -> None:
    """Keep what was chosen in the browser; to look at a page must change nothing on the server."""
    if "columns" not in request.GET or asked.unknown:
        return
    if asked.chosen:
        response.set_cookie(
            COOKIE, ",".join(asked.names), max_age=A_YEAR, httponly=True, samesite="Lax", secure=request.is_secure()
        )
    else:
        response.delete_cookie(COOKIE, samesite="Lax")


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a column of one row, as the template writes it: a page has hundreds, and it works nothing out.

    `inline` is the word beside it where a narrow screen shows no columns.
    """

    kind: str
    text: str
    style: str
    inline: str


def cells(event: Event, columns: Sequence[Column], *, chosen: bool) -> list[Cell]:
    """Return the cells of an event; those that nobody has chosen leave room on a narrow screen."""
    return [
        Cell(
            column.kind,
            column.text(event),
            column.style if chosen or column.name not in NARROW else f"{column.style} hide-s",
            column.word if column.name != "happened" else "",
        )
        for column in columns
    ]
