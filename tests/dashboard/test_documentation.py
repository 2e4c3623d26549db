"""The API is described from what it does, and the description is held against it."""

import json
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
    served = {route for route in routes if route.startswith("/api/v1/")} | set(DIRECT)
    assert set(schema["paths"]) == served
    methods = {(path, method) for path, said in schema["paths"].items() for method in said}
    assert methods == {
        ("/api/v1/events", "get"),
        ("/api/v1/events", "post"),
        ("/api/v1/rates", "get"),
        ("/api/v1/traffic", "post"),
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


def test_every_example_is_valid_by_the_schema_beside_it(schema: dict[str, Any]) -> None:
    checked = 0
    for path in ("/api/v1/events", "/api/v1/traffic"):
        content = schema["paths"][path]["post"]["requestBody"]["content"]["application/json"]
        examples = [each["value"] for each in content.get("examples", {}).values()] or [content["example"]]
        for example in examples:
            jsonschema.validate(example, {**content["schema"], "components": schema["components"]})
            checked += 1
    assert checked == 4


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
