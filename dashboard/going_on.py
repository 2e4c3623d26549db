"""Going on with what somebody sent, when they have shown again who they are."""

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.urls import Resolver404, resolve, reverse

from dashboard import asked_again, doors


def go_on(request: HttpRequest, following: str) -> HttpResponseBase:
    """Do what waits for the person, who has shown who they are; where nothing does, lead them on.

    The door is asked once more: it may have shut meanwhile.
    """
    asked_again.note_shown(request)
    kept = asked_again.waits(request, following)
    request.session.pop(asked_again.WAITING, None)
    if kept is None:
        return HttpResponseRedirect(asked_again.within(request, following))
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
