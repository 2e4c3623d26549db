"""`/api/v1/models`: the catalogue, read and written by machines."""

from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from dashboard import bodies, listing, preconditions
from dashboard.bound_keys import author, refuse_bound_to_environments, refuse_bound_to_workloads
from dashboard.policies import examples, schemas
from dashboard.policies import openapi as words
from fallbacks import catalogue
from fallbacks.canonical import model_json
from fallbacks.policy import Model
from fallbacks.reading import Refused, is_storable

NAME = words.path("name", schemas.NAME, "The model's name; it may hold slashes, as they are or as `%2F`.")


class ModelsView(APIView):
    """`GET /api/v1/models`: all models, by name."""

    scope = "policy:read"

    @extend_schema(
        operation_id="models_list",
        description="The catalogue of models that policies choose from, by name.",
        tags=["policy"],
        parameters=[words.IF_NONE_MATCH, words.ETAG, *words.PAGE],
        responses={
            200: words.told(schemas.page_of(schemas.MODEL), examples.MODELS_PAGE),
            **words.UNCHANGED,
            **words.COMMON,
        },
    )
    def get(self, request: Request) -> Response:
        page = listing.asked(request)
        found = catalogue.listed(page.after, page.limit + 1)
        shown = [model_json(model) for model in found]
        return preconditions.answer(request, listing.answered(request, page, [model.name for model in found], shown))


class ModelView(APIView):
    """`GET` and `PUT /api/v1/models/{name}`."""

    @property
    def scope(self) -> str:
        return "policy:write" if self.request.method == "PUT" else "policy:read"

    @extend_schema(
        operation_id="model_read",
        description="One model of the catalogue.",
        tags=["policy"],
        parameters=[NAME, words.IF_NONE_MATCH, words.ETAG],
        responses={
            200: words.told(schemas.MODEL, examples.MODEL),
            **words.UNCHANGED,
            **words.NOT_THERE,
            **words.COMMON,
        },
    )
    def get(self, request: Request, name: str) -> Response:
        model = catalogue.find(name) if is_storable(name) else None
        if model is None:
            raise NotFound("There is no model of this name in the catalogue: see GET /api/v1/models.")
        return preconditions.answer(request, model_json(model))

    @extend_schema(
        operation_id="model_put",
        description="Put a model into the catalogue, or change it. Another API family, other request shapes, another"
        " data region or billing account send the routes that use it back to `proposed`.",
        tags=["policy"],
        parameters=[NAME, words.IF_MATCH, words.NEW_ONLY, words.ETAG],
        request=words.sent(schemas.NEW_MODEL, examples.MODEL),
        responses={
            200: words.told(schemas.MODEL, examples.MODEL, "It is changed, or was so already."),
            201: words.told(schemas.MODEL, examples.MODEL, "It is new."),
            **words.CONFLICT,
            **words.SENT,
            **words.COMMON,
        },
    )
    def put(self, request: Request, name: str) -> Response:
        refuse_bound_to_workloads(request, "A model")
        refuse_bound_to_environments(request, "A model")
        sent = bodies.read(request)

        def check(there: Model | None) -> None:
            preconditions.check(request, model_json(there) if there else None)

        try:
            change = catalogue.put(name, sent, author(request), check)
        except Refused as refused:
            return bodies.refusal(refused.problems)
        return preconditions.answer(request, model_json(change.after), 200 if change.before else 201)
