"""Models, policies, verifications, as machines read and write them: refused by their fields, never overwritten."""

import gzip
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.urls import reverse

from fallbacks import key_ring
from fallbacks.models import ApiKey, CatalogueModel, PolicyVersion, User, Verification
from fallbacks.scopes import MANAGE
from tests.conftest import Person
from tests.policy import on_the_way as way
from tests.policy.policies import DEMO, MODELS, REFUSED, VALID, Json, Refused
from tests.policy.stored import SUPPORT, close, put_models, put_support, verify

MODEL, POLICY, VERIFY = "/api/v1/models", "/api/v1/policies", "/api/v1/verifications"
pytestmark = pytest.mark.usefixtures("database")
SCOPES = ("policy:read", "policy:write", "verifications:write")
# Method, path, body, headers.
Ask = Callable[..., Any]


def service(name: str = "gateway", scopes: tuple[str, ...] = SCOPES, **bound: Any) -> Ask:
    """Speak to the API with a key of this name, which may be bound to workloads and environments."""
    client = Client(headers={"authorization": f"Bearer {key_ring.make(name, scopes, **bound)}"})

    def ask(method: str, path: str, body: Any = None, **headers: str) -> Any:
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body)
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        return client.generic(method, path, content, content_type="application/json", headers=told)

    return ask


@pytest.fixture
def ask() -> Ask:
    return service()


def fields(answer: Any) -> list[str]:
    """The refused fields, after a look at the shape of the answer."""
    assert answer.status_code == 400, answer.content
    error = answer.json()["error"]
    assert set(error) == {"code", "message", "field", "fields"}
    first = next(iter(error["fields"]))
    assert (error["code"], error["field"]) == ("refused", first)
    assert error["message"] == f"{first}: {error['fields'][first][0]}"
    assert all(text.endswith((".", "_ .")) for messages in error["fields"].values() for text in messages)
    return list(error["fields"])


# --- Models ----------------------------------------------------------------------------------------------------------


def signed() -> str:
    """How a change by the service is signed."""
    return f"key gateway ({ApiKey.objects.get().prefix})"


def test_a_model_is_read_as_it_was_put(ask: Ask) -> None:
    path = f"{MODEL}/premium-chat"
    put = ask("PUT", path, MODELS["premium-chat"])
    assert (put.status_code, put.json()) == (201, MODELS["premium-chat"])
    assert ask("GET", path).json() == MODELS["premium-chat"]
    again = ask("PUT", path, MODELS["premium-chat"] | {"output_price": 12.5})
    assert (again.status_code, again.json()["output_price"]) == (200, 12.5)
    assert CatalogueModel.objects.get().updated_by == signed()


def test_all_but_the_first_four_may_be_null_or_left_out(ask: Ask) -> None:
    least = {"provider": "p", "family": "f", "request_shapes": ["chat"]}
    nothing = dict.fromkeys(("data_region", "billing_account", "input_price", "cached_input_price", "output_price"))
    assert ask("PUT", f"{MODEL}/a", least).json() == least | {"name": "a", "features": []} | nothing
    assert ask("PUT", f"{MODEL}/b", least | nothing | {"features": None}).status_code == 201
    assert fields(ask("PUT", f"{MODEL}/c", {})) == ["provider", "family", "request_shapes"]


@pytest.mark.parametrize("name", ["azure/gpt-4o", "a b", "ä", "100%", "a//b", "x\ny", "?", "m" * 128])
def test_a_name_may_hold_slashes_and_whatever_else(ask: Ask, name: str) -> None:
    body = MODELS["home"] | {"name": name}
    assert ask("PUT", f"{MODEL}/{quote(name, safe='')}", body).status_code == 201
    assert ask("GET", f"{MODEL}/{quote(name)}").json()["name"] == name
    assert [model["name"] for model in ask("GET", MODEL).json()["results"]] == [name]


@pytest.mark.parametrize(
    ("path", "change", "refused"),
    [
        ("home", {"provider": "", "family": 7, "colour": "red"}, ["colour", "family", "provider"]),
        ("home", {"name": "another"}, ["name"]),
        ("home", {"features": ["a\0b"], "provider": "\0"}, ["features", "provider"]),
        ("%00", {"name": None}, ["name"]),
        ("m" * 129, {"name": None}, ["name"]),
        ("home", {"input_price": -0.5}, ["input_price"]),
    ],
)
def test_what_is_no_model_is_refused_by_every_field(ask: Ask, path: str, change: Json, refused: list[str]) -> None:
    body = {**MODELS["home"], **change}
    assert sorted(fields(ask("PUT", f"{MODEL}/{path}", body))) == sorted(refused)
    assert not CatalogueModel.objects.exists()


