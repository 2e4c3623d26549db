"""Policies and models as people read and write them: plain words, versions, refusals, and nothing lost."""

import json
import random
import re
from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from html import unescape
from typing import Any

import psycopg
import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client

from dashboard.policies import form as policy_form
from dashboard.policies import rehearsal, typed
from dashboard.policies.model_form import FIELDS as OF_MODELS
from fallbacks import catalogue, policies, rulebook, versions
from fallbacks.canonical import model_json, policy_json
from fallbacks.drafts import policy_draft
from fallbacks.judging import FACTS
from fallbacks.models import CatalogueModel, Enablement, Event, PolicyVersion, Verification
from fallbacks.plaindata import policy_from
from fallbacks.policy import Policy
from fallbacks.recording import record
from fallbacks.verdict import Facts, judge, mask
from tests.conftest import Person
from tests.dashboard import stage
from tests.dashboard.stage import SUPPORT, shown, text_of
from tests.make import NOON, event
from tests.policy import on_the_way as way
from tests.policy.policies import DEMO, MODELS, Json

PAGE, EDIT, NEW = "/policies/support-chat", "/policies/support-chat/edit", "/new-policy"
MOST_QUERIES = 12
no_memory = stage.no_memory
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.fixture
def models(database: None) -> None:
    stage.put_models()


@pytest.fixture
def policy(models: None) -> None:
    stage.put_policy()


@pytest.fixture
def engineer(database: None, person: Person) -> Client:
    return person("engineer")


def form_of(body: Json, made_from: int = 1, **typed_in: Any) -> dict[str, Any]:
    """What a browser sends of the form of a policy, with some fields as somebody typed them."""
    names = policy_form.fields(policy_form.sections(catalogue.models()))
    sent = typed.typed_of(names, policy_json(policy_from(body)))
    typed_in = {name.replace("__", "."): value for name, value in typed_in.items()}
    return {"made_from": str(made_from), **{name: list(values) for name, values in sent.items()}, **typed_in}


def save(client: Client, path: str = EDIT, **over: Any) -> Any:
    return client.post(path, {"do": "save", **over})


def latest(workload: str = "support-chat") -> Policy:
    stored = versions.latest(workload)
    assert stored is not None
    return stored.policy


# All policies


def test_the_list_shows_each_policy_with_its_route_and_what_broke_it(viewer: Client, models: None) -> None:
    for body in DEMO[:2]:
        stage.put_policy(**body)
    stage.enable()
    record([event(user_notified=False, tier="pro"), event(user_notified=True), event(workload="news")])
    text = shown(viewer, "/policies")
    assert "2 workloads have a policy, which 1 event broke in the last 7 days. news has none." in text
    assert "support-chat team-support-chat premium-chat → baseline-chat on paid tiers Enabled 0 of 2 v1" in text
    assert "1 of 2" in text
    assert "never, no user sees it Proposed 0 of 1 v1" in text
    assert "news 1 event, 1 of them violations" in text


def test_the_age_of_a_verification_is_told(viewer: Client, policy: None) -> None:
    for days, shape in ((3, "chat"), (9, "chat-tools")):
        one = Verification.objects.create(
            workload=PolicyVersion.objects.get().workload,
            name=shape,
            primary="premium-chat",
            fallback="baseline-chat",
            payload_class=shape,
            passed=True,
            sent_by="ci",
        )
        Verification.objects.filter(pk=one.pk).update(received_at=NOON - timedelta(days=days))
    CatalogueModel.objects.update(reshaped_at=NOON - timedelta(days=20))
    PolicyVersion.objects.update(since=NOON - timedelta(days=20))
    assert "Verified 2 of 2, the oldest 9 days ago" in shown(viewer, "/policies")
    text = shown(viewer, PAGE)
    assert "Verified The route is verified, and not enabled for users yet." in text
    assert re.search(r"chat passed 3 days ago .* by ci chat-tools passed 9 days ago", text)


def test_without_any_policy_the_list_says_what_to_do(viewer: Client, engineer: Client) -> None:
    text = shown(viewer, "/policies")
    assert "No workload has a policy yet." in text
    assert "manage.py apply_policies FILE" in text
    assert "Write the first policy" not in text
    assert "Write the first policy" in shown(engineer, "/policies")


# One policy


