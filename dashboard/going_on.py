"""Going on with what somebody sent, when they have shown again who they are."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.urls import Resolver404, resolve, reverse

from dashboard import asked_again, doors, steps

NOT_KEPT = (
    "what you sent is not kept any more. It was done already, or was too much to keep, or 15 minutes went by, or you "
    "sent something else meanwhile. Look whether it was done, and if not, send it again."
)


def go_on(request: HttpRequest, following: str) -> HttpResponseBase:
    """Do what waits for the person, who has shown who they are; where nothing does, lead them on.

    The door is asked once more: it may have shut meanwhile.
    """
    asked_again.note_shown(request)
    kept = asked_again.take(request, following)
    if kept is None:
        return lead_on(request, following)
    request.method = "POST"
    request.path_info = kept["path"]
    request.path = kept["address"].partition("?")[0]
    request.META.update(REQUEST_METHOD="POST", PATH_INFO=kept["path"], QUERY_STRING=kept["query"])
    request.GET = QueryDict(kept["query"])
    request.POST = QueryDict(kept["sent"])
    try:
        match = resolve(request.path_info)
    except Resolver404:
        return HttpResponseRedirect(reverse("overview"))
    request.resolver_match = match
    doors.must_open(request, match.view_name)
    answer: HttpResponseBase = match.func(request, *match.args, **match.kwargs)
    return answer


def lead_on(request: HttpRequest, following: str) -> HttpResponseRedirect:
    """Lead somebody on for whom nothing waits; say so to whom something did.

    To a page: at the address itself there may be none, for things that are only sent there.
    """
    address = asked_again.within(request, following)
    step = steps.at(address)
    if step is None:
        return HttpResponseRedirect(address)
    messages.error(request, f"“{step.words}”: {NOT_KEPT}")
    return HttpResponseRedirect(step.page)