def test_a_model_that_is_not_there_is_told_of_in_the_one_shape(ask: Ask) -> None:
    for path in (f"{MODEL}/gone", f"{MODEL}/%00", f"{POLICY}/gone", f"{POLICY}/No%20Slug", f"{POLICY}/%00"):
        answer = ask("GET", path)
        assert (answer.status_code, set(answer.json()["error"])) == (404, {"code", "message"})


# --- Policies --------------------------------------------------------------------------------------------------------


def filled(policy: Json) -> Json:
    """A policy as it is answered: each field there, what has no order sorted."""
    review = {"reviews_required": 1, "due_hours": 72, "enabled_for_days": 90, "auto_suspend": True}
    lists = ("triggers", "paid_tiers", "payload_classes", "permits")
    usual = {"min_attempts": 2, "degraded_above": 0.01, "for_minutes": 5}
    return usual | policy | {name: sorted(set(policy[name])) for name in lists} | {"review": review | policy["review"]}


def test_each_valid_policy_is_taken_and_read_as_it_was_put(ask: Ask) -> None:
    put_models()
    for policy in VALID:
        path = f"{POLICY}/{policy['workload']}"
        put = ask("PUT", path, policy)
        assert put.status_code == 201, put.content
        read = ask("GET", path)
        assert read.content == put.content
        body = read.json()
        assert {name: body[name] for name in filled(policy)} == filled(policy)
        assert (body["version"], body["route_state"], body["enabled"]) == (1, "proposed", False)
        assert set(body) - set(filled(policy)) == {"version", "updated_at", "route_state", "enabled", "models"}
        names = {policy["primary"], policy.get("fallback")} - {None}
        assert set(body["models"]) == names


@pytest.mark.parametrize("case", REFUSED, ids=[case.why for case in REFUSED])
def test_what_must_be_refused_is_by_its_field_and_nothing_is_stored(ask: Ask, case: Refused) -> None:
    put_models()
    answer = ask("PUT", f"{POLICY}/{quote(case.policy['workload'])}", case.policy)
    if answer.status_code == 400 or case.letter:
        assert {field.partition(".")[0] for field in fields(answer)} >= case.fields
        assert not PolicyVersion.objects.exists()


def test_of_several_types_that_are_wrong_each_is_named(ask: Ask) -> None:
    put_models()
    wrong = {"user_visible": 1, "triggers": "timeout", "review": {"pass_rate": "x", "daily_cap": 1.5, "criteria": 3}}
    assert sorted(fields(ask("PUT", f"{POLICY}/support-chat", SUPPORT | wrong | {"primary": 3}))) == [
        *("primary", "review.criteria", "review.daily_cap", "review.min_reviews", "review.pass_rate"),
        *("review.sample_rate", "triggers", "user_visible"),
    ]


@pytest.mark.parametrize(
    "change",
    [{"owner": "a\0b"}, {"message": "\0"}, {"triggers": ["\0"]}, {"escape_hatch": "x\0"}, {"no\0such": 1}],
    ids=["owner", "message", "triggers", "escape_hatch", "no such"],
)
def test_what_cannot_be_stored_is_refused_and_breaks_nothing(ask: Ask, change: Json) -> None:
    put_models()
    assert fields(ask("PUT", f"{POLICY}/support-chat", SUPPORT | change)) == [
        next(iter(change)).replace("\0", "\ufffd")
    ]


@pytest.mark.parametrize("workload", [".", ".."])
def test_a_workload_whose_name_is_a_step_in_a_path_has_an_address_that_is_none(ask: Ask, workload: str) -> None:
    put_models()
    path = reverse("api-policy", args=[workload])
    assert path == f"{POLICY}/~{workload}"
    assert ask("PUT", path, SUPPORT | {"workload": workload}).status_code == 201
    assert ask("GET", path).json()["workload"] == workload


def test_a_policy_is_sent_to_the_address_of_its_workload(ask: Ask) -> None:
    put_models()
    assert fields(ask("PUT", f"{POLICY}/another", SUPPORT)) == ["workload"]
    without = {name: value for name, value in SUPPORT.items() if name != "workload"}
    assert ask("PUT", f"{POLICY}/another", without).json()["workload"] == "another"