def test_one_policy_is_told_in_plain_words(viewer: Client, policy: None) -> None:
    text = shown(viewer, PAGE)
    assert (
        "When premium-chat times out, is overloaded, is unavailable or has a server error, baseline-chat may answer."
        " Users on enterprise and pro are told: “A simpler model answered, because the usual one is not available.”"
    ) in text
    assert "Policy v1 of support-chat, in force since" in text
    assert "Needs a backoff A rate limit never falls back" in text
    assert "Boundaries the pair crosses none that is known" in text
    assert "Degraded when more than 1 % of its requests are answered by a fallback, over 5 minutes together" in text
    assert "Escape hatch Point the gateway at the second vendor." in text
    assert "Proposed The route is not verified" in text
    assert "quota is not named by the policy" in text
    assert "context_length the payload must be fixed" in text
    assert "There is one version." in text


def test_who_changed_what_and_when(viewer: Client, policy: None) -> None:
    stage.put_policy("ines", min_attempts=3, owner="us")
    stage.put_policy("tomas", min_attempts=3, owner="us", triggers=["timeout"])
    text = shown(viewer, PAGE)
    assert re.search(r"v3 by tomas, \S+: changed Triggers\. v2 by ines", text)
    assert re.search(
        r"v2 by ines, \S+: changed Owner, Tries before a rate limit may fall back\. Compare with now", text
    )
    assert re.search(r"v1 by dana, \S+: the first version\.", text)


def test_any_two_versions_are_compared_field_by_field(viewer: Client, policy: None) -> None:
    stage.put_policy("ines", min_attempts=3)
    stage.put_policy("tomas", min_attempts=3, triggers=["timeout"])
    text = shown(viewer, PAGE)
    assert "Triggers triggers overloaded, server_error, timeout, unavailable timeout" in text
    assert "min_attempts 2 3" not in text
    text = shown(viewer, PAGE, **{"from": "1", "to": "3"})
    assert "v1, by dana v3, by tomas" in text
    assert "Tries before a rate limit may fall back min_attempts 2 3" in text
    assert "min_attempts 3 2" in shown(viewer, PAGE, **{"from": "3", "to": "1"})
    assert "Version 2 and version 2 say the same." in shown(viewer, PAGE, **{"from": "2", "to": "2"})
    assert "Triggers triggers" in shown(viewer, PAGE, **{"from": "bananas", "to": "99"})


def test_a_workload_without_a_policy_says_so_and_an_unknown_one_is_not_found(viewer: Client) -> None:
    record([event(workload="news")])
    assert "news has no policy" in shown(viewer, "/policies/news")
    assert viewer.get("/policies/nobody").status_code == 404


# Who may write


def test_who_may_not_write_sees_no_button_and_is_told_whom_to_ask(viewer: Client, policy: None) -> None:
    text = shown(viewer, PAGE)
    assert "To change it, ask an admin, or for the role engineer." in text
    assert "Edit" not in text
    assert "New model" not in shown(viewer, "/models")


def test_engineers_are_named(viewer: Client, engineer: Client, person: Person, policy: None) -> None:
    assert "To change it, ask engineer." in shown(viewer, PAGE)
    for role in ("reviewer", "viewer", "admin"):
        person("engineer", role)
    get_user_model().objects.filter(username="engineer").update(first_name="Ines", last_name="Moreau")
    assert re.search(r"ask an engineer, such as Ines Moreau, [\w-]+ and [\w-]+\.", shown(viewer, PAGE))
    assert "Edit" in shown(engineer, PAGE)


@pytest.mark.parametrize("roles", [(), ("viewer",), ("reviewer",), ("viewer", "reviewer")])
@pytest.mark.parametrize("path", [EDIT, NEW, "/models/edit"])
def test_who_may_not_write_is_refused(person: Person, policy: None, roles: tuple[str, ...], path: str) -> None:
    client = person(*roles)
    assert client.get(path).status_code == 403
    sent = form_of(SUPPORT, owner="me")
    assert client.post(path, {"do": "save", "workload": "x", "name": "premium-chat", **sent}).status_code == 403
    assert PolicyVersion.objects.count() == 1
    assert latest().owner == "team-support-chat"


