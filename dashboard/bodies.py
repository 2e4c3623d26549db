"""What is sent to the API as JSON: read within limits, and refused field by field in one shape."""

from collections.abc import Iterable
from typing import Any

import msgspec
from django.http.request import UnreadablePostError
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from fallbacks.refusals import Problem

# An event with its three samples and every attribute is smaller; so is any policy.
MOST_BYTES = 256 * 1024
JSON_TYPES = ("", "application/json")
# Encodings of what is sent as it is: bodies are small here.
PLAIN = ("", "identity")


class Unreadable(APIException):
    """The body cannot be read as a JSON object."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message, code)
        self.status_code = status


def read(request: Request) -> dict[str, Any]:
    """Return the JSON object that was sent. Raises Unreadable."""
    if request.META.get("HTTP_CONTENT_ENCODING", "").strip().lower() not in PLAIN:
        raise Unreadable("content_encoding", "Send the body uncompressed, without the header `Content-Encoding`.", 415)
    kind = request.META.get("CONTENT_TYPE", "").partition(";")[0].strip().lower()
    if kind not in JSON_TYPES:
        raise Unreadable("content_type", "Send the header `Content-Type: application/json`.", 415)
    if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_BYTES:
        raise Unreadable("too_large", "Send at most 256 KiB in a body.", 413)
    try:
        # As Django's own request has it: what DRF would parse it with knows neither limit nor depth.
        body = request._request.body
        if not body.strip():
            raise Unreadable("empty", "The body is empty: send one JSON object.")
        sent = msgspec.json.decode(body)
    except UnreadablePostError as error:
        raise Unreadable("cut_off", "The body was cut off: send it again.") from error
    except UnicodeDecodeError as error:
        raise Unreadable("not_utf8", f"The body is not UTF-8 (byte {error.start}). Send JSON in UTF-8.") from error
    except RecursionError as error:
        raise Unreadable("too_deep", "The JSON is nested too deeply: send one object, as the example shows.") from error
    except msgspec.DecodeError as error:
        raise Unreadable("not_json", f"The body is not JSON: {error}. Send JSON in UTF-8.") from error
    if not isinstance(sent, dict):
        raise Unreadable("wrong_type", "Send one JSON object.")
    return sent


def refusal(problems: Iterable[Problem]) -> Response:
    """Answer with what is wrong with each field, in the order in which it was found."""
    fields: dict[str, list[str]] = {}
    for problem in problems:
        fields.setdefault(problem.field, []).append(problem.message)
    first, (message, *_) = next(iter(fields.items()))
    error = {"code": "refused", "message": f"{first}: {message}", "field": first, "fields": fields}
    return Response({"error": error}, 400)
