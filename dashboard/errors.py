"""One shape for every error: JSON for machines, a page for people, and in both what to do."""

import logging
import sys
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, DataError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template import TemplateDoesNotExist
from rest_framework.exceptions import APIException, MethodNotAllowed, ValidationError
from rest_framework.response import Response

log = logging.getLogger(__name__)


def body(code: str, message: str, **more: str) -> dict[str, Any]:
    """Return the body of an error."""
    return {"error": {"code": code, "message": message, **more}}


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn what an API view raises into that shape. Named by REST_FRAMEWORK["EXCEPTION_HANDLER"]."""
    if isinstance(error, Http404):
        return Response(body("not_found", "There is nothing at this address."), 404)
    if isinstance(error, PermissionDenied):
        return Response(body("forbidden", "This is not allowed to you."), 403)
    if isinstance(error, DataError):
        return Response(body("bad_query", "A parameter holds a value that the database does not know."), 400)
    if isinstance(error, DatabaseError):
        log.exception("the database does not answer")
        return Response(
            body("database_unavailable", "The database does not answer: ask again."), 503, headers={"Retry-After": "2"}
        )
    if not isinstance(error, APIException):
        return None
    headers = {}
    if header := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = header
    if isinstance(error, ValidationError) and isinstance(error.detail, dict):
        field, messages = next(iter(error.detail.items()))
        return Response(body("bad_query", f"{field}: {first(messages)}", field=str(field)), 400)
    if isinstance(error, MethodNotAllowed):
        allowed = context["view"].default_response_headers["Allow"]
        return Response(body("method_not_allowed", f"Send one of {allowed}."), 405)
    codes = error.get_codes()
    detail = error.detail[0] if isinstance(error.detail, list) else error.detail
    return Response(
        body(codes if isinstance(codes, str) else "bad_request", str(detail)), error.status_code, headers=headers
    )


def first(messages: Any) -> str:
    """Return the first message of what a serializer found, however deep it lies."""
    while isinstance(messages, (list, dict)):
        messages = next(iter(messages.values() if isinstance(messages, dict) else messages))
    return str(messages)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return told(request, 400, "bad_request", "The request cannot be read: check its address and its headers.")


def form_expired(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer for a form without its token, such as one that was open in another tab while somebody signed in."""
    return told(request, 403, "form_expired", "This form is no longer good: go back, load the page again and send it.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return told(request, 403, "forbidden", "This is not allowed to you: ask an admin for the role that may.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return told(request, 404, "not_found", "There is nothing at this address: start from the overview.")


def server_error(request: HttpRequest) -> HttpResponse:
    if isinstance(sys.exc_info()[1], DatabaseError):
        response = told(
            request,
            503,
            "database_unavailable",
            "The database does not answer: try again in a moment. Events are still taken and kept.",
        )
        response["Retry-After"] = "2"
        return response
    return told(request, 500, "server_error", "Something here is broken and has been noted. Events are still taken.")


def told(request: HttpRequest, status: int, code: str, message: str) -> HttpResponse:
    """Answer with an error: JSON below /api/ and for whoever asks for JSON, else a page."""
    if request.path.startswith("/api/") or "application/json" in request.headers.get("Accept", ""):
        return JsonResponse(body(code, message), status=status)
    try:
        return render(request, "pages/error.html", {"status": status, "message": message}, status=status)
    except (TemplateDoesNotExist, DatabaseError):
        # The page shows who is signed in, which needs the database: without it the words must do.
        return HttpResponse(f"{message}\n", status=status, content_type="text/plain; charset=utf-8")
