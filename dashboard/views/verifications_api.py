"""`POST /api/v1/verifications`: an integration test says whether the fallback took the same payload class."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from dashboard import bodies
from dashboard.bound_keys import author, refuse_bound_to_environments, refuse_other_workload
from dashboard.policies import examples, schemas
from dashboard.policies import openapi as words
from fallbacks import verifications
from fallbacks.models import Verification
from fallbacks.reading import Refused


class VerificationsView(APIView):
    """Takes the report of one run of a test."""

    scope = "verifications:write"

    @extend_schema(
        operation_id="verification_send",
        description="Say that an integration test found that the fallback takes the same payload class as the primary,"
        " or not. The same `id` of a workload counts once.",
        tags=["policy"],
        request=words.sent(schemas.NEW_VERIFICATION, examples.VERIFICATION),
        responses={
            200: words.told(
                schemas.VERIFICATION, examples.VERIFICATION_READ, "It is here already: as it was sent first."
            ),
            201: words.told(schemas.VERIFICATION, examples.VERIFICATION_READ, "It is stored."),
            **words.SENT,
            **words.COMMON,
        },
    )
    def post(self, request: Request) -> Response:
        sent = bodies.read(request)
        try:
            report = verifications.read(sent)
            refuse_other_workload(request, report.workload)
            refuse_bound_to_environments(request, "What is verified")
            stored, is_new = verifications.receive(report, author(request))
        except Refused as refused:
            return bodies.refusal(refused.problems)
        return Response(shown(report.workload, stored), 201 if is_new else 200)


def shown(workload: str, stored: Verification) -> dict[str, Any]:
    """Return a verification as it is answered."""
    return {
        "workload": workload,
        "primary": stored.primary,
        "fallback": stored.fallback,
        "payload_class": stored.payload_class,
        "passed": stored.passed,
        "details": stored.details,
        "id": stored.name,
        "received_at": stored.received_at,
    }
