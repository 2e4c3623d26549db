"""The list of events with its filters, and one event beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard import paging
from dashboard.events import choices as event_choices
from dashboard.events import columns as event_columns
from dashboard.events import copy as event_copy
from dashboard.events import filters as event_filters
from dashboard.events import links as event_links
from dashboard.events import listing as event_list
from dashboard.events import lookup as event_lookup
from dashboard.events import panel as event_panel
from dashboard.events import rows as event_rows
from dashboard.events import words as event_words
from dashboard.events.columns import Cell, Column
from dashboard.events.listing import Listing, Near, Place
from dashboard.events.rows import Key
from dashboard.queries import Scope, workload_slugs
from dashboard.views.api import shown
from dashboard.views.controls import Asked, answer, asked, refused
from fallbacks import rulebook
from fallbacks.models import Event
from fallbacks.rulebook import Rulebook
from fallbacks.verdict import named

PLACES = ("after", "before", "open")
CUT_OFF = "“{}” is cut off: take the address as it is."


@dataclass(frozen=True)
class Row:
    """An event in the list."""

    event: Event
    token: str
    rules: Sequence[str]
    cells: Sequence[Cell]


@never_cache
@require_safe
def events(request: HttpRequest) -> HttpResponse:
    """List the events of a span that match, newest first."""
    if (query := event_filters.cleaned(request.GET)) is not None:
        return redirect(f"{request.path}?{query.urlencode()}")
    ask, wish, columns = asked(request), event_filters.asked(request.GET), event_columns.asked(request)
    places, cut_off = read_places(request)
    scope = Scope(wish.workloads or None, ask.environment)
    listing = search(ask, wish, scope, Place(places.get("after"), places.get("before")))
    if request.GET.get("format") == "json":
        return as_json(request, listing, [*ask.problems, *wish.refused, *wish.strange, *map(CUT_OFF.format, cut_off)])
    book = rulebook.recent()
    visible = columns.shown(one_workload=len(wish.workloads) == 1, opened="open" in places)
    context = {
        "ask": ask,
        "wish": wish,
        "cut_off": cut_off,
        "columns": columns,
        "visible": visible,
        "choice": [(column, column in visible) for column in event_columns.COLUMNS],
        "groups": event_choices.groups(workload_slugs(), book),
        "listing": listing,
        "rows": rows(listing.events, visible, chosen=columns.chosen),
        "near": near(ask, wish, scope, listing),
        "kept_since": event_list.kept_since(ask.now),
        **opened(request, places.get("open"), ask, book),
    }
    response = answer(request, "events", None, context)
    event_columns.remember(request, response, columns)
    return response


def read_places(request: HttpRequest) -> tuple[dict[str, Key], list[str]]:
    """Read which page and which event are asked for, and name what cannot be read."""
    places, cut_off = {}, []
    for name in PLACES:
        try:
            if (place := paging.place(request.GET, name)) is not None:
                places[name] = place
        except ValueError:
            cut_off.append(name)
    return places, cut_off


def as_json(request: HttpRequest, listing: Listing, problems: Sequence[str]) -> JsonResponse:
    """Answer with the list as the API gives it, and with its sentence."""
    if problems:
        return refused(problems)
    query = request.GET.copy()
    query.pop("before", None)
    following = listing.older or ("" if listing.backwards else listing.further)
    query["after"] = following
    address = request.build_absolute_uri(f"{request.path}?{query.urlencode()}")
    results = [shown(event) for event in listing.events]
    return JsonResponse({"sentence": listing.count, "results": results, "next": address if following else None})


def search(ask: Asked, wish: event_filters.Asked, scope: Scope, place: Place) -> Listing:
    if wish.problems:
        return event_list.nothing(ask.span.window, scope)
    return event_list.listed(ask.span.window, scope, wish.filters, place)


def rows(found: Sequence[Event], columns: Sequence[Column], *, chosen: bool) -> list[Row]:
    """Return events as rows of a table."""
    return [
        Row(event, paging.following(event), named(event.rules), event_columns.cells(event, columns, chosen=chosen))
        for event in found
    ]


def near(ask: Asked, wish: event_filters.Asked, scope: Scope, listing: Listing) -> Near | None:
    """Return what would be found without the span, where nothing was."""
    if listing.events or wish.problems or not listing.is_all:
        return None
    return event_list.nearest(scope, wish.filters, ask.now)


def opened(request: HttpRequest, key: Key | None, ask: Asked, book: Rulebook) -> dict[str, Any]:
    """Return what the panel shows of the event that is open; it may not be kept any more. At most three queries."""
    if key is None:
        return {"open": False}
    event = event_rows.one(key)
    if event is None:
        return {"open": True, "opened": None}
    told, links = shown(event), event_links
    return {
        "open": True,
        "opened": event,
        "opened_token": paging.following(event),
        "said": event_panel.said(event, book, ask.zone, ask.now),
        "broken": event_words.broken(event),
        "wrong": event_panel.wrong(event, book),
        "who": event_words.who(event),
        "facts": event_panel.facts(event),
        "not_sent": event_panel.not_sent(event),
        "on_screen": event_words.on_screen(event),
        "earlier": event_panel.earlier(event),
        "trace": [(each, paging.following(each)) for each in event_lookup.of_trace(event)],
        "as_json": event_copy.as_json(told),
        "as_curl": event_copy.as_curl(told, request.build_absolute_uri(reverse("events"))),
        "link": request.build_absolute_uri(links.around(event)),
        "around": links.around(event),
        "workload_link": links.workload(event),
    }
