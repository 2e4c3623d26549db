"""Every door of the product, and who it opens to. An address without a row here fails."""

import re
from collections.abc import Container, Iterator
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

import pytest
from django.core import signing
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from dashboard.views.first_run import opened
from fallbacks import key_ring, members, resets
from fallbacks.models import ApiKey, Export, User
from fallbacks.permissions import ROLES
from fallbacks.scopes import SCOPES
from ingest.direct import DIRECT
from tests import reviews
from tests.conftest import Person

pytestmark = pytest.mark.usefixtures("database", "stream")

EVERYBODY = set(ROLES)
WRITERS = {"engineer", "admin"}
REVIEWERS = {"reviewer", "admin"}
SIGNED_IN = EVERYBODY | {"nobody"}
OPEN = SIGNED_IN | {"signed out"}
# Path and method: who is let in. A key's name is its one scope.
DOORS = {
    ("GET", "/"): EVERYBODY,
    ("GET", "/workloads/<slug>"): EVERYBODY,
    ("GET", "/events"): EVERYBODY,
    ("GET", "/lookup"): EVERYBODY,
    ("GET", "/violations"): EVERYBODY,
    ("GET", "/violations/events"): EVERYBODY,
    ("GET", "/boundary"): EVERYBODY,
    ("GET", "/reviews/results"): EVERYBODY,
    ("GET", "/reviews"): REVIEWERS,
    ("POST", "/reviews/claim"): REVIEWERS,
    ("POST", "/reviews/hand-back"): REVIEWERS,
    ("POST", "/reviews/renew"): REVIEWERS,
    ("GET", "/reviews/samples/<int:number>"): REVIEWERS,
    ("POST", "/reviews/samples/<int:number>/score"): REVIEWERS,
    ("POST", "/reviews/samples/<int:number>/skip"): REVIEWERS,
    ("GET", "/first-run"): EVERYBODY,
    ("POST", "/first-run"): WRITERS,
    ("GET", "/first-run/arrived"): EVERYBODY,
    ("GET", "/came-in"): EVERYBODY,
    ("GET", "/events/export"): EVERYBODY,
    ("POST", "/events/export"): EVERYBODY,
    ("GET", "/exports"): EVERYBODY,
    ("GET", "/exports/<slug>"): EVERYBODY,
    ("GET", "/exports/figures/<slug>"): EVERYBODY,
    ("GET", "/views"): EVERYBODY,
    ("POST", "/views"): EVERYBODY,
    ("GET", "/views/menu"): EVERYBODY,
    ("POST", "/views/<int:number>"): EVERYBODY,
    ("GET", "/policies"): EVERYBODY,
    ("GET", "/policies/<slug>"): EVERYBODY,
    ("GET", "/policies/<slug>/route"): EVERYBODY,
    ("POST", "/policies/<slug>/route/request"): WRITERS,
    ("POST", "/policies/<slug>/route/withdraw"): WRITERS,
    ("POST", "/policies/<slug>/route/approve"): REVIEWERS,
    ("POST", "/policies/<slug>/route/reject"): REVIEWERS,
    ("POST", "/policies/<slug>/route/suspend"): REVIEWERS,
    ("GET", "/audit"): {"admin"},
    ("POST", "/audit/export"): {"admin"},
    ("GET", "/policies/<slug>/edit"): WRITERS,
    ("POST", "/policies/<slug>/edit"): WRITERS,
    ("GET", "/new-policy"): WRITERS,
    ("POST", "/new-policy"): WRITERS,
    ("GET", "/models"): EVERYBODY,
    ("GET", "/models/edit"): WRITERS,
    ("POST", "/models/edit"): WRITERS,
    ("GET", "/keys"): WRITERS,
    ("GET", "/keys/new"): WRITERS,
    ("POST", "/keys/new"): WRITERS,
    ("GET", "/keys/<slug>"): WRITERS,
    ("POST", "/keys/<slug>/rotate"): WRITERS,
    ("POST", "/keys/<slug>/revoke"): WRITERS,
    ("GET", "/people"): {"admin"},
    ("GET", "/people/invite"): {"admin"},
    ("POST", "/people/invite"): {"admin"},
    ("POST", "/people/invite/<int:number>/withdraw"): {"admin"},
    ("GET", "/people/<int:number>"): {"admin"},
    ("POST", "/people/<int:number>/roles"): {"admin"},
    ("POST", "/people/<int:number>/deactivate"): {"admin"},
    ("POST", "/people/<int:number>/reactivate"): {"admin"},
    ("POST", "/people/<int:number>/reset"): {"admin"},
    ("POST", "/people/<int:number>/reset/withdraw"): {"admin"},
    ("GET", "/reset/<text:token>"): OPEN,
    ("POST", "/reset/<text:token>"): OPEN,
    ("GET", "/invited/<text:token>"): OPEN,
    ("POST", "/invited/<text:token>"): OPEN,
    ("GET", "/login"): OPEN,
    ("POST", "/login"): OPEN,
    ("GET", "/login/code"): OPEN,
    ("POST", "/login/code"): OPEN,
    ("GET", "/login/passkey"): OPEN,
    ("POST", "/login/passkey"): OPEN,
    ("POST", "/login/provider"): OPEN,
    ("GET", "/login/provider/back"): OPEN,
    ("GET", "/account"): SIGNED_IN,
    ("GET", "/account/password"): SIGNED_IN,
    ("POST", "/account/password"): SIGNED_IN,
    ("GET", "/account/again"): SIGNED_IN,
    ("POST", "/account/again"): SIGNED_IN,
    ("GET", "/account/again/code"): SIGNED_IN,
    ("POST", "/account/again/code"): SIGNED_IN,
    ("GET", "/account/again/passkey"): SIGNED_IN,
    ("POST", "/account/again/passkey"): SIGNED_IN,
    ("POST", "/account/again/provider"): SIGNED_IN,
    ("GET", "/account/app"): SIGNED_IN,
    ("POST", "/account/app"): SIGNED_IN,
    ("GET", "/account/app/remove"): SIGNED_IN,
    ("POST", "/account/app/remove"): SIGNED_IN,
    ("GET", "/account/passkeys"): SIGNED_IN,
    ("POST", "/account/passkeys"): SIGNED_IN,
    ("GET", "/account/passkeys/<int:number>/remove"): SIGNED_IN,
    ("POST", "/account/passkeys/<int:number>/remove"): SIGNED_IN,
    ("GET", "/account/recovery-codes"): SIGNED_IN,
    ("POST", "/account/recovery-codes"): SIGNED_IN,
    ("POST", "/account/provider"): SIGNED_IN,
    ("POST", "/account/sessions/<int:number>/end"): SIGNED_IN,
    ("POST", "/account/sessions/end-others"): SIGNED_IN,
    ("GET", "/healthz"): OPEN,
    ("GET", "/readyz"): OPEN,
    ("GET", "/metrics"): {"metrics:read"},
    ("GET", "/operations"): {"admin"},
    ("POST", "/operations/kept-aside/<int:number>/again"): {"admin"},
    ("POST", "/operations/kept-aside/<int:number>/discard"): {"admin"},
    ("GET", "/api/schema"): EVERYBODY,
    ("GET", "/api/docs"): EVERYBODY,
    ("GET", "/api/v1/rates"): {"rates:read"},
    ("GET", "/api/v1/states"): {"rates:read"},
    ("GET", "/api/v1/events"): {"events:read"},
    ("POST", "/api/v1/events"): {"events:write"},
    ("POST", "/api/v1/traffic"): {"traffic:write"},
    ("GET", "/api/v1/keys"): {"keys:manage"},
    ("POST", "/api/v1/keys"): {"keys:manage"},
    ("GET", "/api/v1/keys/<text:prefix>"): {"keys:manage"},
    ("DELETE", "/api/v1/keys/<text:prefix>"): {"keys:manage"},
    ("POST", "/api/v1/keys/<text:prefix>/rotate"): {"keys:manage"},
    ("GET", "/api/v1/models"): {"policy:read"},
    ("GET", "/api/v1/models/<text:name>"): {"policy:read"},
    ("PUT", "/api/v1/models/<text:name>"): {"policy:write"},
    ("GET", "/api/v1/policies"): {"policy:read"},
    ("GET", "/api/v1/policies/<text:workload>"): {"policy:read"},
    ("PUT", "/api/v1/policies/<text:workload>"): {"policy:write"},
    ("POST", "/api/v1/decisions"): {"policy:read"},
    ("POST", "/api/v1/verifications"): {"verifications:write"},
    # Last: it ends the visit.
    ("POST", "/logout"): SIGNED_IN,
}
# What is shown there is asked back: it lies in the session of who looks, and nowhere else.
CHALLENGES = {"/account/app", "/account/passkeys"}
# Of nothing that there is: session 1 may be the visitor's own, and would end with the visit.
NOBODYS = "999999"
VISITORS = ["signed out", "nobody", *ROLES, *SCOPES, "revoked"]
# Besides asking what an address takes (OPTIONS), and HEAD, which is a GET without its body.
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND")
SENT_BY_PAGES = [door for door in DOORS if door[0] != "GET" and not door[1].startswith("/api/")]
SENT_BY_KEYS = [door for door in DOORS if door[0] != "GET" and door[1].startswith("/api/")]