def test_what_was_read_can_be_sent_back_and_changes_nothing(ask: Ask) -> None:
    put_support()
    read = ask("GET", f"{POLICY}/support-chat")
    again = ask("PUT", f"{POLICY}/support-chat", read.json())
    assert (again.status_code, again.json(), again["ETag"]) == (200, read.json(), read["ETag"])
    changed = ask("PUT", f"{POLICY}/support-chat", read.json() | {"notice": "always"})
    assert (changed.status_code, changed.json()["version"]) == (200, 2)
    assert PolicyVersion.objects.get(version=2).made_by == signed()


def test_what_is_in_force_can_be_sent_back_though_a_model_does_not_fit_it_any_more(ask: Ask) -> None:
    put_support()
    put = ask("PUT", f"{MODEL}/baseline-chat", MODELS["baseline-chat"] | {"data_region": "elsewhere"})
    assert put.status_code == 200
    read = ask("GET", f"{POLICY}/support-chat").json()
    again = ask("PUT", f"{POLICY}/support-chat", read)
    assert (again.status_code, again.json()["version"]) == (200, 1)
    assert fields(ask("PUT", f"{POLICY}/support-chat", SUPPORT | {"owner": "others"})) == ["permits"]


def test_lists_are_in_pages_that_follow_each_other(ask: Ask) -> None:
    put_models()
    for policy in DEMO:
        ask("PUT", f"{POLICY}/{policy['workload']}", policy)
    for path, name, everything in (
        (POLICY, "workload", sorted(policy["workload"] for policy in DEMO)),
        (MODEL, "name", sorted(MODELS)),
    ):
        assert [each[name] for each in ask("GET", path).json()["results"]] == everything
        seen: list[str] = []
        page = ask("GET", f"{path}?limit=3").json()
        while page["next"]:
            seen += [each[name] for each in page["results"]]
            page = ask("GET", page["next"]).json()
        assert seen + [each[name] for each in page["results"]] == everything
    listed = ask("GET", POLICY).json()["results"][3]
    assert ask("GET", f"{POLICY}/support-chat").json().items() > listed.items()


@pytest.mark.parametrize("path", [MODEL, POLICY])
@pytest.mark.parametrize(
    "query",
    [
        *("limit=0", "limit=501", "limit=x", "limit=", "colour=red"),
        *("cursor=%00", "cursor=", "cursor=x", "cursor=premium-chat", "cursor=WzFd", "cursor=WyJcdTAwMDAiXQ%3D%3D"),
    ],
)
def test_a_list_that_cannot_be_given_is_told_why(ask: Ask, path: str, query: str) -> None:
    answer = ask("GET", f"{path}?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == query.partition("=")[0]


# --- ETags -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [POLICY, f"{POLICY}/support-chat", MODEL, f"{MODEL}/premium-chat"])
def test_what_is_known_already_is_not_sent_again(ask: Ask, path: str) -> None:
    put_support()
    tag = ask("GET", path)["ETag"]
    assert tag.startswith('"')
    for known in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        again = ask("GET", path, If_None_Match=known)
        assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag)
    assert ask("GET", path, If_None_Match='"x"').status_code == 200


def test_the_etag_changes_with_version_route_state_enabled_and_models(ask: Ask) -> None:
    put_support()
    seen = [ask("GET", f"{POLICY}/support-chat")["ETag"]]
    steps: list[Callable[[], object]] = [
        verify,
        way.enable,
        lambda: put_support(notice="always"),
        lambda: ask("PUT", f"{MODEL}/baseline-chat", MODELS["baseline-chat"] | {"features": []}),
        close,
    ]
    for step in steps:
        step()
        seen.append(ask("GET", f"{POLICY}/support-chat")["ETag"])
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize(
    ("path", "body"), [(f"{POLICY}/support-chat", SUPPORT), (f"{MODEL}/premium-chat", MODELS["premium-chat"])]
)
def test_a_change_of_what_has_changed_is_refused(ask: Ask, path: str, body: Json) -> None:
    put_models("premium-chat", "baseline-chat")
    ask("PUT", path, body)
    field = "owner" if path.startswith(POLICY) else "provider"
    tag = ask("GET", path)["ETag"]
    assert ask("PUT", path, body | {field: "first"}, If_Match=tag).status_code == 200
    for stale in (tag, f"W/{ask('GET', path)['ETag']}"):
        late = ask("PUT", path, body | {field: "second"}, If_Match=stale)
        assert (late.status_code, set(late.json()["error"])) == (412, {"code", "message"})
        assert "GET it again" in late.json()["error"]["message"]
    assert ask("GET", path).json()[field] == "first"
    assert ask("PUT", path, body, If_Match=f'"x", {ask("GET", path)["ETag"]}').status_code == 200
    assert ask("PUT", path, body, If_Match="*").status_code == 200
    assert ask("PUT", path, body, If_None_Match="*").json()["error"]["code"] == "exists"


