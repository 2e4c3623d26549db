"""`POST /api/v1/decisions`: what a gateway may do now that the primary has failed."""

import logging
from dataclasses import asdict

from django.db import Error as DatabaseError
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from dashboard import bodies, errors
from dashboard.authentication import KeysUnavailable
from dashboard.bound_keys import refuse_other_environment, refuse_other_workload
from dashboard.policies import examples, schemas
from dashboard.policies import openapi as words
from fallbacks import asking, rulebook
from fallbacks.deciding import decided
from fallbacks.reading import Refused
from fallbacks.rows import DEFAULT_ENVIRONMENT

log = logging.getLogger(__name__)
UNKNOWN = "What is in force cannot be read just now: treat this as `fail`, and ask again for the next request."


class DecisionsView(APIView):
    """One question, one answer. It stores nothing."""

    scope = "policy:read"

    @extend_schema(
        operation_id="decision_ask",
        description="Ask what may be done now that the primary has failed: `fallback`, `retry` or `fail`, and why. Send"
        " of an event's fields what is known. Nothing is stored. What is not known to be allowed is not allowed: take"
        " any other answer than `200` as `fail`.",
        tags=["policy"],
        request=words.sent(schemas.QUESTION, examples.QUESTION),
        responses={200: words.told(schemas.DECISION, examples.DECISION), **words.SENT, **words.COMMON},
    )
    def post(self, request: Request) -> Response:
        sent = bodies.read(request)
        try:
            asked = asking.read(sent)
        except Refused as refused:
            return bodies.refusal(refused.problems)
        refuse_other_workload(request, asked.workload)
        refuse_other_environment(request, asked.environment or DEFAULT_ENVIRONMENT)
        decision, version = decided(asked.workload, asking.facts(asked), rulebook.recent(), timezone.now())
        found = {**asdict(decision), "policy_version": version}
        return Response({name: found[name] for name in schemas.DECISION["properties"]})

    def handle_exception(self, exc: Exception) -> Response:
        """Tell a gateway what to do where nothing can be decided: it would wait, or guess."""
        if isinstance(exc, (DatabaseError, KeysUnavailable)):
            log.warning("a decision cannot be made: %s", exc)
            return Response(errors.body("undecidable", UNKNOWN), 503, headers={"Retry-After": "2"})
        return super().handle_exception(exc)
