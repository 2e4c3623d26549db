"""Exports as people meet them: what a file would hold, the download, and how far one's own have come."""

import logging
from collections.abc import Iterable
from uuid import UUID, uuid4

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from dashboard.exports import events as event_file
from dashboard.exports import slots
from dashboard.exports.download import Download
from dashboard.exports.files import FORMATS, File
from dashboard.exports.words import Progress, file_name
from dashboard.views import export_figures, export_lists
from dashboard.views.controls import asked, refused
from dashboard.views.who_asks import who_asks
from fallbacks.models import Export
from fallbacks.reading import whole_number

log = logging.getLogger(__name__)

# Of one's own, on a page.
LISTED = 50
# How often a page may ask for an export that has not begun: the form is on its way.
MOST_TRIES = 10
# What a page made up asks for is as many; what is longer is no number.
HIGHEST_TRIES = 999


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def events(request: HttpRequest) -> HttpResponseBase:
    """Say what an export of a list of events would hold; a POST sends it."""
    wanted = export_lists.of_events(request)
    make = FORMATS.get(request.POST.get("format", ""))
    if request.method != "POST":
        return render(request, "pages/export.html", {"wanted": wanted})
    if make is None or wanted.problems:
        return render(request, "pages/export.html", {"wanted": wanted, "unclear": True}, status=400)
    file = make(event_file.COLUMNS)
    export = Export(
        # The page has chosen one, or it has no script.
        id=known_id(request.POST.get("id", "")) or uuid4(),
        owner=who_asks(request),
        what=wanted.what,
        start=wanted.window.start,
        end=wanted.window.end,
        format=file.suffix,
        query=wanted.query,
        total=wanted.total,
    )
    try:
        slots.claim(export)
    except slots.Busy as busy:
        context = {"wanted": wanted, "busy": busy.seconds, "most": slots.MOST}
        answer = render(request, "pages/export.html", context, status=429)
        answer["Retry-After"] = str(busy.seconds)
        return answer
    pieces = Download(export, file, event_file.batches(wanted.window, wanted.scope, wanted.filters))
    return sent(pieces, file, file_name("events", *wanted.named, window=wanted.window, suffix=file.suffix))


@never_cache
@require_safe
def figures(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Send the figures of a page, by the controls that it has in its address."""
    make = FORMATS.get(request.GET.get("format", "csv"))
    if make is None:
        raise Http404
    ask = asked(request, export_figures.usual_range(slug))
    if ask.problems:
        return refused(ask.problems)
    columns, rows = export_figures.table(slug, ask, request.GET)
    file = make(columns)
    log.info(
        "figures exported",
        extra={"who": who_asks(request).get_username(), "what": slug, "format": file.suffix, "rows": len(rows)},
    )
    named = [slug, export_figures.named(request.GET), "" if slug in export_figures.EVERYWHERE else ask.environment]
    name = file_name(*named, window=ask.span.window, suffix=file.suffix)
    return sent([file.head(), file.piece(rows), file.foot()], file, name)


def sent(pieces: Iterable[bytes], file: File, name: str) -> StreamingHttpResponse:
    """Answer with a file that the browser puts away."""
    response = StreamingHttpResponse(pieces, content_type=file.kind)
    response["Content-Disposition"] = content_disposition_header(True, name)
    return response


@never_cache
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """Show one's own latest exports."""
    now = timezone.now()
    found = [Progress(export, now) for export in slots.of(who_asks(request))[:LISTED]]
    return render(request, "pages/exports.html", {"exports": found, "listed": LISTED})


@never_cache
@require_safe
def one(request: HttpRequest, slug: str) -> HttpResponse:
    """Show how far one's own export has come; a page asks for it again as long as it goes on.

    A page that has sent a form into a download knows the id that it chose, and may ask before the export has begun:
    with `tries` there is an answer to that, too.
    """
    now = timezone.now()
    number = known_id(slug)
    export = slots.of(who_asks(request)).filter(pk=number).first() if number else None
    tries = whole_number(request.GET.get("tries", ""), HIGHEST_TRIES)
    left = -1 if tries is None else min(tries, MOST_TRIES)
    if export is None and left < 0:
        raise Http404
    context = {"progress": Progress(export, now) if export else None, "slug": slug, "tries": left - 1}
    page = "partials/export_progress.html" if "HX-Request" in request.headers else "pages/one_export.html"
    return render(request, page, context)


def known_id(text: str) -> UUID | None:
    """Return the id that a text is, None where it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None
