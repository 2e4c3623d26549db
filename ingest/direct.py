"""A way past Django for what services post: sessions, forms and signals would cost more than taking it does."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from fallbacks import proxies
from ingest import receiving

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]

DIRECT = {"/api/v1/events": receiving.events, "/api/v1/traffic": receiving.traffic}
_STATUS = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}


class DirectPath:
    """A WSGI application that answers the POSTs of services itself and lets everything else through."""

    def __init__(self, application: Application) -> None:
        self.application = application

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        receive = DIRECT.get(environ["PATH_INFO"]) if environ["REQUEST_METHOD"] == "POST" else None
        proxies.settle(environ)
        # What came without TLS is sent away by Django.
        if receive is None or (settings.SECURE_SSL_REDIRECT and environ["wsgi.url_scheme"] != "https"):
            return self.application(environ, start_response)
        answer = receive(environ)
        start_response(_STATUS[answer.status], answer.headers)
        return [answer.body]


class DirectMiddleware:
    """The same for servers that call Django's handler and not the WSGI application."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.method == "POST" and (receive := DIRECT.get(request.path_info)):
            return receive(request.META).response()
        return self.get_response(request)