def test_what_is_not_there_matches_nothing(ask: Ask) -> None:
    put_models("premium-chat", "baseline-chat")
    path = f"{POLICY}/support-chat"
    for condition in ('"x"', "*"):
        assert ask("PUT", path, SUPPORT, If_Match=condition).status_code == 412
    assert not PolicyVersion.objects.exists()
    assert ask("PUT", path, SUPPORT, If_None_Match="*").status_code == 201


# --- Bodies and keys -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path"), [("PUT", f"{MODEL}/a"), ("PUT", f"{POLICY}/a"), ("POST", VERIFY), ("POST", "/api/v1/decisions")]
)
@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "empty"),
        (b"{", "not_json"),
        (b"\xff", "not_json"),
        (b'{"workload": "\xff"}', "not_utf8"),
        (b'{"workload": "\xed\xa0\x80"}', "not_utf8"),
        (b'{"workload": "p\xc3"}', "not_utf8"),
        (b'{"owner": "\\ud83c"}', "not_json"),
        (b'{"degraded_above": NaN}', "not_json"),
        (b"[]", "wrong_type"),
        (b"null", "wrong_type"),
        (b"[" * 100_000, "too_deep"),
    ],
)
def test_a_body_that_is_no_object_is_refused(ask: Ask, method: str, path: str, body: bytes, code: str) -> None:
    answer = ask(method, path, body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, code)


def test_what_is_too_large_or_no_json_has_its_own_status(ask: Ask) -> None:
    assert ask("PUT", f"{POLICY}/a", b'"' + b"a" * 262_144).status_code == 413
    client = Client(headers={"authorization": f"Bearer {key_ring.make('other', SCOPES)}"})
    answer = client.put(f"{POLICY}/a", "a=b", content_type="application/x-www-form-urlencoded")
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "content_type")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("PUT", f"{MODEL}/home"), ("PUT", f"{POLICY}/a"), ("POST", VERIFY), ("POST", "/api/v1/decisions")),
        *(("POST", "/api/v1/keys"), ("POST", "/api/v1/keys/{prefix}/rotate")),
    ],
)
@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate", "zstd", "x-made-up", "GZIP, identity"])
def test_a_body_that_is_said_to_be_compressed_is_refused_with_what_to_do(
    person: Person, method: str, path: str, encoding: str
) -> None:
    person("engineer")
    key = key_ring.make("gateway", [*SCOPES, MANAGE], owner=User.objects.get())
    client = Client(headers={"authorization": f"Bearer {key}", "content-encoding": encoding})
    path = path.replace("{prefix}", key_ring.prefix_of(key))
    for body in (gzip.compress(json.dumps(MODELS["home"]).encode()), json.dumps(MODELS["home"])):
        answer: Any = client.generic(method, path, body, content_type="application/json")
        assert (answer.status_code, answer.json()["error"]["code"]) == (415, "content_encoding")
        assert "Send the body uncompressed" in answer.json()["error"]["message"]
    assert not CatalogueModel.objects.exists()


def test_a_body_that_is_said_to_be_as_it_is_is_taken(ask: Ask) -> None:
    assert ask("PUT", f"{MODEL}/home", MODELS["home"], Content_Encoding="Identity").status_code == 201