def addresses(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    for part in resolver.url_patterns:
        if isinstance(part, URLResolver):
            yield from addresses(part, prefix + str(part.pattern))
        elif isinstance(part, URLPattern):
            for pattern in spelled(prefix + str(part.pattern)):
                plain = re.sub(r"\(\?P(<\w+>)[^)]*\)", r"\1", pattern).strip("^$")
                yield "/" + plain.replace("<workload:slug>", "<slug>").replace("<any_workload:", "<text:")


def spelled(pattern: str) -> list[str]:
    """Return an address with each of the words that it may hold."""
    words = re.search(r"\(\?P<\w+>((?:[a-z]+\|)+[a-z]+)\)", pattern)
    return [pattern.replace(words[0], word) for word in words[1].split("|")] if words else [pattern]


def test_every_address_has_a_row_and_every_row_an_address() -> None:
    assert {*addresses(get_resolver()), *DIRECT} == {path for _, path in DOORS}


def visit(visitor: str, person: Person) -> Client:
    """Return the browser or service of a visitor."""
    if visitor == "signed out":
        return Client()
    if visitor in SIGNED_IN:
        return person(*([visitor] if visitor in ROLES else []))
    person("engineer")
    text = key_ring.make("a service", [visitor] if visitor in SCOPES else list(SCOPES), owner=User.objects.get())
    if visitor == "revoked":
        ApiKey.objects.update(revoked_at=timezone.now())
    return Client(headers={"authorization": f"Bearer {text}"})


@pytest.mark.parametrize("visitor", VISITORS)
def test_each_door_opens_to_those_of_its_row_and_nobody_else(visitor: str, person: Person) -> None:
    client = visit(visitor, person)
    opened = {door for door in DOORS if lets_in(client, *door)}
    anybody = {door for door, visitors in DOORS.items() if "signed out" in visitors}
    # A key is no session: to pages its bearer is signed out.
    assert opened == {door for door, visitors in DOORS.items() if visitor in visitors} | anybody


@pytest.mark.parametrize("visitor", ["signed out", "admin", "every scope"])
def test_no_address_takes_a_method_that_has_no_row(visitor: str, person: Person) -> None:
    client = visit(visitor, person)
    without = [
        (method, path) for path in {path for _, path in DOORS} for method in METHODS if (method, path) not in DOORS
    ]
    assert [door for door in without if lets_in(client, *door, shut=(401, 403, 405))] == []


def lets_in(client: Client, method: str, path: str, shut: Container[int] = (401, 403)) -> bool:
    answer: Any = client.generic(method, of_nothing(path), b"{}", content_type="application/json")
    return not (answer.status_code in shut or leads_to_login(answer))


def leads_to_login(answer: Any) -> bool:
    return answer.status_code == 302 and "next=" in answer["Location"]


def of_nothing(path: str) -> str:
    return path.replace("<slug>", "none").replace("<int:number>", NOBODYS)


@pytest.mark.parametrize(("method", "path"), SENT_BY_PAGES)
def test_a_form_of_another_site_is_refused(person: Person, method: str, path: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = person("admin").cookies
    answer: Any = strict.generic(method, of_nothing(path), headers={"origin": "https://elsewhere.example"})
    assert (answer.status_code, "This form is no longer good" in answer.text) == (403, True)


@pytest.mark.parametrize(("method", "path"), SENT_BY_KEYS)
def test_a_session_is_no_key(person: Person, method: str, path: str) -> None:
    answer: Any = person("admin").generic(method, of_nothing(path), b"{}", content_type="application/json")
    assert answer.status_code == 401


@pytest.fixture
def things(person: Person) -> tuple[Client, Client, dict[str, str]]:
    """An admin, a service with all scopes, and addresses of something that there is, by the pattern of each."""
    admin = person("admin")
    user = User.objects.get(username="admin")
    reviews.policy()
    sample = reviews.sampled()[0]
    text = key_ring.make("a service", list(SCOPES), owner=user)
    prefix = key_ring.prefix_of(text)
    export = Export.objects.create(
        owner=user, what="events", start=sample.occurred_at, end=sample.occurred_at, format="csv", query="", total=1
    )
    there = {
        "/workloads/<slug>": "/workloads/support-chat",
        "/reviews/samples/<int:number>": f"/reviews/samples/{sample.pk}",
        "/came-in": f"/came-in?since={quote(sample.occurred_at.isoformat())}",
        "/first-run/arrived": f"/first-run/arrived?watch={signing.dumps(asdict(opened('none')))}",
        "/exports/<slug>": f"/exports/{export.pk}",
        "/exports/figures/<slug>": "/exports/figures/overview",
        "/policies/<slug>": "/policies/support-chat",
        "/policies/<slug>/route": "/policies/support-chat/route",
        "/policies/<slug>/edit": "/policies/support-chat/edit",
        "/keys/<slug>": f"/keys/{prefix}",
        "/people/<int:number>": f"/people/{user.pk}",
        "/reset/<text:token>": f"/reset/{resets.make(reviews.reviewer('dana').pk, user).token}",
        "/invited/<text:token>": f"/invited/{members.invite(user, ['viewer']).token}",
        "/api/v1/keys/<text:prefix>": f"/api/v1/keys/{prefix}",
        "/api/v1/models/<text:name>": "/api/v1/models/premium-chat",
        "/api/v1/policies/<text:workload>": "/api/v1/policies/support-chat",
    }
    return admin, Client(headers={"authorization": f"Bearer {text}"}), there


def test_a_get_changes_nothing(things: tuple[Client, Client, dict[str, str]]) -> None:
    admin, service, there = things
    written = {}
    for path in [path for method, path in DOORS if method == "GET"]:
        client = service if path.startswith("/api/v1/") or path == "/metrics" else admin
        with CaptureQueriesContext(connection) as queries:
            answer = client.get(there.get(path, of_nothing(path)))
        assert answer.status_code in WITHOUT_AN_ANSWER.get(path, (200, 302)), path
        if found := [sql for query in queries if is_change(sql := query["sql"], path)]:
            written[path] = found
    assert written == {}


# Of those that have nothing to say to an admin who has neither passkey nor app, and where no provider is.
WITHOUT_AN_ANSWER = {
    "/login/provider/back": (404,),
    "/account/app/remove": (404,),
    "/account/passkeys/<int:number>/remove": (404,),
    "/readyz": (200, 503),
    # The address of before, which may stand in a bookmark.
    "/violations/events": (301,),
}


def is_change(sql: str, path: str) -> bool:
    """Tell whether a statement writes. A transaction by itself changes nothing; when a key was last used is kept."""
    said = sql.lstrip(" \n(").replace('"', "")
    if path in CHALLENGES and said.startswith("UPDATE django_session"):
        return False
    return not said.startswith(
        ("SELECT", "WITH", "BEGIN", "COMMIT", "SET TRANSACTION", "UPDATE api_key SET last_used_at")
    )
