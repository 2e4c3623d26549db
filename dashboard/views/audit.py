"""The audit log, for admins: who did what, on what evidence, and by which hash that stays so."""

import logging
import time
from collections.abc import Iterator

from django.db import DatabaseError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from dashboard import errors
from dashboard.audit import log as audit_log
from dashboard.exports import slots
from dashboard.exports.download import AWAY, GIVE_WAY, Held
from dashboard.exports.files import FORMATS, File
from dashboard.views.exports import sent
from dashboard.views.who_asks import who_asks
from fallbacks import audit

log = logging.getLogger(__name__)


@never_cache
@require_safe
def entries(request: HttpRequest) -> HttpResponse:
    """Show entries, the newest first."""
    filters = audit_log.asked(request.GET)
    before, after = (audit_log.number(request.GET, name) for name in ("before", "after"))
    context = {
        "filters": filters,
        "page": audit_log.page(filters, before, after),
        "matching": audit_log.matching(filters) if filters.any else "",
        "head": audit.head(),
        "actions": audit_log.ACTIONS,
        "is_first_page": before is None and after is None,
    }
    return render(request, "pages/audit.html", context)


@never_cache
@require_POST
def export(request: HttpRequest) -> HttpResponseBase:
    """Send what the filters in the address let through, as a file."""
    make = FORMATS.get(request.POST.get("format", ""))
    filters = audit_log.asked(request.GET)
    if make is None or filters.problems:
        raise Http404
    file = make(audit_log.COLUMNS)
    try:
        slots.take_thread()
    except slots.Busy as busy:
        return refused(request, busy.seconds)
    held = Held(pieces(filters, file))
    log.info("audit log exported", extra={"who": who_asks(request).get_username(), "format": file.suffix})
    return sent(held, file, f"audit_{timezone.now():%Y-%m-%dT%H%MZ}.{file.suffix}")


def refused(request: HttpRequest, seconds: int) -> HttpResponse:
    """Answer that as many files as may be are on their way already."""
    head = f"Not now: {slots.MOST} exports go on already."
    advice = f"More at once would hold up events that come in. Go back, and try again in about {seconds} s."
    answer = errors.told(request, 429, "too_many_exports", head, advice)
    answer["Retry-After"] = str(seconds)
    return answer


def pieces(filters: audit_log.Filters, file: File) -> Iterator[bytes]:
    """Yield the file piece by piece; one that breaks off says so at its end."""
    yield file.head()
    try:
        for rows in audit_log.batches(filters):
            yield file.piece(rows)
            time.sleep(GIVE_WAY)
    except DatabaseError:
        log.exception("an export of the audit log broke off")
        yield file.cut_off(AWAY)
        return
    yield file.foot()
