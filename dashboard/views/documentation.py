"""The API, described for people: Swagger UI over the OpenAPI schema, both served from here."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe


@require_safe
def documentation(request: HttpRequest) -> HttpResponse:
    """Show every address of the API, with examples, and try them with a key of one's own."""
    return render(request, "pages/api.html")