def test_a_key_of_some_workloads_reads_and_writes_those_alone(ask: Ask) -> None:
    put_models()
    for policy in DEMO:
        ask("PUT", f"{POLICY}/{policy['workload']}", policy)
    bound = service("bound", workloads=["support-chat"])
    assert [each["workload"] for each in bound("GET", POLICY).json()["results"]] == ["support-chat"]
    assert bound("PUT", f"{POLICY}/support-chat", SUPPORT | {"notice": "always"}).status_code == 200
    assert bound("GET", f"{MODEL}/home").status_code == 200
    report = {"workload": "batch-extraction", "primary": "a", "fallback": "b", "payload_class": "c", "passed": True}
    for method, path, body in (
        ("GET", f"{POLICY}/batch-extraction", None),
        ("GET", f"{POLICY}/no-such", None),
        ("PUT", f"{POLICY}/batch-extraction", DEMO[1]),
        ("PUT", f"{MODEL}/home", MODELS["home"]),
        ("POST", VERIFY, report),
        ("POST", "/api/v1/decisions", {"workload": "batch-extraction", "primary": "a", "status": 500}),
    ):
        answer = bound(method, path, body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_covered"), path


def test_a_key_of_some_environments_changes_nothing_that_holds_for_all() -> None:
    put_support()
    bound = service("bound", environments=["staging"])
    assert bound("GET", f"{POLICY}/support-chat").status_code == 200
    assert bound("PUT", f"{POLICY}/support-chat", SUPPORT).json()["error"]["code"] == "not_covered"
    assert bound("PUT", f"{MODEL}/home", MODELS["home"]).status_code == 403
    question = {"workload": "support-chat", "primary": "premium-chat", "status": 500}
    assert bound("POST", VERIFY, REPORT).json()["error"]["code"] == "not_covered"
    # As for events: without an environment it is production that is meant.
    assert bound("POST", "/api/v1/decisions", question).status_code == 403
    assert bound("POST", "/api/v1/decisions", question | {"environment": "staging"}).status_code == 200
    assert bound("POST", "/api/v1/decisions", question | {"environment": "production"}).status_code == 403


# --- Verifications ---------------------------------------------------------------------------------------------------

REPORT = {
    "workload": "support-chat",
    "primary": "premium-chat",
    "fallback": "baseline-chat",
    "payload_class": "chat",
    "passed": True,
    "details": "32 of 32",
    "id": "ci-1",
}


def test_a_verification_is_stored_once_and_moves_the_route_on(ask: Ask) -> None:
    put_support(payload_classes=["chat"])
    first = ask("POST", VERIFY, REPORT)
    assert first.status_code == 201
    assert {name: value for name, value in first.json().items() if name != "received_at"} == REPORT
    again = ask("POST", VERIFY, REPORT | {"passed": False})
    assert (again.status_code, again.json()) == (200, first.json())
    assert Verification.objects.get().sent_by == signed()
    assert ask("GET", f"{POLICY}/support-chat").json()["route_state"] == "verified"


def test_without_an_id_each_counts(ask: Ask) -> None:
    put_support()
    for body in ({"id": None}, {"id": None, "details": None}):
        assert ask("POST", VERIFY, REPORT | body).status_code == 201
    assert Verification.objects.count() == 2


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        ({"workload": "of-no-policy"}, ["workload"]),
        ({"primary": "other"}, ["primary"]),
        ({"fallback": "other", "payload_class": "json"}, ["fallback", "payload_class"]),
        ({"passed": "yes"}, ["passed"]),
        ({"passed": None, "payload_class": "No Slug"}, ["payload_class", "passed"]),
        ({"fallback": None}, ["fallback"]),
        ({"details": "d" * 10_001}, ["details"]),
        ({"id": "a\nb"}, ["id"]),
        ({"id": ""}, ["id"]),
        ({"why": 1}, ["why"]),
    ],
)
def test_a_verification_that_is_none_is_refused_by_its_field(ask: Ask, change: Json, refused: list[str]) -> None:
    put_support()
    assert fields(ask("POST", VERIFY, REPORT | change)) == refused
    assert not Verification.objects.exists()


def test_one_bad_byte_costs_no_verification(ask: Ask) -> None:
    put_support()
    stored = ask("POST", VERIFY, REPORT | {"id": "i\0d", "details": "a\0b"}).json()
    assert (stored["id"], stored["details"]) == ("i\ufffdd", "a\ufffdb")


@pytest.mark.parametrize("fallback", [None, 5, ""])
def test_a_verification_without_a_fallback_is_told_what_is_needed_and_not_what_was_sent(
    ask: Ask, fallback: Any
) -> None:
    message = ask("POST", VERIFY, REPORT | {"fallback": fallback}).json()["error"]["message"]
    assert message.endswith(": a model name of 1 to 128 characters." if fallback is None else "128 characters.")
    assert "null" not in message


def test_reading_costs_few_queries_however_many_policies(ask: Ask, django_assert_num_queries: Any) -> None:
    put_models()
    for policy in VALID[:20]:
        ask("PUT", f"{POLICY}/{policy['workload']}", policy)
    with django_assert_num_queries(5):
        ask("GET", POLICY)
    with django_assert_num_queries(6):
        ask("GET", f"{POLICY}/support-chat")
    with django_assert_num_queries(1):
        ask("GET", MODEL)
