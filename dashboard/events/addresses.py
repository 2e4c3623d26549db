"""Where the events behind a figure are listed: addresses that hold the same window, environment and filters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.urls import reverse

from dashboard.forms import Span
from fallbacks.timebuckets import Window

# Values of the list's filters; several of one field are alternatives.
Filters = Mapping[str, str | Sequence[str]]


@dataclass(frozen=True, slots=True)
class Events:
    """The events of a workload and an environment, over the span that the page shows."""

    workload: str
    environment: str
    span: Span

    @property
    def all(self) -> str:
        return self.of({})

    @property
    def at_any_time(self) -> str:
        """The same without a span, for whoever adds one of their own."""
        return self._address({})

    def of(self, filters: Filters) -> str:
        """Return the address of those that the filters let through."""
        return self._address({**of_span(self.span), **filters})

    def within(self, window: Window) -> str:
        """Return the address of those of another window."""
        return self._address(of_window(window))

    def _address(self, rest: Filters) -> str:
        whole = {"workload": self.workload, "environment": self.environment, **rest}
        return f"{reverse('event-list')}?{urlencode(whole, doseq=True)}"


def of_span(span: Span) -> dict[str, str]:
    """Return a span as it stands in an address."""
    return of_window(span.window) if span.key == "custom" else {"range": span.key}


def of_window(window: Window) -> dict[str, str]:
    """Return a window as it stands in an address: in UTC, so that it is the same for whoever gets it sent."""
    return {"range": "custom", "from": f"{window.start:%Y-%m-%dT%H:%MZ}", "to": f"{window.end:%Y-%m-%dT%H:%MZ}"}
