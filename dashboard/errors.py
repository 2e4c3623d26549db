"""One shape for every error: JSON for machines, a page for people, and in both what to do."""

import logging
import sys
from typing import Any

from django.core.exceptions import BadRequest, PermissionDenied
from django.db import DatabaseError, DataError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.template import TemplateDoesNotExist
from rest_framework.exceptions import APIException, MethodNotAllowed, NotAcceptable, ValidationError
from rest_framework.response import Response

log = logging.getLogger(__name__)

# PostgreSQL's code for a statement that was stopped: it took longer than it may.
GIVEN_UP = "57014"
ADDRESSES = "See /api/docs for the addresses that there are."


def body(code: str, message: str, **more: str) -> dict[str, Any]:
    """Return the body of an error."""
    return {"error": {"code": code, "message": message, **more}}


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn what an API view raises into that shape. Named by REST_FRAMEWORK["EXCEPTION_HANDLER"]."""
    if isinstance(error, Http404):
        return Response(body("not_found", f"There is nothing at this address. {ADDRESSES}"), 404)
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
    if isinstance(error, NotAcceptable):
        return Response(body("not_acceptable", "The answer is JSON: send the header `Accept: application/json`."), 406)
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


class NotForYou(PermissionDenied):
    """Somebody lacks a role: what it is for whom, and whom to ask."""

    def __init__(self, head: str, advice: str, code: str = "forbidden") -> None:
        super().__init__(f"{head} {advice}")
        self.code = code
        self.head = head
        self.advice = advice


class Unclear(BadRequest):
    """A request is not understood: what of it, and what to do."""

    def __init__(self, head: str, advice: str) -> None:
        super().__init__(f"{head} {advice}")
        self.head = head
        self.advice = advice


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, Unclear):
        return told(request, 400, "bad_request", exception.head, exception.advice)
    return told(request, 400, "bad_request", "The request cannot be read.", "Check its address and its headers.")


def form_expired(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer for a form without its token, such as one that was open in another tab while somebody signed in."""
    advice = "Go back, load the page again and send it."
    return told(request, 403, "form_expired", "This form is no longer good.", advice)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, NotForYou):
        return told(request, 403, exception.code, exception.head, exception.advice)
    return told(request, 403, "forbidden", "This is not allowed to you.", "Ask an admin for the role that may.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    pages = "Start from the overview. An address that was sent to you may have been cut off."
    advice = ADDRESSES if request.path.startswith("/api/") else pages
    return told(request, 404, "not_found", "There is nothing at this address.", advice)


def not_taken(request: HttpRequest, allowed: str) -> HttpResponse:
    """Answer for a method that an address does not take: mostly for somebody led to where a form goes, without it."""
    advice = (
        "If you were asked to sign in, what you had sent before was not done: go back to its page and send it again."
    )
    answer = told(
        request, 405, "method_not_allowed", "This address takes what a form sends, and shows nothing.", advice
    )
    answer["Allow"] = allowed
    return answer


def too_many(request: HttpRequest) -> HttpResponse:
    """Answer whoever tries too often."""
    return told(request, 429, "too_many", "That was tried too often.", "Wait a minute, then try again.")


def server_error(request: HttpRequest) -> HttpResponse:
    error = sys.exc_info()[1]
    if is_too_slow(error):
        return too_slow(request)
    if isinstance(error, DataError):
        return told(
            request, 400, "bad_query", "The address holds a value that the database does not know.", "Check its end."
        )
    if isinstance(error, DatabaseError):
        advice = "Events are still taken and kept. Try again in a moment; an admin should look at /readyz."
        response = told(request, 503, "database_unavailable", "The database does not answer.", advice)
        response["Retry-After"] = "2"
        return response
    advice = "It has been noted. Events are still taken; try again, and tell an admin if it stays so."
    return told(request, 500, "server_error", "Something here is broken.", advice)


class TooSlow(Exception):
    """A page has had its time."""


def is_too_slow(error: BaseException | None) -> bool:
    """Tell whether a page took too long: in all, or by one statement that the database gave up."""
    code = getattr(error.__cause__, "sqlstate", None) if isinstance(error, DatabaseError) else None
    return isinstance(error, TooSlow) or code == GIVEN_UP


def too_slow(request: HttpRequest) -> HttpResponse:
    advice = "The database has much to do, or much was asked for. A shorter range, or one workload, is quicker."
    return told(request, 503, "too_slow", "This took too long, and was stopped.", advice)


def told(request: HttpRequest, status: int, code: str, head: str, advice: str) -> HttpResponse:
    """Answer with an error: JSON below /api/ and for whoever asks for JSON or refreshes a page, else a page."""
    wants_json = "application/json" in request.headers.get("Accept", "") or "HX-Request" in request.headers
    if request.path.startswith("/api/") or wants_json:
        return JsonResponse(body(code, f"{head} {advice}"), status=status)
    try:
        context = {"status": status, "code": code, "head": head, "advice": advice}
        return render(request, "pages/error.html", context, status=status)
    except (TemplateDoesNotExist, DatabaseError):
        # The page shows who is signed in, which needs the database: without it the words must do.
        return HttpResponse(f"{head} {advice}\n", status=status, content_type="text/plain; charset=utf-8")
