"""The running product, held against its own OpenAPI schema by requests that the schema makes up."""

from typing import Any

import pytest
import schemathesis
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_schema_conformance,
    status_code_conformance,
)

from tests.conftest import Product

SCOPES = [
    *("events:write", "traffic:write", "rates:read", "events:read"),
    *("policy:read", "policy:write", "verifications:write", "keys:manage"),
]
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
OPERATIONS = [
    "DELETE /api/v1/keys/{prefix}",
    "GET /api/v1/events",
    "GET /api/v1/keys",
    "GET /api/v1/keys/{prefix}",
    "GET /api/v1/models",
    "GET /api/v1/models/{name}",
    "GET /api/v1/policies",
    "GET /api/v1/policies/{workload}",
    "GET /api/v1/rates",
    "GET /api/v1/states",
    "POST /api/v1/decisions",
    "POST /api/v1/events",
    "POST /api/v1/keys",
    "POST /api/v1/keys/{prefix}/rotate",
    "POST /api/v1/traffic",
    "POST /api/v1/verifications",
    "PUT /api/v1/models/{name}",
    "PUT /api/v1/policies/{workload}",
]


def generate() -> dict[str, Any]:
    generator: Any = SchemaGenerator
    return dict(generator().get_schema(request=None, public=True))


@pytest.mark.parametrize("mode", list(GenerationMode))
@pytest.mark.parametrize("label", OPERATIONS)
def test_every_answer_is_as_the_schema_says(product: Product, label: str, mode: GenerationMode) -> None:
    schema: Any = schemathesis.openapi.from_dict(generate())
    schema.config.update(base_url=product.address)
    key = product.create_key(SCOPES, owner="engineer")
    operations = {operation.label: operation for found in schema.get_all_operations() if (operation := found.ok())}
    assert sorted(operations) == OPERATIONS

    @settings(max_examples=40, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operations[label].as_strategy(generation_mode=mode))
    def send(case: Any) -> None:
        case.call_and_validate(headers={"Authorization": f"Bearer {key}"}, checks=CHECKS)

    send()
