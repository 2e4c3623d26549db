"""How many events there are, for a page that is paused: it tells how many came in since. One query over days."""

from datetime import datetime

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from dashboard.queries import Scope, totals
from fallbacks.retention import NEWEST_TAKEN, OLDEST_TAKEN
from fallbacks.slugs import is_slug
from fallbacks.timebuckets import LENGTH, Window, ceil, floor


@never_cache
@require_safe
def came_in(request: HttpRequest) -> HttpResponse:
    """Answer how many events there are of what can still have come `since` a time: what is more later came in since."""
    try:
        since = datetime.fromisoformat(request.GET.get("since", ""))
        # Whole days, so that the same ones are counted each time.
        start, end = floor(since - OLDEST_TAKEN, LENGTH["day"]), ceil(timezone.now() + NEWEST_TAKEN, LENGTH["day"])
        scope = Scope(workloads(request), environment(request))
        counts = totals(Window.around(start, end), scope)
    except (ValueError, TypeError, OverflowError) as error:
        raise BadRequest("The address is cut off.") from error
    return JsonResponse({"events": sum(each.events for each in counts.values())})


def workloads(request: HttpRequest) -> list[str] | None:
    return [slug(request.GET["workload"])] if request.GET.get("workload") else None


def environment(request: HttpRequest) -> str | None:
    return slug(request.GET["environment"]) if request.GET.get("environment") else None


def slug(text: str) -> str:
    """Return the text where it is a slug. Raises ValueError."""
    if not is_slug(text):
        raise ValueError(f"{text!r} is no slug")
    return text