@pytest.mark.parametrize("path", [EDIT, NEW, "/models/edit"])
def test_a_form_of_another_site_is_refused(engineer: Client, policy: None, path: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = engineer.cookies
    assert strict.post(path, {"do": "save", **form_of(SUPPORT)}).status_code == 403


# Writing


def test_the_form_shows_what_is_there_and_saves_a_new_version(engineer: Client, policy: None) -> None:
    page = engineer.get(EDIT).content.decode()
    assert 'name="owner" value="team-support-chat"' in page
    assert 'name="made_from" value="1"' in page
    answer = save(engineer, **form_of(SUPPORT, owner="us", review__pass_rate="92.5"))
    assert (answer.status_code, answer.headers["Location"]) == (302, PAGE)
    assert latest() == policy_from(SUPPORT | {"owner": "us", "review": SUPPORT["review"] | {"pass_rate": 0.925}})
    assert "Version 2 is saved, and in force from now on." in shown(engineer, PAGE)
    assert versions.history("support-chat")[0].made_by == "engineer"


def test_what_says_the_same_is_no_new_version(engineer: Client, policy: None) -> None:
    save(engineer, **form_of(SUPPORT))
    assert PolicyVersion.objects.count() == 1
    assert "Nothing was changed: version 1 says the same." in shown(engineer, PAGE)


def test_each_refusal_stands_beside_its_field(engineer: Client, policy: None) -> None:
    sent = form_of(SUPPORT, fallback="claude-chat", notice="never", min_attempts="many", message=HOSTILE)
    answer = save(engineer, **sent)
    page = answer.content.decode()
    for field, reason in (
        ("fallback", "claude-chat is of another API family than premium-chat."),
        ("notice", "Users of enterprise, pro paid for a specific service"),
        ("min_attempts", "It must be a whole number."),
    ):
        place = page[page.index(f'id="field-{field}"') :]
        assert reason in place[: place.index('id="field-', 10)]
        assert f'href="#field-{field}"' in page
    # What was typed is still there, and harmless.
    assert 'name="min_attempts" value="many"' in page
    assert "&lt;img src=x" in page
    assert "<img" not in page
    assert PolicyVersion.objects.count() == 1


def test_a_first_policy_is_written_from_a_draft_that_traffic_suggested(engineer: Client, models: None) -> None:
    record([event(workload="news", primary="home", fallback="bananas")])
    link = f"{NEW}?workload=news&primary=home&fallback=bananas&triggers=timeout&triggers=overloaded"
    page = engineer.get(link).content.decode()
    assert 'value="news"' in page
    assert '<option value="home" selected>' in page
    assert '<option value="bananas" selected>bananas (not known)</option>' in page
    assert page.count('name="triggers"') == 11
    assert len(re.findall(r'name="triggers" value="(\w+)" checked', page)) == 2
    sent = form_of(SUPPORT, made_from=0, workload="news", primary="home", fallback="bananas")
    assert "bananas is not in the catalogue." in text_of(save(engineer, NEW, **sent).content)
    answer = save(engineer, NEW, **(sent | {"fallback": "same-same"}))
    assert answer.headers["Location"] == "/policies/news"
    assert latest("news").fallback == "same-same"


def test_a_name_that_is_none_is_refused_at_its_field(engineer: Client, models: None) -> None:
    page = text_of(save(engineer, NEW, **form_of(SUPPORT, made_from=0, workload="Support Chat")).content)
    assert "'Support Chat' is not a slug" in page
    assert "It holds U+0000" in text_of(save(engineer, NEW, **form_of(SUPPORT, 0, workload="a\0b")).content)
    assert not PolicyVersion.objects.exists()


def test_a_workload_without_a_policy_is_edited_as_a_new_one(engineer: Client, models: None) -> None:
    assert engineer.get("/policies/news/edit").headers["Location"] == "/new-policy?workload=news"


def test_without_a_model_the_form_says_what_comes_first(engineer: Client) -> None:
    assert "The catalogue has no model yet." in shown(engineer, NEW)


def test_another_pair_closes_the_route_and_is_said(engineer: Client, policy: None) -> None:
    stage.enable()
    sent = form_of(SUPPORT, payload_classes=["chat"])
    assert "This is another route." in text_of(engineer.post(EDIT, {"do": "check", **sent}).content)
    save(engineer, **sent)
    assert "Its route was closed to users" in shown(engineer, PAGE)
    assert Enablement.objects.filter(until=None).count() == 0


# Two at once


def test_what_somebody_saved_meanwhile_is_shown_and_nothing_is_lost(engineer: Client, policy: None) -> None:
    stage.put_policy("ines", triggers=["timeout"], message="Theirs.")
    answer = save(engineer, **form_of(SUPPORT, owner="us", message="Mine."))
    text, page = text_of(answer.content), answer.content.decode()
    assert "Not saved: ines saved version 2 meanwhile" in text
    assert PolicyVersion.objects.count() == 2
    # Theirs where nothing was typed here, mine where something was.
    assert re.findall(r'name="triggers" value="(\w+)" checked', page) == ["timeout"]
    assert "Mine.</textarea>" in page
    assert 'name="made_from" value="2"' in page
    assert "Triggers triggers overloaded, server_error, timeout, unavailable timeout" in text
    assert "What they are told message Theirs. Mine." in text
    assert "Owner owner team-support-chat us" in text
    again = form_of(SUPPORT, made_from=2, owner="us", message="Mine.", triggers=["timeout"])
    assert save(engineer, **again).status_code == 302
    assert (latest().owner, latest().message, latest().triggers) == ("us", "Mine.", frozenset({"timeout"}))


def test_a_first_policy_that_somebody_wrote_before_is_shown_too(engineer: Client, policy: None) -> None:
    text = text_of(save(engineer, NEW, **form_of(SUPPORT, 0, workload="support-chat", owner="us")).content)
    assert "Not saved: dana saved version 1 of support-chat before" in text
    assert "Owner owner team-support-chat us" in text
    assert latest().owner == "team-support-chat"


def test_two_changes_that_do_not_go_together_are_refused_and_shown(engineer: Client, policy: None) -> None:
    stage.put_policy("ines", notice="never", paid_tiers=[], message="")
    answer = save(engineer, **form_of(SUPPORT, paid_tiers="gold"))
    text = text_of(answer.content)
    assert "Not saved: ines saved version 2 meanwhile" in text
    assert "The two together cannot be used: see what is marked below." in text
    assert "Users of gold paid for a specific service" in text


# Before saving


def check(client: Client, **over: Any) -> str:
    return text_of(client.post(EDIT, {"do": "check", **form_of(SUPPORT, **over)}).content)


def test_a_check_tells_what_the_draft_would_have_meant_and_stores_nothing(engineer: Client, policy: None) -> None:
    stage.enable()
    usual: dict[str, Any] = {"tier": "pro", "payload_class": "chat", "user_notified": True}
    record(
        [
            *(event(**usual) for _ in range(5)),
            *(event(**usual, status="402") for _ in range(2)),
            *(event(**usual | {"tier": "free", "user_notified": False}) for _ in range(3)),
            event(**usual, occurred_at=NOON - timedelta(days=8)),
        ]
    )
    text = check(engineer, triggers=["quota", "timeout"], notice="always")
    assert "8 events would now be violations, and 2 would be none any more, of 10 in the last 7 days" in text
    assert "2 of which are violations as they were judged" in text
    assert "entitlement 0 −2 trigger_not_allowed +8 0 silent +3 0" in text
    assert "Users are told notice paid always" in text
    assert PolicyVersion.objects.count() == 1
    assert "Nothing would have been judged otherwise: 2 of 10 events" in check(engineer, owner="us")


def test_a_check_without_events_says_so(engineer: Client, policy: None) -> None:
    assert "No event in the last 7 days, so the draft would have judged nothing." in check(engineer, owner="us")
    assert "The draft says the same as version 1." in check(engineer)


def test_a_check_of_a_draft_that_is_refused_says_why(engineer: Client, policy: None) -> None:
    text = check(engineer, primary="")
    assert "It is required." in text
    assert "would" not in text.split("Before you save")[1]


def brute(draft: Policy, book: rulebook.Rulebook) -> Iterator[tuple[int, int]]:
    """Each event by itself: its rules as judged, and by the draft."""
    for one in Event.objects.all():
        facts = Facts(
            **{name: getattr(one, name) for name in FACTS}, provider_features=frozenset(one.provider_features or ())
        )
        enabled = book.is_enabled("support-chat", one.primary, one.fallback, one.occurred_at)
        yield one.rules, mask(judge(facts, draft, book.models, enabled=enabled).rules)


def test_groups_tell_the_same_as_each_event_by_itself(policy: None) -> None:
    stage.enable()
    # Closed and opened again: whether a route was enabled depends on the time.
    with rulebook.changing():
        Enablement.objects.update(until=NOON - timedelta(hours=30))
    way.enable(since=NOON)
    values: Mapping[str, tuple[Any, ...]] = {
        "status": ("529", "402", "429", "429", "400", "timeout"),
        "tier": ("pro", "free", None),
        "user_notified": (True, True, False, None),
        "user_visible": (None, True, False),
        "fallback": ("baseline-chat", "baseline-chat", "bare"),
        "attempts": (1, 2),
        "provider_features": (None, None, ["logprobs"], ["beta"]),
        "payload_class": ("chat", None, "image"),
        "outcome": ("served", "served", "failed", "blocked"),
        "occurred_at": tuple(NOON - timedelta(hours=hours) for hours in (1, 20, 40, 100)),
    }
    dice = random.Random(7)
    record([event(**{name: dice.choice(each) for name, each in values.items()}) for _ in range(600)])
    book = rulebook.recent()
    body = SUPPORT | {"triggers": ["timeout", "rate_limit"], "notice": "always", "fallback": "baseline-chat"}
    draft = policy_draft(body, "support-chat", book.models)
    told = rehearsal.rehearse("support-chat", draft, book, NOON + timedelta(hours=1))
    each = list(brute(draft, book))
    assert told.events == len(each) == 600
    assert told.become == sum(1 for was, would in each if would and not was) > 0
    assert told.cease == sum(1 for was, would in each if was and not would) > 0
    for change in told.changes:
        bit = mask([change.rule])
        assert change.more == sum(1 for was, would in each if would & ~was & bit)
        assert change.fewer == sum(1 for was, would in each if was & ~would & bit)
    assert {"no_backoff", "trigger_not_allowed", "silent"} <= {change.rule for change in told.changes}


def test_too_many_events_to_tell_in_time_is_said(
    engineer: Client, policy: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    record([event(status="500"), event(status="529")])
    monkeypatch.setattr(rehearsal, "PATIENCE", "50ms")
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": psycopg.Cursor}) as other:
        other.execute("LOCK TABLE event IN ACCESS EXCLUSIVE MODE")
        text = check(engineer, owner="us")
        other.rollback()
    assert "There are too many events to tell in time." in text
    assert "Owner owner team-support-chat us" in text
    monkeypatch.setattr(rehearsal, "PATIENCE", "5s")
    monkeypatch.setattr(rehearsal, "MOST_GROUPS", 1)
    assert "There are too many events to tell in time." in check(engineer, owner="us")


# Models


def model_form(name: str, is_new: bool = False, **over: Any) -> dict[str, Any]:
    """What a browser sends of the form of a model."""
    found = catalogue.find(name)
    body = model_json(found) if found else {}
    written = {key: list(values) for key, values in typed.typed_of(OF_MODELS, body).items()}
    return {"name": name, "made_from": json.dumps({} if is_new else body), **written, **over} | (
        {"is_new": "1"} if is_new else {}
    )


def test_the_catalogue_is_listed_with_the_policies_that_name_each(viewer: Client, policy: None) -> None:
    text = shown(viewer, "/models")
    assert "21 models are in the catalogue, 19 of them in no policy." in text
    assert "baseline-chat provider-of-openai-chat openai-chat chat, chat-tools logprobs eu main" in text
    assert "$2.50 · $0.25 · $10.00 support-chat" in text
    assert re.search(r"bare provider-of-openai-chat openai-chat chat none not known not known not known none", text)


def test_without_a_model_the_catalogue_says_what_to_do(viewer: Client, engineer: Client) -> None:
    assert "The catalogue has no model yet." in shown(viewer, "/models")
    assert "Put in the first model" in shown(engineer, "/models")


def test_a_model_is_put_in_and_changed(engineer: Client, models: None) -> None:
    name = "azure/gpt-4o & more"
    sent = model_form(
        name, True, provider="azure", family="openai-chat", request_shapes="chat, json", input_price="2.50"
    )
    assert engineer.post("/models/edit", sent).headers["Location"] == "/models"
    assert "azure/gpt-4o & more is saved." in shown(engineer, "/models")
    link = re.search(r'href="(/models/edit\?name=azure[^"]+)"', engineer.get("/models").content.decode())
    assert link is not None
    page = engineer.get(link[1]).content.decode()
    assert 'value="chat, json"' in page
    engineer.post("/models/edit", model_form(name, features="beta", data_region=""))
    found = catalogue.find(name)
    assert found is not None
    assert (found.features, found.data_region, found.input_price) == (frozenset({"beta"}), None, Decimal("2.5"))
    assert CatalogueModel.objects.get(name=name).updated_by == "engineer"


def test_a_model_that_is_refused_says_why_at_each_field(engineer: Client, models: None) -> None:
    sent = model_form("premium-chat", family="", request_shapes="Chat Tools", input_price="cheap")
    answer = engineer.post("/models/edit", sent)
    text = text_of(answer.content)
    assert "Write 1 to 128 characters." in text
    assert "'Chat Tools' is not a slug" in text
    assert "It must be a decimal number from 0." in text
    assert 'value="cheap"' in answer.content.decode()
    assert "Not saved. Name" in text_of(engineer.post("/models/edit", model_form("", True)).content)
    assert engineer.get("/models/edit", {"name": "nobody"}).status_code == 404


def test_a_model_that_somebody_changed_meanwhile_is_shown(engineer: Client, models: None) -> None:
    sent = model_form("premium-chat", billing_account="mine")
    catalogue.put("premium-chat", MODELS["premium-chat"] | {"data_region": "us"}, "ines")
    answer = engineer.post("/models/edit", sent)
    text = text_of(answer.content)
    assert "Not saved: somebody changed it meanwhile." in text
    assert "Data region data_region eu us" in text
    assert "Billing account billing_account main mine" in text
    assert catalogue.models()["premium-chat"].data_region == "us"
    base = re.search(r'name="made_from" value="([^"]+)"', answer.content.decode())
    assert base is not None
    engineer.post("/models/edit", sent | {"made_from": unescape(base[1])})
    assert catalogue.models()["premium-chat"].billing_account == "mine"


def test_a_new_model_of_a_name_that_is_taken_is_not_saved_over_it(engineer: Client, models: None) -> None:
    sent = model_form("premium-chat", True, family="mine")
    assert "Not saved: premium-chat is in the catalogue already." in text_of(
        engineer.post("/models/edit", sent).content
    )
    assert catalogue.models()["premium-chat"].family == "openai-chat"


def test_a_change_that_closes_routes_says_which(engineer: Client, policy: None) -> None:
    stage.enable()
    engineer.post("/models/edit", model_form("baseline-chat", request_shapes="chat, chat-tools, json"))
    assert "The routes of support-chat were closed to users." in shown(engineer, "/models")


# Frame


@pytest.mark.parametrize("path", ["/policies", PAGE, EDIT, NEW, "/models", "/models/edit?name=premium-chat"])
def test_no_page_asks_much_of_the_database(engineer: Client, policy: None, path: str) -> None:
    few = stage.asked_of_the_database(engineer, path)
    for body in DEMO:
        stage.put_policy(**body)
    for n in range(5):
        stage.put_policy(min_attempts=n + 3)
    record([event(workload=f"w{n % 20}") for n in range(200)])
    many = stage.asked_of_the_database(engineer, path)
    assert max(len(few), len(many)) <= MOST_QUERIES, many
    assert not any('"event"' in query for query in many)


@pytest.mark.parametrize("path", ["/policies", PAGE, EDIT, NEW, "/models", "/models/edit"])
def test_whoever_is_signed_out_is_sent_to_the_login(static_files: None, database: None, path: str) -> None:
    assert Client().get(path).headers["Location"] == f"/login?next={path}"
    assert Client().post(path).status_code == 302


@pytest.mark.parametrize("path", ["/policies", PAGE, "/models"])
def test_nothing_can_be_posted_to_what_is_read(engineer: Client, path: str) -> None:
    assert engineer.post(path).status_code == 405


def test_hostile_texts_stay_texts(engineer: Client, models: None) -> None:
    stage.put_policy(HOSTILE, description=HOSTILE, owner=HOSTILE, message=HOSTILE, escape_hatch=HOSTILE)
    stage.put_policy(HOSTILE, description=HOSTILE, owner="us", message=HOSTILE + "!", escape_hatch=HOSTILE)
    catalogue.put(HOSTILE, MODELS["home"] | {"name": HOSTILE, "provider": HOSTILE, "features": [HOSTILE]}, HOSTILE)
    for path in ("/policies", PAGE, EDIT, "/models", f"/models/edit?name={HOSTILE}"):
        page = engineer.get(path).content.decode()
        assert "<script>alert" not in page, path
        assert "<img" not in page, path
    assert policies.difference(None, latest())
