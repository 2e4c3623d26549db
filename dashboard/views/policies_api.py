"""`/api/v1/policies`: each workload's policy, read and written by machines.

What is read of one holds all that a client needs to decide alone.
"""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from dashboard import bodies, listing, preconditions
from dashboard.bound_keys import author, key_of, refuse_bound_to_environments, refuse_other_workload
from dashboard.path_names import Workload
from dashboard.policies import examples, schemas
from dashboard.policies import openapi as words
from fallbacks import catalogue, policies, routes, versions
from fallbacks.canonical import model_json, policy_json
from fallbacks.reading import Refused, is_storable
from fallbacks.routes import RouteState
from fallbacks.versions import Stored

WORKLOAD = words.path(
    "workload",
    {"type": "string", "pattern": f"^({Workload.regex})$"},
    "The workload's slug. `.` and `..` are written `~.` and `~..`: clients take them for steps in a path.",
)


class PoliciesView(APIView):
    """`GET /api/v1/policies`: the policies that the key may see, by workload."""

    scope = "policy:read"

    @extend_schema(
        operation_id="policies_list",
        description="The policy of each workload, by its name, as it is in force.",
        tags=["policy"],
        parameters=[words.IF_NONE_MATCH, words.ETAG, *words.PAGE],
        responses={
            200: words.told(
                schemas.page_of(schemas.LISTED_POLICY), {"results": [examples.POLICY_LISTED], "next": None}
            ),
            **words.UNCHANGED,
            **words.COMMON,
        },
    )
    def get(self, request: Request) -> Response:
        page = listing.asked(request)
        found = versions.latest_of(key_of(request).workloads or None, page.after, page.limit + 1)
        states = routes.states(found)
        shown = [listed(stored, states[stored.workload_id]) for stored in found]
        return preconditions.answer(request, listing.answered(request, page, [each.workload for each in found], shown))


class PolicyView(APIView):
    """`GET` and `PUT /api/v1/policies/{workload}`."""

    @property
    def scope(self) -> str:
        return "policy:write" if self.request.method == "PUT" else "policy:read"

    @extend_schema(
        operation_id="policy_read",
        description="A workload's policy as it is in force, with the state of its route and its two models: all that a"
        " client needs to decide alone.",
        tags=["policy"],
        parameters=[WORKLOAD, words.IF_NONE_MATCH, words.ETAG],
        responses={
            200: words.told(schemas.POLICY, examples.POLICY_READ),
            **words.UNCHANGED,
            **words.NOT_THERE,
            **words.COMMON,
        },
    )
    def get(self, request: Request, workload: str) -> Response:
        refuse_other_workload(request, workload)
        stored = versions.latest(workload) if is_storable(workload) else None
        if stored is None:
            raise NotFound("This workload has no policy: PUT one here, or see GET /api/v1/policies.")
        return preconditions.answer(request, shown(stored))

    @extend_schema(
        operation_id="policy_put",
        description="Put a workload's policy: a new version, in force from now on, unless nothing changed. What reading"
        " adds is passed over when it is sent back. Another pair or other payload classes send its route back to"
        " `proposed`.",
        tags=["policy"],
        parameters=[WORKLOAD, words.IF_MATCH, words.NEW_ONLY, words.ETAG],
        request=words.sent(schemas.NEW_POLICY, examples.POLICY),
        responses={
            200: words.told(schemas.POLICY, examples.POLICY_READ, "It is a new version, or was so already."),
            201: words.told(schemas.POLICY, examples.POLICY_READ, "It is the workload's first."),
            **words.CONFLICT,
            **words.SENT,
            **words.COMMON,
        },
    )
    def put(self, request: Request, workload: str) -> Response:
        refuse_other_workload(request, workload)
        refuse_bound_to_environments(request, "A policy")
        sent = bodies.read(request)

        def check(there: Stored | None) -> None:
            preconditions.check(request, shown(there) if there else None)

        try:
            change = policies.put(workload, sent, author(request), check)
        except Refused as refused:
            return bodies.refusal(refused.problems)
        return preconditions.answer(request, shown(change.after), 200 if change.before else 201)


def listed(stored: Stored, state: RouteState) -> dict[str, Any]:
    """Return a policy as a list shows it."""
    return {
        **policy_json(stored.policy),
        "version": stored.version,
        "updated_at": stored.since,
        "route_state": state,
        "enabled": state == "enabled",
    }


def shown(stored: Stored) -> dict[str, Any]:
    """Return a policy with its models, those that the catalogue has."""
    names = [name for name in (stored.policy.primary, stored.policy.fallback) if name is not None]
    models = catalogue.models(names)
    state = routes.states([stored])[stored.workload_id]
    return listed(stored, state) | {"models": {name: model_json(models[name]) for name in names if name in models}}
