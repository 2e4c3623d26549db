"""The API is described from what it does, and the description is held against it."""

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from django.test import Client
from django.urls import get_resolver

from ingest.direct import DIRECT
from ingest.wire import EventIn

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def schema(viewer: Client) -> dict[str, Any]:
    return dict(viewer.get("/api/schema").json())


def included(part: Any) -> Any:
    return part.url_patterns


def test_every_address_of_the_api_is_described_and_no_other(schema: dict[str, Any]) -> None:
    routes = {f"/{pattern.pattern}" for part in get_resolver().url_patterns for pattern in included(part)}
    served = {
        re.sub("<(?:text|any_workload):(.+?)>", r"{\1}", route) for route in routes if route.startswith("/api/v1/")
    } | set(DIRECT)
    assert set(schema["paths"]) == served
    methods = {(path, method) for path, said in schema["paths"].items() for method in said}
    assert methods == {
        ("/api/v1/events", "get"),
        ("/api/v1/events", "post"),
        ("/api/v1/rates", "get"),
        ("/api/v1/states", "get"),
        ("/api/v1/traffic", "post"),
        ("/api/v1/keys", "get"),
        ("/api/v1/keys", "post"),
        ("/api/v1/keys/{prefix}", "get"),
        ("/api/v1/keys/{prefix}", "delete"),
        ("/api/v1/keys/{prefix}/rotate", "post"),
        ("/api/v1/models", "get"),
        ("/api/v1/models/{name}", "get"),
        ("/api/v1/models/{name}", "put"),
        ("/api/v1/policies", "get"),
        ("/api/v1/policies/{workload}", "get"),
        ("/api/v1/policies/{workload}", "put"),
        ("/api/v1/decisions", "post"),
        ("/api/v1/verifications", "post"),
    }


def test_it_is_a_schema_of_openapi(schema: dict[str, Any]) -> None:
    assert schema["openapi"] == "3.1.0"
    for component in schema["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(component)


def test_the_fields_of_an_event_are_those_that_are_taken(schema: dict[str, Any]) -> None:
    event = schema["components"]["schemas"]["Event"]
    assert set(event["properties"]) == set(EventIn.__struct_fields__)
    assert set(event["required"]) == {"workload", "primary", "fallback", "status", "reason"}
    assert event["properties"]["workload"]["pattern"] == "^[a-z0-9._-]{1,64}$"


def contents(operation: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What is sent, and what is answered where all is well."""
    answers = [operation["responses"][status] for status in ("200", "201", "202") if status in operation["responses"]]
    for part in [operation.get("requestBody", {}), *answers]:
        if "application/json" in part.get("content", {}):
            yield part["content"]["application/json"]


def test_every_example_is_valid_by_the_schema_beside_it(schema: dict[str, Any]) -> None:
    checked = {"get": 0, "post": 0, "put": 0, "delete": 0}
    for said in schema["paths"].values():
        for method, operation in said.items():
            for content in contents(operation):
                examples = [each["value"] for each in content.get("examples", {}).values()]
                for example in examples or [content[name] for name in ["example"] if name in content]:
                    jsonschema.validate(example, {**content["schema"], "components": schema["components"]})
                    checked[method] += 1
    assert checked == {"get": 9, "post": 13, "put": 6, "delete": 1}


def test_the_page_is_served_from_here_alone(viewer: Client) -> None:
    page = viewer.get("/api/docs")
    assert page.status_code == 200
    assert "http://" not in page.text
    assert "https://" not in page.text


@pytest.mark.parametrize("path", ["/api/schema", "/api/docs"])
def test_signed_out_there_is_nothing_to_read(client: Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer["Location"]) == (302, f"/login?next={path}")


def test_an_answer_is_as_the_schema_says(schema: dict[str, Any], viewer: Client) -> None:
    text = json.dumps(schema)
    assert "Bearer" in text or "bearer" in text
