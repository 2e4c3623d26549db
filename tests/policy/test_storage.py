"""Models and policies in the database: versions, who made them, from when they hold, and what becomes of the route."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection, transaction

from fallbacks import catalogue, enablement, policies, routes, rulebook, verifications, versions
from fallbacks.canonical import Difference, policy_json
from fallbacks.models import CatalogueModel, Enablement, Event, PolicyVersion, Verification, Workload
from fallbacks.not_now import NotNow
from fallbacks.reading import Refused
from fallbacks.recording import record
from fallbacks.rulebook import Rulebook
from tests import make
from tests.policy import on_the_way as way
from tests.policy.policies import MODELS
from tests.policy.stored import SUPPORT, close, put_models, put_support, report, verify
from tests.side_by_side import until_somebody_waits

pytestmark = pytest.mark.usefixtures("database")


def book() -> Rulebook:
    with transaction.atomic():
        return rulebook.current()


def put_model(model: str, **change: Any) -> catalogue.ModelChange:
    return catalogue.put(model, MODELS[model] | change, "tests")


def enable() -> None:
    put_support()
    verify()
    way.enable()


# --- Versions --------------------------------------------------------------------------------------------------------


def test_the_first_policy_of_a_workload_makes_its_version_1_and_the_workload() -> None:
    put_support()
    stored = versions.latest("support-chat")
    assert stored is not None
    assert (stored.version, stored.made_by, stored.workload) == (1, "tests", "support-chat")
    assert policy_json(stored.policy) == SUPPORT | {
        "triggers": sorted(SUPPORT["triggers"]),
        "paid_tiers": ["enterprise", "pro"],
        "review": SUPPORT["review"]
        | {"reviews_required": 1, "due_hours": 72, "enabled_for_days": 90, "auto_suspend": True},
    }
    assert Workload.objects.get().slug == "support-chat"


def test_what_changes_nothing_makes_no_version() -> None:
    put_support()
    again = put_support(triggers=list(reversed(SUPPORT["triggers"])), version=7, enabled=True, models={})
    assert again.differences == []
    assert [stored.version for stored in versions.history("support-chat")] == [1]


def test_versions_follow_each_other_and_say_in_what_they_differ() -> None:
    put_support()
    put_support(notice="always", review=SUPPORT["review"] | {"pass_rate": 0.8})
    newest, oldest = versions.history("support-chat")
    assert (newest.version, oldest.version) == (2, 1)
    assert newest.since > oldest.since
    assert policies.difference(oldest.policy, newest.policy) == [
        Difference("notice", "paid", "always"),
        Difference("review.pass_rate", 0.9, 0.8),
    ]
    assert len(policies.difference(None, oldest.policy)) == 25


def test_an_event_is_judged_by_the_version_in_force_when_it_occurred() -> None:
    put_support()
    between = datetime.now(UTC)
    put_support(triggers=["timeout"])
    after = datetime.now(UTC)
    version_of = {}
    for moment in (between - timedelta(days=1), between, after):
        known = book().in_force("support-chat", moment)
        assert known is not None
        version_of[moment] = known.number
    assert list(version_of.values()) == [1, 1, 2]
    record([make.event(id="before", occurred_at=between), make.event(id="after", occurred_at=after)])
    assert dict(Event.objects.values_list("id", "policy_version")) == {"before": 1, "after": 2}


def test_a_refused_policy_leaves_nothing_behind() -> None:
    put_models("premium-chat")
    with pytest.raises(Refused) as refused:
        policies.put("support-chat", SUPPORT | {"notice": "sometimes"}, "tests")
    assert [problem.field for problem in refused.value.problems] == ["notice", "fallback"]
    assert versions.latest("support-chat") is None
    assert not Workload.objects.exists()


def test_of_two_who_read_the_same_version_one_writes() -> None:
    put_support()
    written: list[str] = []
    start = threading.Barrier(2)

    def check(there: versions.Stored | None) -> None:
        if there is None or there.version != 1:
            raise LookupError

    def write(trigger: str) -> None:
        start.wait()
        try:
            policies.put("support-chat", SUPPORT | {"triggers": [trigger]}, "tests", check)
            written.append(trigger)
        except LookupError:
            pass
        finally:
            connection.close()

    run([threading.Thread(target=write, args=(trigger,)) for trigger in ("timeout", "overloaded")])
    stored = versions.latest("support-chat")
    assert stored is not None
    assert (stored.version, list(stored.policy.triggers)) == (2, written)


def run(threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=20)
        assert not thread.is_alive()


def test_a_recorder_and_a_policy_of_a_new_workload_do_not_wait_for_each_other() -> None:
    put_models()
    made: list[str] = []

    def write() -> None:
        try:
            policies.put("new", SUPPORT | {"workload": "new"}, "tests")
            made.append("new")
        finally:
            connection.close()

    writer = threading.Thread(target=write)
    with transaction.atomic():
        # As a recorder does: first the workload's row, and then the rulebook.
        Workload.objects.create(slug="new")
        writer.start()
        until_somebody_waits()
        rulebook.current()
    writer.join(timeout=20)
    assert made == ["new"]


def test_lists_have_each_workload_once_in_pages() -> None:
    put_models()
    for slug in ("b", "a", "c"):
        policies.put(slug, SUPPORT | {"workload": slug}, "tests")
    policies.put("a", SUPPORT | {"workload": "a", "notice": "always"}, "tests")
    assert [(stored.workload, stored.version) for stored in versions.latest_of()] == [("a", 2), ("b", 1), ("c", 1)]
    assert [stored.workload for stored in versions.latest_of(after="a", limit=1)] == ["b"]
    assert [stored.workload for stored in versions.latest_of({"c", "x"})] == ["c"]


# --- Models ----------------------------------------------------------------------------------------------------------


def test_a_model_is_kept_with_every_digit_of_its_prices() -> None:
    put_model("premium-chat", input_price="0.0000000001", output_price=999_999.25)
    model = catalogue.find("premium-chat")
    assert model is not None
    assert (model.input_price, model.output_price) == (Decimal("1e-10"), Decimal("999999.25"))
    assert put_model("premium-chat", input_price="0.0000000001", output_price=999_999.25).differences == []
    changed = put_model("premium-chat", output_price=None, features=["logprobs"])
    assert [each.field for each in changed.differences] == ["features", "input_price", "output_price"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"provider": ""}, "provider"),
        ({"family": "  "}, "family"),
        ({"data_region": ""}, "data_region"),
        ({"billing_account": "a" * 129}, "billing_account"),
        ({"request_shapes": ["Chat"]}, "request_shapes"),
        ({"request_shapes": [""]}, "request_shapes"),
        ({"features": ["f" * 65]}, "features"),
        ({"features": [""]}, "features"),
        ({"input_price": -1}, "input_price"),
        ({"output_price": 1_000_001}, "output_price"),
        ({"cached_input_price": "much"}, "cached_input_price"),
        ({"provider": "a\0b"}, "provider"),
        ({"features": ["a\0b"]}, "features"),
        ({"features": ["\ud83c"]}, "features"),
        ({"colour": "blue"}, "colour"),
        ({"name": "another"}, "name"),
        ({"family": None}, "family"),
    ],
)
def test_a_model_that_cannot_be_used_is_refused_with_its_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(Refused) as refused:
        put_model("premium-chat", **change)
    assert [problem.field for problem in refused.value.problems] == [field]
    assert catalogue.find("premium-chat") is None


@pytest.mark.parametrize("name", ["", " ", "m" * 129, "a\0b"])
def test_a_name_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(Refused) as refused:
        catalogue.put(name, {field: value for field, value in MODELS["home"].items() if field != "name"}, "tests")
    assert [problem.field for problem in refused.value.problems] == ["name"]


# --- The route's way -------------------------------------------------------------------------------------------------


def test_a_route_is_proposed_then_verified_then_enabled() -> None:
    assert routes.route_state("support-chat") == "proposed"
    put_support(review=SUPPORT["review"] | {"min_reviews": 0})
    assert routes.route_state("support-chat") == "proposed"
    verify("chat")
    assert routes.route_state("support-chat") == "proposed"
    verify("chat-tools")
    assert routes.route_state("support-chat") == "verified"
    enablement.request("support-chat", way.ines(), "users need it")
    assert routes.route_state("support-chat") == "in review"
    enablement.approve("support-chat", way.dana(), way.standing().seen, "")
    assert routes.route_state("support-chat") == "enabled"
    close()
    assert routes.route_state("support-chat") == "verified"


def test_a_route_without_a_fallback_stays_proposed() -> None:
    put_support(fallback=None)
    assert routes.route_state("support-chat") == "proposed"


def test_a_route_of_which_one_payload_class_is_not_verified_is_not_asked_for() -> None:
    put_support()
    verify("chat")
    with pytest.raises(NotNow, match="not verified"):
        enablement.request("support-chat", way.ines(), "users need it")


def test_the_newest_verification_counts_and_no_longer_than_30_days() -> None:
    put_support()
    now = datetime.now(UTC)
    verify()
    verify("chat", passed=False)
    assert routes.route_state("support-chat") == "proposed"
    verify("chat")
    assert routes.route_state("support-chat") == "verified"
    PolicyVersion.objects.update(since=now - timedelta(days=60))
    CatalogueModel.objects.update(reshaped_at=now - timedelta(days=60))
    Verification.objects.update(received_at=now - timedelta(days=29, hours=23))
    assert routes.route_state("support-chat") == "verified"
    Verification.objects.update(received_at=now - timedelta(days=30, minutes=1))
    assert routes.route_state("support-chat") == "proposed"


def test_the_age_of_each_payload_class_is_known() -> None:
    put_support()
    now = datetime.now(UTC)
    verify("chat-tools", at=now - timedelta(hours=5))
    stored = versions.latest("support-chat")
    assert stored is not None
    chat, tools = routes.standings([stored])[stored.workload_id].evidence
    assert (chat.payload_class, chat.newest, chat.age(now), chat.counts) == ("chat", None, None, False)
    assert (tools.payload_class, tools.age(now)) == ("chat-tools", timedelta(hours=5))
    # It was received before the policy was there.
    assert not tools.counts


CHANGES: list[tuple[str, Callable[[], object]]] = [
    ("another fallback", lambda: put_support(fallback="no-account")),
    ("no fallback", lambda: put_support(fallback=None)),
    ("another primary", lambda: put_support(primary="no-account")),
    ("fewer payload classes", lambda: put_support(payload_classes=["chat"])),
    ("the fallback's family", lambda: put_model("baseline-chat", family="other")),
    ("the primary's shapes", lambda: put_model("premium-chat", request_shapes=["chat", "chat-tools", "json"])),
    ("the fallback's region", lambda: put_model("baseline-chat", data_region=None)),
    ("the primary's account", lambda: put_model("premium-chat", billing_account="other")),
]


@pytest.mark.parametrize(("what", "change"), CHANGES, ids=[what for what, _ in CHANGES])
def test_what_changes_the_route_sends_it_back_and_voids_what_was_verified(
    what: str, change: Callable[[], object]
) -> None:
    put_models("no-account")
    enable()
    open_since = Enablement.objects.get().since
    change()
    assert routes.route_state("support-chat") == "proposed"
    closed = Enablement.objects.get()
    assert closed.until is not None
    assert closed.until > open_since
    known = book()
    assert known.is_enabled("support-chat", "premium-chat", "baseline-chat", open_since)
    assert not known.is_enabled("support-chat", "premium-chat", "baseline-chat", closed.until)


def test_a_route_that_was_sent_back_is_verified_anew() -> None:
    enable()
    put_support(payload_classes=["chat"])
    verify("chat")
    assert routes.route_state("support-chat") == "verified"
    put_model("baseline-chat", data_region=None)
    assert routes.route_state("support-chat") == "proposed"
    verify("chat")
    assert routes.route_state("support-chat") == "verified"
    # Back again, it is another route than a moment ago.
    put_support()
    assert routes.route_state("support-chat") == "proposed"


@pytest.mark.parametrize(
    "change",
    [
        lambda: put_support(triggers=["timeout"], notice="always", permits=["billing_boundary"]),
        lambda: put_support(payload_classes=["chat-tools", "chat"]),
        lambda: put_model("baseline-chat", input_price=7, features=[], provider="another"),
        lambda: put_model("home", family="other"),
    ],
    ids=["rules", "order", "prices", "another model"],
)
def test_other_changes_leave_the_route_verified_and_enabled(change: Callable[[], object]) -> None:
    enable()
    change()
    assert routes.route_state("support-chat") == "enabled"
    close()
    assert routes.route_state("support-chat") == "verified"


def test_a_report_of_another_route_is_refused_with_its_field() -> None:
    with pytest.raises(Refused, match="workload: support-chat has no policy"):
        verifications.receive(report(), "tests")
    put_support()
    for field, over in (
        ("primary", {"primary": "other"}),
        ("fallback", {"fallback": "other"}),
        ("payload_class", {"payload_class": "json"}),
    ):
        with pytest.raises(Refused) as refused:
            verifications.receive(report(**over), "tests")
        assert [problem.field for problem in refused.value.problems] == [field]


def test_the_same_report_counts_once_whatever_has_changed_since() -> None:
    put_support()
    first, is_new = verifications.receive(report(id="run-1"), "tests")
    assert is_new
    put_support(fallback=None)
    again, is_new = verifications.receive(report(id="run-1", passed=False), "others")
    assert (again, is_new) == (first, False)
    assert again.passed


def test_states_of_many_routes_cost_as_many_queries_as_of_one(django_assert_num_queries: Any) -> None:
    put_models()
    for number in range(20):
        policies.put(f"w{number:02}", SUPPORT | {"workload": f"w{number:02}"}, "tests")
    with django_assert_num_queries(1):
        stored = versions.latest_of()
    with django_assert_num_queries(4):
        found = routes.states(stored)
    assert set(found.values()) == {"proposed"}
