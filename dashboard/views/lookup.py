"""Looking an event up by its request id, trace id or event id."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard.events import columns as event_columns
from dashboard.events import links as event_links
from dashboard.events import listing as event_list
from dashboard.events import lookup as event_lookup
from dashboard.events.values import MOST_LETTERS
from dashboard.views.events import rows

COLUMNS = [
    column
    for column in event_columns.COLUMNS
    if column.name in ("workload", "environment", "outcome", "happened", "error_class", "policy", "told")
]


@never_cache
@require_safe
def lookup(request: HttpRequest) -> HttpResponse:
    """Open the one event of an id, list those of a trace, or say what to do where there is none."""
    text = request.GET.get("q", "").strip()
    # No id is like that: the database need not be asked.
    possible = 0 < len(text) <= MOST_LETTERS and "\0" not in text
    found = event_lookup.by_id(text) if possible else []
    if len(found) == 1:
        return redirect(f"{event_links.around(found[0])}#event")
    listed = rows(found[: event_lookup.MOST], COLUMNS, chosen=True)
    context = {
        "text": text.replace("\0", "�")[:MOST_LETTERS],
        "rows": [(row, f"{event_links.around(row.event)}#event") for row in listed],
        "columns": COLUMNS,
        "more": len(found) > event_lookup.MOST,
        "kept_since": event_list.kept_since(timezone.now()),
    }
    return render(request, "pages/lookup.html", context)
