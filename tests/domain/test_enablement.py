"""A route's way to users: each step, who may take it, what it rests on, and what takes it back."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from fallbacks import catalogue, enablement, key_ring, policies, routes, rulebook, scoring, versions
from fallbacks.drafts import model_draft
from fallbacks.models import AuditEntry, Enablement, PolicyVersion, RouteRequest, User, Verification, Workload
from fallbacks.not_now import NotNow
from fallbacks.rulebook import changing
from fallbacks.scoring import Score
from ingest import tasks
from tests.dashboard import stage
from tests.policy import on_the_way as way
from tests.policy.on_the_way import asked, dana, enabled, ines, put_route, ready, samples, somebody, standing, state
from tests.policy.policies import MODELS
from tests.policy.stored import put_models, put_support, verify
from tests.side_by_side import at_once, until_somebody_waits

pytestmark = pytest.mark.usefixtures("database", "stream")
no_memory = stage.no_memory
SLUG = "support-chat"
FAILURE = {"workload": SLUG, "primary": "premium-chat", "status": 529, "tier": "pro", "payload_class": "chat"}
# Reasons that are none: of what nobody sees and of dots, and longer than one may be.
UNSEEN, TOO_LONG = " \u200b\u2060…\u00ad\n", "x" * 2_001


def refused(take: Callable[[], object]) -> str:
    """The code by which a step is refused; nothing is changed or written by it."""
    before = facts()
    with pytest.raises(NotNow) as error:
        take()
    assert facts() == before
    return error.value.code


def facts() -> tuple[Any, ...]:
    return (
        list(RouteRequest.objects.order_by("id").values()),
        list(Enablement.objects.order_by("id").values()),
        AuditEntry.objects.count(),
        state(),
    )


def approve(by: User | None = None, seen: str | None = None) -> Enablement:
    return enablement.approve(SLUG, by or dana(), standing().seen if seen is None else seen, "looked at them all")


def newest() -> AuditEntry:
    """The newest entry of the log, but for the keys of these tests."""
    return AuditEntry.objects.exclude(action="key made").latest("number")


def machine() -> Client:
    return Client(headers={"authorization": f"Bearer {key_ring.make('gateway', ['policy:read'])}"})


def asked_by_a_machine() -> tuple[str, bool, str, list[str]]:
    """What the API says of the route, and decides: its state, whether it is enabled, the action and the rules."""
    client = machine()
    policy = client.get(f"/api/v1/policies/{SLUG}").json()
    decision = client.post("/api/v1/decisions", FAILURE, content_type="application/json").json()
    return policy["route_state"], policy["enabled"], decision["action"], decision["rules"]


# The whole way


def test_the_whole_way_from_a_policy_to_users_and_each_step_in_the_log() -> None:
    put_route()
    assert state() == "proposed"
    verify()
    assert state() == "verified"
    samples(5)
    assert state() == "in review"
    samples(5)
    made = enablement.request(SLUG, ines(), " the primary was away ")
    assert (made.state, made.why, state()) == ("open", "the primary was away", "in review")
    assert asked_by_a_machine() == ("in review", False, "fail", ["not_enabled"])
    span = approve()
    assert state() == "enabled"
    assert span.expires_at == span.since + timedelta(days=90)
    made.refresh_from_db()
    assert (made.state, made.decided_by, made.decision) == ("approved", dana(), "looked at them all")
    assert asked_by_a_machine() == ("enabled", True, "fallback", [])
    enablement.suspend(SLUG, dana(), "it answers in French")
    assert state() == "suspended"
    assert asked_by_a_machine() == ("suspended", False, "fail", ["not_enabled"])
    told = AuditEntry.objects.exclude(action__in=["key made", "model put"]).order_by("number")
    assert list(told.values_list("action", "actor")) == [
        ("policy put", "tests"),
        ("verification received", "key tests"),
        ("verification received", "key tests"),
        ("enablement requested", "ines"),
        ("route enabled", "dana"),
        ("route suspended", "dana"),
    ]


def test_an_approval_is_written_down_with_the_evidence_that_it_rests_on() -> None:
    asked()
    approve()
    entry = newest()
    details = entry.details
    assert (entry.action, entry.actor, entry.workload) == ("route enabled", "dana", SLUG)
    for part in ('"asked_by":"ines"', '"scored":10', '"passed":10', '"policy_version":1', '"chat-tools":', '"why":"lo'):
        assert part in details


def test_a_request_may_come_before_the_samples_and_waits_for_them() -> None:
    put_route()
    verify()
    enablement.request(SLUG, ines(), "users need it")
    assert state() == "in review"
    samples(9)
    assert refused(approve) == "not_ready"
    samples(1)
    approve()
    assert state() == "enabled"


def test_who_was_rejected_may_ask_again_and_be_approved() -> None:
    asked()
    enablement.reject(SLUG, dana(), standing().seen, "too terse")
    assert state() == "rejected"
    assert (RouteRequest.objects.get().decision, refused(approve)) == ("too terse", "not_ready")
    enablement.request(SLUG, ines(), "it is longer now")
    assert state() == "in review"
    approve()
    assert state() == "enabled"


def test_who_has_asked_may_withdraw_and_nobody_else() -> None:
    asked()
    assert refused(lambda: enablement.withdraw(SLUG, somebody("admin", "admin"))) == "nothing_asked"
    enablement.withdraw(SLUG, ines())
    assert (state(), RouteRequest.objects.get().state, newest().action) == (
        "in review",
        "withdrawn",
        "request withdrawn",
    )
    assert refused(lambda: enablement.withdraw(SLUG, ines())) == "nothing_asked"
    assert refused(approve) == "not_ready"


# Refusals


@pytest.mark.parametrize(
    ("prepare", "take", "code"),
    [
        (lambda: None, lambda: enablement.request(SLUG, ines(), "users need it"), "no_policy"),
        (lambda: put_route(fallback=None), lambda: enablement.request(SLUG, ines(), "users need it"), "no_route"),
        (put_route, lambda: enablement.request(SLUG, ines(), "users need it"), "not_verified"),
        (asked, lambda: enablement.request(SLUG, somebody("omar", "engineer"), "users need it"), "asked"),
        (enabled, lambda: enablement.request(SLUG, ines(), "users need it"), "enabled"),
        (ready, lambda: enablement.request(SLUG, dana(), "users need it"), "not_yours"),
        (ready, lambda: enablement.request(SLUG, somebody("vera", "viewer"), "users need it"), "not_yours"),
        (ready, lambda: enablement.request(SLUG, somebody("noah"), "users need it"), "not_yours"),
        (ready, approve, "not_ready"),
        (asked, lambda: approve(somebody("omar", "engineer")), "not_yours"),
        (asked, lambda: approve(somebody("vera", "viewer")), "not_yours"),
        (asked, lambda: approve(seen=""), "changed"),
        (ready, lambda: enablement.reject(SLUG, dana(), standing().seen, "no"), "nothing_asked"),
        (asked, lambda: enablement.reject(SLUG, dana(), standing().seen, "  "), "no_reason"),
        (asked, lambda: enablement.reject(SLUG, dana(), "older", "no"), "changed"),
        (asked, lambda: enablement.reject(SLUG, somebody("omar", "engineer"), standing().seen, "no"), "not_yours"),
        (asked, lambda: enablement.suspend(SLUG, dana(), "why not"), "not_enabled"),
        (enabled, lambda: enablement.suspend(SLUG, dana(), " "), "no_reason"),
        (enabled, lambda: enablement.suspend(SLUG, ines(), "why not"), "not_yours"),
        (ready, lambda: enablement.request(SLUG, ines(), ""), "no_reason"),
        (ready, lambda: enablement.request(SLUG, ines(), UNSEEN), "no_reason"),
        (asked, lambda: enablement.reject(SLUG, dana(), standing().seen, UNSEEN), "no_reason"),
        (enabled, lambda: enablement.suspend(SLUG, dana(), UNSEEN), "no_reason"),
        (ready, lambda: enablement.request(SLUG, ines(), TOO_LONG), "too_long"),
        (asked, lambda: enablement.approve(SLUG, dana(), standing().seen, TOO_LONG), "too_long"),
        (asked, lambda: enablement.reject(SLUG, dana(), standing().seen, TOO_LONG), "too_long"),
        (enabled, lambda: enablement.suspend(SLUG, dana(), TOO_LONG), "too_long"),
    ],
)
def test_a_step_that_cannot_be_taken_is_refused_by_its_code_and_changes_nothing(
    prepare: Callable[[], object], take: Callable[[], object], code: str
) -> None:
    dana(), ines(), prepare()
    assert refused(take) == code


def test_a_reason_is_kept_to_its_last_letter_and_a_line_ends_with_one() -> None:
    ready()
    long = "line\r\n" * 399 + "Large"
    made = enablement.request(SLUG, ines(), f" {long} ")
    made.refresh_from_db()
    assert made.why == "line\n" * 399 + "Large"
    assert len(made.why) == enablement.MOST_WHY
    with pytest.raises(NotNow, match=r"Say it in 2,000 characters at most: these are 2,001\."):
        enablement.approve(SLUG, dana(), standing().seen, f"{long}r")


def test_somebody_whose_account_is_closed_takes_no_step() -> None:
    asked()
    User.objects.filter(username="dana").update(is_active=False)
    assert refused(lambda: approve(User.objects.get(username="dana"))) == "not_yours"


def test_too_few_that_passed_are_refused_of_all_and_of_the_newest() -> None:
    put_route()
    verify()
    samples(8, failed=2)
    enablement.request(SLUG, ines(), "users need it")
    assert enablement.missing(standing()) == ["a pass rate of 90 % or more"]
    assert refused(approve) == "not_ready"
    # 28 of 30 in all, and of the newest ten all.
    samples(20)
    assert enablement.missing(standing()) == []
    # In all enough still, and of the newest ten only eight.
    samples(0, failed=2)
    assert standing().scored.passed / standing().scored.count > 0.87
    assert refused(approve) == "not_ready"


def test_just_as_many_as_policy_asks_for_are_enough_whatever_the_rounding() -> None:
    # 0.55 * 20 is more than 11 to a computer.
    put_route(review=way.REVIEW | {"min_reviews": 20, "pass_rate": 0.55})
    verify()
    samples(11, failed=9)
    enablement.request(SLUG, ines(), "users need it")
    assert enablement.missing(standing()) == []
    approve()
    assert not routes.has_fallen(standing())


# Nobody approves what they asked for


@pytest.mark.parametrize("roles", [("engineer",), ("engineer", "reviewer"), ("admin",), ("engineer", "admin")])
def test_nobody_approves_what_they_asked_for_whatever_their_roles(roles: tuple[str, ...]) -> None:
    ready()
    asker = somebody("kim", *roles)
    enablement.request(SLUG, asker, "users need it")
    expected = {"own_request"} if set(roles) & {"reviewer", "admin"} else {"not_yours"}
    assert {refused(lambda: approve(asker))} == expected
    assert state() == "in review"
    approve()
    assert state() == "enabled"


def test_the_database_refuses_it_too() -> None:
    asked()
    with pytest.raises(IntegrityError, match="route_request_approved_by_another"), transaction.atomic():
        RouteRequest.objects.update(state="approved", decided_by=ines(), decided_at=datetime.now(UTC))
    with pytest.raises(IntegrityError, match="route_request_approved_by_another"), transaction.atomic():
        RouteRequest.objects.update(state="approved", decided_at=datetime.now(UTC))
    with pytest.raises(IntegrityError, match="route_request_approved_by_another"), connection.cursor() as cursor:
        cursor.execute("UPDATE route_request SET state = 'approved', decided_by_id = asked_by_id")
    assert state() == "in review"


def insert(**over: Any) -> None:
    """Write an enablement past the product; it would do for the request that is there, were that approved."""
    asked = RouteRequest.objects.get()
    fields: dict[str, Any] = {
        "workload_id": asked.workload_id,
        "primary": asked.primary,
        "fallback": asked.fallback,
        "since": datetime.now(UTC),
        "approved_by": "dana",
        "ended": "",
        "request_id": asked.id,
    }
    fields |= over
    columns, places = ", ".join(f'"{name}"' for name in fields), ", ".join(["%s"] * len(fields))
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO enablement ({columns}) VALUES ({places})", list(fields.values()))


def by_hand(statement: str, *values: str | int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


def decided(decision: str = RouteRequest.State.APPROVED) -> None:
    """Let Ines ask and Dana decide, with nothing enabled by it yet."""
    asked()
    by_hand("UPDATE route_request SET state = %s, decided_by_id = %s, decided_at = now()", decision, dana().id)


UNAPPROVED = "an enablement needs an approved request: ask on the route's page, and let somebody else approve"


@pytest.mark.parametrize("decision", ["rejected", "withdrawn", "sent back"])
def test_the_database_refuses_an_enablement_of_a_request_that_is_not_approved(decision: str) -> None:
    asked()
    with pytest.raises(IntegrityError, match=UNAPPROVED):
        insert()
    with pytest.raises(IntegrityError, match=UNAPPROVED):
        insert(approved_by="ines")
    by_hand("UPDATE route_request SET state = %s, decided_by_id = %s, decided_at = now()", decision, dana().id)
    with pytest.raises(IntegrityError, match=UNAPPROVED):
        insert()
    assert state() != "enabled"


def test_the_database_refuses_an_enablement_that_nobody_asked_for() -> None:
    decided()
    for request_id in (None, 0):
        with pytest.raises(IntegrityError, match=UNAPPROVED):
            insert(request_id=request_id)
    asking = RouteRequest.objects.get()
    with pytest.raises(IntegrityError, match=UNAPPROVED):
        Enablement.objects.create(
            workload=asking.workload,
            primary=asking.primary,
            fallback=asking.fallback,
            since=datetime.now(UTC),
            approved_by="dana",
        )
    assert state() != "enabled"


@pytest.mark.parametrize("over", [{"primary": "bare"}, {"fallback": "bare"}, {"workload_id": 0}])
def test_the_database_refuses_an_enablement_of_another_route_than_was_approved(over: dict[str, Any]) -> None:
    decided()
    if "workload_id" in over:
        put_models()
        policies.put("another", way.SUPPORT | {"workload": "another"}, "tests")
        over = {"workload_id": Workload.objects.get(slug="another").id}
    with pytest.raises(IntegrityError, match="is of another workload, primary or fallback: ask for this route"):
        insert(**over)
    assert not Enablement.objects.exists()


@pytest.mark.parametrize("name", ["ines", "tomas", "", "Dana"])
def test_the_database_refuses_an_enablement_that_names_another_approver(name: str) -> None:
    decided()
    somebody("tomas", "reviewer")
    with pytest.raises(IntegrityError, match="was approved by dana: approved_by must say so"):
        insert(approved_by=name)
    assert not Enablement.objects.exists()


def test_the_database_refuses_an_enablement_of_before_its_approval() -> None:
    decided()
    with pytest.raises(IntegrityError, match="users get the route from then on, and not before"):
        insert(since=datetime.now(UTC) - timedelta(hours=1))
    by_hand("UPDATE route_request SET decided_at = NULL")
    with pytest.raises(IntegrityError, match="users get the route from then on, and not before"):
        insert()


def test_the_database_takes_an_enablement_that_another_approved_once() -> None:
    decided()
    insert()
    assert state() == "enabled"
    enablement.suspend(SLUG, dana(), "no")
    # One approval, one span.
    with pytest.raises(IntegrityError, match="enablement_request_id"):
        insert()
    assert state() == "suspended"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("request_id = NULL", UNAPPROVED),
        ("\"primary\" = 'bare'", "is of another workload, primary or fallback"),
        ("fallback = 'bare'", "is of another workload, primary or fallback"),
        ("workload_id = 0", "is of another workload, primary or fallback"),
        ("approved_by = 'ines'", "was approved by dana"),
        ("since = since - interval '1 hour'", "users get the route from then on"),
        ("expires_at = expires_at + interval '1 day'", "not made longer"),
        ("expires_at = NULL", "not made longer"),
    ],
)
def test_the_database_refuses_that_an_enablement_becomes_another(change: str, message: str) -> None:
    enabled()
    before = facts()
    with pytest.raises(IntegrityError, match=message):
        by_hand(f"UPDATE enablement SET {change}")
    assert facts() == before


@pytest.mark.parametrize("until", [None, datetime(2999, 1, 1, tzinfo=UTC)])
def test_the_database_refuses_that_an_enablement_that_ended_is_opened_again(until: datetime | None) -> None:
    enabled()
    enablement.suspend(SLUG, dana(), "no")
    with pytest.raises(IntegrityError, match="not made longer: ask on the route's page, and let somebody else approve"):
        Enablement.objects.update(until=until)
    assert state() == "suspended"


@pytest.mark.parametrize(
    "change",
    [
        "state = 'rejected'",
        "state = 'open', decided_by_id = NULL",
        "fallback = 'bare'",
        "\"primary\" = 'bare'",
        "workload_id = 0",
        "id = id + 1",
        "asked_by_id = (SELECT id FROM fallbacks_user WHERE username = 'tomas')",
        "decided_by_id = (SELECT id FROM fallbacks_user WHERE username = 'tomas')",
        "decided_at = NULL",
        "decided_at = decided_at + interval '1 hour'",
    ],
)
def test_the_database_refuses_that_what_was_approved_becomes_another_request(change: str) -> None:
    somebody("tomas", "reviewer")
    enabled()
    before = facts()
    with pytest.raises(IntegrityError, match="which stays as it was approved: suspend the route instead"):
        by_hand(f"UPDATE route_request SET {change}")
    assert facts() == before
    # What does not say who approved what may be mended.
    by_hand("UPDATE route_request SET why = 'mended', decision = 'mended', asked_at = asked_at - interval '1 hour'")


def test_nobody_takes_back_an_approval_while_it_is_made_use_of() -> None:
    decided()
    errors: list[Exception] = []
    take_back = partial(by_hand, "UPDATE route_request SET state = 'rejected'")
    with transaction.atomic():
        insert()
        late = threading.Thread(target=lambda: errors.extend(at_once(take_back)))
        late.start()
        until_somebody_waits()
    late.join(timeout=20)
    assert [type(error) for error in errors] == [IntegrityError]
    assert (RouteRequest.objects.get().state, state()) == ("approved", "enabled")


def test_what_was_enabled_before_anybody_had_to_ask_ends_as_all_do() -> None:
    put_route()
    verify()
    way.enabled_unasked()
    assert state() == "enabled"
    row = Enablement.objects.get()
    row.expires_at = datetime.now(UTC) - timedelta(minutes=1)
    # All columns, as `save` writes them.
    row.save()
    assert enablement.expire() == [SLUG]
    assert Enablement.objects.get().ended == "expired"
    way.enabled_unasked()
    enablement.suspend(SLUG, dana(), "no")
    assert state() == "suspended"
    way.enabled_unasked()
    put_route(payload_classes=["chat"])
    assert Enablement.objects.latest("id").ended == "sent back"


def test_a_workload_has_one_open_request() -> None:
    asked()
    with pytest.raises(IntegrityError, match="route_request_open_once"), transaction.atomic():
        RouteRequest.objects.create(
            workload_id=standing().stored.workload_id,
            primary="other",
            fallback="another",
            asked_by=dana(),
            asked_at=datetime.now(UTC),
        )


# Side by side


def side_by_side(*takes: Callable[[], object]) -> list[str]:
    """Take steps at once, each on a connection of its own; return the codes of those that were refused."""
    refused = at_once(*takes)
    assert all(isinstance(error, NotNow) for error in refused), refused
    return [error.code for error in refused if isinstance(error, NotNow)]


def test_two_approvals_at_once_make_one_transition() -> None:
    asked()
    seen, others = standing().seen, [somebody(f"reviewer-{number}", "reviewer") for number in range(6)]
    codes = side_by_side(*(lambda by=by: approve(by, seen) for by in others))
    assert codes == ["changed"] * 5
    assert Enablement.objects.count() == 1
    assert AuditEntry.objects.filter(action="route enabled").count() == 1


def test_of_an_approval_and_a_rejection_at_once_one_counts() -> None:
    asked()
    seen, tomas = standing().seen, somebody("tomas", "reviewer")
    dana()
    codes = side_by_side(
        lambda: approve(seen=seen),
        lambda: enablement.reject(SLUG, tomas, seen, "no"),
        lambda: enablement.withdraw(SLUG, ines()),
    )
    assert len(codes) == 2
    decided = RouteRequest.objects.get().state
    assert Enablement.objects.count() == (1 if decided == "approved" else 0)


def test_of_two_requests_at_once_one_is_made() -> None:
    ready()
    people = [somebody(f"engineer-{number}", "engineer") for number in range(4)]
    codes = side_by_side(*(lambda by=by: enablement.request(SLUG, by, "users need it") for by in people))
    assert codes == ["asked"] * 3
    assert RouteRequest.objects.count() == 1


# An approval is of what was seen


@pytest.mark.parametrize(
    "change",
    [
        lambda: samples(1),
        lambda: put_route(triggers=["timeout"]),
        lambda: verify("chat"),
        lambda: verify("chat", passed=False),
        lambda: put_route(review=way.REVIEW | {"min_reviews": 5}),
    ],
    ids=["a score", "a version", "a verification", "one that failed", "other rules of review"],
)
def test_what_somebody_had_seen_is_not_approved_once_it_has_changed(change: Callable[[], object]) -> None:
    asked()
    seen = standing().seen
    assert standing().seen == seen
    change()
    assert refused(lambda: approve(seen=seen)) == "changed"
    assert refused(lambda: enablement.reject(SLUG, dana(), seen, "no")) == "changed"


def test_a_model_that_has_changed_leaves_nothing_to_approve() -> None:
    asked()
    seen = standing().seen
    put_model("baseline-chat", data_region=None)
    assert refused(lambda: approve(seen=seen)) in ("changed", "not_ready")


def test_what_was_withdrawn_and_asked_again_is_another_request() -> None:
    asked()
    seen = standing().seen
    enablement.withdraw(SLUG, ines())
    enablement.request(SLUG, ines(), "again")
    assert refused(lambda: approve(seen=seen)) == "changed"


# What sends a route back


def put_model(name: str, **change: Any) -> None:
    with changing() as moment:
        catalogue.store(model_draft(MODELS[name] | change, name), "omar", moment)


BACK: list[tuple[str, Callable[[], object], str]] = [
    ("fallback", lambda: put_route(fallback="no-account"), "fallback from baseline-chat to no-account"),
    ("no fallback", lambda: put_route(fallback=None), "fallback from baseline-chat to none"),
    ("primary", lambda: put_route(primary="no-account"), "primary from premium-chat to no-account"),
    ("payload classes", lambda: put_route(payload_classes=["chat"]), "payload classes from chat, chat-tools to chat"),
    ("family", lambda: put_model("baseline-chat", family="other"), "family from openai-chat to other"),
    (
        "shapes",
        lambda: put_model("premium-chat", request_shapes=["chat", "chat-tools", "json"]),
        "premium-chat changed: request shapes from chat, chat-tools to chat, chat-tools, json",
    ),
    ("region", lambda: put_model("baseline-chat", data_region=None), "baseline-chat changed: data region from eu to n"),
    ("account", lambda: put_model("premium-chat", billing_account="b"), "billing account from main to b"),
]


@pytest.mark.parametrize(("change", "why"), [each[1:] for each in BACK], ids=[each[0] for each in BACK])
def test_what_makes_it_another_route_sends_an_enabled_one_back_and_says_why(
    change: Callable[[], object], why: str
) -> None:
    put_models("no-account")
    enabled()
    change()
    assert state() == "proposed"
    span = Enablement.objects.get()
    assert (span.ended, span.until is not None) == ("sent back", True)
    entry = AuditEntry.objects.get(action="route sent back")
    assert why in entry.details
    assert '"was":"enabled"' in entry.details
    assert asked_by_a_machine()[:3] == ("proposed", False, "fail")


@pytest.mark.parametrize("change", [each[1] for each in BACK], ids=[each[0] for each in BACK])
def test_a_request_that_waits_is_sent_back_with_its_route(change: Callable[[], object]) -> None:
    put_models("no-account")
    asked()
    change()
    assert (RouteRequest.objects.get().state, state()) == ("sent back", "proposed")
    assert '"was":"in review"' in AuditEntry.objects.get(action="route sent back").details
    assert refused(approve) == "not_ready"


def test_what_was_scored_of_another_route_does_not_count() -> None:
    enabled()
    put_route(payload_classes=["chat"])
    verify("chat")
    assert (state(), standing().scored.count) == ("verified", 0)
    # Nor does an answer of before that somebody scores now.
    samples(3, occurred_at=datetime.now(UTC) - timedelta(hours=1))
    assert standing().scored.count == 0
    put_route()
    verify()
    assert (state(), standing().scored.count) == ("verified", 0)


def test_other_changes_leave_it_enabled() -> None:
    enabled()
    put_route(triggers=["timeout"], notice="always", permits=["billing_boundary"])
    put_model("baseline-chat", input_price=7, features=[], provider="another")
    assert state() == "enabled"
    assert not AuditEntry.objects.filter(action="route sent back").exists()


# How it ends


def let_time_pass(days: float) -> None:
    """Set all that has happened back."""
    span = timedelta(days=days)
    with changing():
        # Before the spans: none begins before its approval.
        for asking in RouteRequest.objects.all():
            decided_at = asking.decided_at - span if asking.decided_at else None
            RouteRequest.objects.filter(id=asking.id).update(asked_at=asking.asked_at - span, decided_at=decided_at)
        for row in Enablement.objects.all():
            assert row.expires_at is not None
            Enablement.objects.filter(id=row.id).update(since=row.since - span, expires_at=row.expires_at - span)
        for version in PolicyVersion.objects.all():
            PolicyVersion.objects.filter(id=version.id).update(since=version.since - span)


def test_an_enablement_ends_by_itself_at_its_time_and_not_before() -> None:
    enabled(review=way.REVIEW | {"enabled_for_days": 30})
    let_time_pass(29.99)
    assert asked_by_a_machine() == ("enabled", True, "fallback", [])
    enablement.tend()
    assert state() == "enabled"
    let_time_pass(0.02)
    # At once, with nobody there to write it down.
    assert asked_by_a_machine() == ("in review", False, "fail", ["not_enabled"])
    tasks.tend_routes()
    span = Enablement.objects.get()
    assert (span.ended, span.until) == ("expired", span.expires_at)
    assert (newest().action, newest().actor, newest().workload) == ("route expired", "the observatory", SLUG)
    tasks.tend_routes()
    assert AuditEntry.objects.filter(action="route expired").count() == 1


def test_what_is_over_is_asked_for_and_approved_anew() -> None:
    enabled()
    let_time_pass(91)
    Verification.objects.all().delete()
    verify()
    enablement.request(SLUG, ines(), "once more")
    approve()
    assert [span.ended for span in Enablement.objects.order_by("id")] == ["expired", ""]
    assert state() == "enabled"


def test_who_suspends_it_stops_it_at_once() -> None:
    enabled()
    enablement.suspend(SLUG, somebody("tomas", "reviewer"), "it answers in French")
    assert asked_by_a_machine() == ("suspended", False, "fail", ["not_enabled"])
    assert (newest().action, newest().actor) == ("route suspended", "tomas")
    assert "it answers in French" in newest().details
    enablement.request(SLUG, ines(), "mended")
    assert state() == "in review"
    approve()
    assert state() == "enabled"


def hold(sample: Any, by: User) -> None:
    type(sample).objects.filter(id=sample.id).update(
        held_by=by, held_until=datetime.now(UTC) + timedelta(minutes=5), scored_at=None, passed=None
    )
    sample.reviews.all().delete()


def fail(sample: Any, by: User) -> scoring.Scored:
    hold(sample, by)
    return scoring.score(sample.id, by, Score({"correct": "fail", "tone": "pass"}, False), None, "it is wrong")


def test_it_is_suspended_by_itself_as_soon_as_too_few_of_the_newest_pass() -> None:
    enabled()
    first, second = samples(2)
    assert not fail(first, dana()).suspended
    assert state() == "enabled"
    assert fail(second, dana()).suspended
    assert state() == "suspended"
    entry = newest()
    assert (entry.action, entry.actor) == ("route suspended", "the observatory")
    assert "8 of the newest 10 samples passed, under 90 %" in entry.details
    assert asked_by_a_machine()[:3] == ("suspended", False, "fail")


def test_a_policy_may_switch_that_off() -> None:
    enabled(review=way.REVIEW | {"auto_suspend": False})
    for each in samples(4):
        assert not fail(each, dana()).suspended
    assert enablement.tend() == []
    assert state() == "enabled"
    put_route()
    assert enablement.tend() == [SLUG]
    assert state() == "suspended"


def test_what_two_reviewers_missed_of_each_other_is_found_within_a_minute() -> None:
    enabled()
    # As two do who score at once: neither of them sees the other's score.
    samples(0, failed=2)
    assert state() == "enabled"
    tasks.tend_routes()
    assert state() == "suspended"
    tasks.tend_routes()
    assert AuditEntry.objects.filter(action="route suspended").count() == 1


def test_tending_asks_little_where_there_is_nothing_to_do(django_assert_max_num_queries: Any) -> None:
    put_models()
    for number in range(10):
        policies.put(f"w{number}", way.SUPPORT | {"workload": f"w{number}"}, "tests")
    enabled()
    with django_assert_max_num_queries(8):
        assert enablement.tend() == []


def test_recorders_judge_by_the_moment_at_which_it_was_enabled_and_suspended() -> None:
    span = enabled()
    enablement.suspend(SLUG, dana(), "no")
    until = Enablement.objects.get().until
    assert until is not None
    book, pair = rulebook.recent(), (SLUG, "premium-chat", "baseline-chat")
    assert book.is_enabled(*pair, span.since)
    assert book.is_enabled(*pair, until - timedelta(microseconds=1))
    assert not book.is_enabled(*pair, until)
    assert not book.is_enabled(*pair, span.since - timedelta(microseconds=1))


def test_the_state_of_many_costs_as_many_queries_as_of_one(django_assert_num_queries: Any) -> None:
    asked()
    put_support(workload=SLUG, review=way.REVIEW | {"min_reviews": 3})
    stored = versions.latest_of()
    with django_assert_num_queries(4):
        routes.states(stored)


def test_who_takes_a_request_back_takes_back_no_rejection() -> None:
    way.asked()
    enablement.reject("support-chat", way.dana(), way.standing().seen, "not yet")
    enablement.request("support-chat", way.ines(), "once more")
    assert routes.route_state("support-chat") == "in review"
    enablement.withdraw("support-chat", way.ines())
    assert routes.route_state("support-chat") == "rejected"


def test_answers_of_before_say_nothing_of_the_route_as_it_is_however_late_they_come() -> None:
    way.put_route()
    verify()
    before = datetime.now(UTC)
    way.put_route(payload_classes=["chat"])
    verify("chat")
    way.samples(10, occurred_at=before)
    assert way.standing().scored.count == 0
    way.samples(3, occurred_at=datetime.now(UTC))
    assert way.standing().scored.count == 3
