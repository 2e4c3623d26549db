"""What is said of an export: what it is of, how far it has come, what its file is called. Pure."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlencode
from zoneinfo import ZoneInfo

from dashboard import query_words, words
from dashboard.exports import slots
from fallbacks.models import Export, ExportState
from fallbacks.timebuckets import Window

STATES = {
    ExportState.RUNNING: ("progress-check", "is-accent", "Goes on"),
    ExportState.DONE: ("circle-check", "is-normal", "Complete"),
    ExportState.BROKEN: ("alert-triangle", "is-failing", "Broke off"),
    ExportState.LEFT: ("player-stop", "is-none", "Stopped"),
}


# No time is left in what is said of the filters.
UTC_ZONE = ZoneInfo("UTC")
SAID = frozenset({"range", "from", "to", "environment", "workload", "columns"})


@dataclass(frozen=True, slots=True)
class Progress:
    """An export as it stands at `now`."""

    export: Export
    now: datetime

    @property
    def state(self) -> ExportState:
        """A row that has not moved for long says that it goes on, and nobody writes it any more."""
        running = self.export.state == ExportState.RUNNING
        if running and self.now - self.export.seen_at > slots.SILENT_FOR:
            return ExportState.BROKEN
        return ExportState(self.export.state)

    @property
    def goes_on(self) -> bool:
        return self.state == ExportState.RUNNING

    @property
    def window(self) -> Window:
        return Window(self.export.start, self.export.end)

    @property
    def filters(self) -> list[str]:
        """What the list was filtered by, without what the words say already."""
        rest = [(name, value) for name, value in parse_qsl(self.export.query) if name not in SAID]
        return query_words.said(urlencode(rest), UTC_ZONE, self.now)

    @property
    def of(self) -> int:
        """How many the bar stands for: one that has ended is measured by what it holds where nobody has counted."""
        return max(self.export.total or 0, self.export.written, 1)

    @property
    def icon(self) -> str:
        return STATES[self.state][0]

    @property
    def colour(self) -> str:
        return STATES[self.state][1]

    @property
    def word(self) -> str:
        return STATES[self.state][2]

    @property
    def title(self) -> str:
        """Such as "Export of 1,204,331 events as CSV"."""
        total = self.export.written if self.state == ExportState.DONE else self.export.total
        many = "events" if total is None else f"{words.number(total)} event{'' if total == 1 else 's'}"
        return f"Export of {many} as {self.export.format.upper()}"

    @property
    def rest(self) -> str:
        """What is to be expected, or what to do."""
        if self.state == ExportState.DONE:
            return "The file is complete."
        if self.state == ExportState.LEFT:
            return "The browser stopped it: the file is not complete. Export again."
        if self.state == ExportState.BROKEN:
            return "It broke off: the file says so at its end. Export again, or choose a shorter span."
        return f"{about(slots.seconds_left(self.export, self.now))} The download goes on if you leave this page."


def about(seconds: float | None) -> str:
    """Say how long it takes still, no more exactly than is known."""
    if seconds is None:
        return "How long it takes is not known yet."
    if seconds < 5:
        return "A few seconds more."
    if seconds < 90:
        return f"About {round(seconds / 5) * 5} s more."
    return f"About {round(seconds / 60)} min more."


def file_name(*parts: str, window: Window, suffix: str) -> str:
    """Return what the file is called: what it is of and of when, in letters that every system takes."""
    ends = [f"{moment.astimezone(UTC):%Y-%m-%dT%H%MZ}" for moment in (window.start, window.end)]
    named = [re.sub(r"[^A-Za-z0-9.-]+", "-", part).strip("-.") for part in (*parts, *ends)]
    return f"{'_'.join(filter(None, named))}.{suffix}"
