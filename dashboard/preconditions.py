"""ETags: what a client has read already is not sent again, and what it has not read is not overwritten."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.utils.http import parse_etags
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

Body = Mapping[str, Any]


class Changed(APIException):
    """What is there is not what the request was made for."""

    status_code = 412
    default_code = "changed"
    default_detail = "It is not what you read any more: GET it again, and send your change with the ETag of that."


class Exists(APIException):
    """The request was for something that is not there yet."""

    status_code = 412
    default_code = "exists"
    default_detail = "It is there already: GET it, and send your change with its ETag in If-Match."


def etag(body: Body) -> str:
    """Return the strong ETag of a body: it changes with anything in it."""
    text = json.dumps(body, sort_keys=True, default=str)
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def answer(request: Request, body: Body, status: int = 200) -> Response:
    """Answer with the body and its ETag, or with `304` where the client has it."""
    tag = etag(body)
    # Whoever keeps it asks first whether it still is so.
    headers = {"ETag": tag, "Cache-Control": "private, no-cache"}
    if request.method in ("GET", "HEAD") and _is_among(tag, request.headers.get("If-None-Match", "")):
        return Response(status=304, headers=headers)
    return Response(body, status, headers=headers)


def check(request: Request, there: Body | None) -> None:
    """Refuse a change of something that is not as the request's If-Match or If-None-Match says. Raises APIException."""
    if_match, if_none_match = (request.headers.get(name) for name in ("If-Match", "If-None-Match"))
    if if_match is not None and (there is None or not _is_among(etag(there), if_match, strongly=True)):
        raise Changed
    if if_none_match is not None and there is not None and _is_among(etag(there), if_none_match):
        raise Exists


def _is_among(tag: str, header: str, strongly: bool = False) -> bool:
    tags = parse_etags(header)
    return "*" in tags or tag in (tags if strongly else [each.removeprefix("W/") for each in tags])
