"""What OpenAPI says of the addresses of models, policies, decisions and verifications: what is sent and answered."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiRequest, OpenApiResponse

from dashboard.listing import MOST
from dashboard.openapi import ERROR
from dashboard.policies import schemas

COMMON = {
    400: OpenApiResponse(schemas.REFUSAL, "What was sent is refused: `fields` names each field, and says what to do."),
    401: OpenApiResponse(ERROR, "No key, or none that is good."),
    403: OpenApiResponse(ERROR, "The key lacks the scope, or is not for what is asked."),
    503: OpenApiResponse(ERROR, "The database does not answer: ask again after `Retry-After` seconds."),
}
SENT = {
    413: OpenApiResponse(ERROR, "The body is larger than 256 KiB."),
    415: OpenApiResponse(ERROR, "The body is not sent as `application/json`, or it is compressed."),
}
UNCHANGED = {304: OpenApiResponse(None, "It is what `If-None-Match` says that you have.")}
NOT_THERE = {404: OpenApiResponse(ERROR, "There is none of this name.")}
CONFLICT = {412: OpenApiResponse(ERROR, "It is not what `If-Match` or `If-None-Match` says: read it again.")}


def told(schema: dict[str, Any], example: dict[str, Any], words: str = "") -> OpenApiResponse:
    return OpenApiResponse(schema, words, examples=[OpenApiExample("answer", value=example)])


def sent(schema: dict[str, Any], example: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": OpenApiRequest(schema, examples=[OpenApiExample("example", value=example)])}


def header(name: str, words: str) -> OpenApiParameter:
    return OpenApiParameter(name, str, OpenApiParameter.HEADER, description=words)


IF_NONE_MATCH = header("If-None-Match", "The ETag that you have: `304` where it is still so.")
IF_MATCH = header("If-Match", "The ETag that you read: `412` where it is not so any more, and nothing is changed.")
NEW_ONLY = header("If-None-Match", "`*`: `412` where there is one already.")
ETAG = OpenApiParameter(
    "ETag", str, OpenApiParameter.HEADER, description="Changes with anything in the answer.", response=[200, 201]
)
PAGE = [
    OpenApiParameter("cursor", str, description="As `next` of the page before has it."),
    OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": MOST}, description="Absent: 500."),
]


def path(name: str, schema: dict[str, Any], words: str) -> OpenApiParameter:
    return OpenApiParameter(name, schema, OpenApiParameter.PATH, description=words)
