"""A way past the middleware of pages for what services post: sessions and forms would double its cost."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from ingest import views

DIRECT = {"/api/v1/events": views.events, "/api/v1/traffic": views.traffic}


class DirectPath:
    """Middleware that answers the POSTs of services itself and lets everything else through."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method == "POST" and (view := DIRECT.get(request.path_info)):
            return view(request)
        return self.get_response(request)
