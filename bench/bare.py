"""The reference of the HTTP tier: the least that Django can do for a POST, in the same server."""

from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path

if not settings.configured:
    settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1"], SECRET_KEY="nothing is signed here")  # noqa: S106


def taken(request: HttpRequest) -> HttpResponse:
    return HttpResponse(b'{"accepted": 1}', status=202, content_type="application/json")


urlpatterns = [path("api/v1/events", taken)]
application = get_wsgi_application()
