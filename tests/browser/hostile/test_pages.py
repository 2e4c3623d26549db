"""On no page a text is more than a text."""

from urllib.parse import urlsplit

import pytest
from django.urls import resolve

from dashboard.doors import DOORS
from ingest import buffer
from tests import conftest, hostile
from tests.browser.hostile.stage import Stage
from tests.browser.hostile.texts import Texts
from tests.browser.hostile.visitor import Visits, shapes

pytestmark = pytest.mark.usefixtures("database", "stream")


def test_the_texts_are_many_and_each_is_another() -> None:
    assert len(hostile.PAYLOADS) >= 500
    assert all(hostile.PLACES.values())
    assert len(hostile.fitting(64)) >= 300
    assert sum(any(word in each for word in ("alert", "hacked", "evil.example")) for each in hostile.PAYLOADS) >= 400
    assert len({hostile.harmless(each) for each in hostile.PAYLOADS}) == len(hostile.PAYLOADS)


# Doors that lead to no page of their own: machines', files, parts of a page, what only takes something, and a passkey.
NO_PAGES = {
    *("healthz", "readyz", "metrics", "schema", "api", "events", "traffic", "rates", "states", "decisions"),
    *("verifications", "api-models", "api-model", "api-policies", "api-policy"),
    *("api-keys", "api-key", "api-key-rotate"),
    *("came-in", "arrived", "view-menu", "figure-export", "audit-export", "view", "logout"),
    *("session-end", "sessions-end-others", "provider-login", "provider-again", "provider-link"),
    *("key-rotate", "key-revoke", "route-request", "route-withdraw", "route-approve", "route-reject", "route-suspend"),
    *("review-claim", "review-hand-back", "review-renew", "review-score", "review-skip", "try-again", "discard"),
    *("person-roles", "person-deactivate", "person-reactivate", "person-reset", "person-reset-withdraw"),
    *("invitation-withdraw", "mfa_login_webauthn", "mfa_reauthenticate_webauthn"),
}
# Opened by who signs in, in test_typed.
OF_SIGNING_IN = {"login", "account_login", "mfa_authenticate", "openid_connect_callback"}
LIVE = ("events from 0", "overview", "workload", "violations", "results", "queue")


def test_on_no_page_a_text_is_more_than_a_text(visits: Visits) -> None:
    harmless = Stage(Texts(are_harmless=True))
    expected = shapes(harmless, visits)
    conftest.empty()
    buffer.connection().flushall()
    on = Stage(Texts())
    assert on.looks.keys() == harmless.looks.keys()
    wrong: dict[str, list[str]] = {}
    for name, look in on.looks.items():
        visitor = visits(on.clients.get(look.by))
        wrong[name] = visitor.open(look, expected.get(name))
        if name in LIVE:
            wrong[name] += [*visitor.touch_charts(), *visitor.refresh()]
    assert {name: found for name, found in wrong.items() if found} == {}
    opened = {resolve(urlsplit(look.path).path).url_name for look in on.looks.values()}
    assert DOORS.keys() - NO_PAGES - OF_SIGNING_IN == opened
    for kind, most in (("events from", 128), ("event ", 256)):
        shown = {text for name, look in on.looks.items() if name.startswith(kind) for text in look.shows}
        assert shown.issuperset(hostile.fitting(most)), kind
