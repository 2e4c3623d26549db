"""A route's page: what is missing and who can act, for everybody; the decision, for whoever may take it."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import get_resolver

from dashboard.policies import route_words, schemas
from fallbacks import enablement
from fallbacks.models import AuditEntry, Enablement, RouteRequest, User
from fallbacks.recording import record
from fallbacks.rulebook import changing
from tests.conftest import Person
from tests.dashboard import stage
from tests.dashboard.stage import shown, text_of
from tests.make import event, traffic
from tests.policy import on_the_way as way
from tests.policy.on_the_way import asked, enabled, ines, put_route, ready, samples, somebody, standing, state
from tests.policy.stored import put_support, verify

PAGE, OF = "/policies/support-chat/route", "support-chat"
MOST_QUERIES = 12
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
no_memory = stage.no_memory


@pytest.fixture
def engineer(database: None, person: Person) -> Client:
    return person("engineer")


@pytest.fixture
def reviewer(database: None, person: Person) -> Client:
    return person("reviewer")


def take(client: Client, step: str, **sent: str) -> Any:
    return client.post(f"{PAGE}/{step}", sent, follow=True)


def told(client: Client, step: str, **sent: str) -> tuple[int, str]:
    """The status and the text of what a step is answered with."""
    answer = take(client, step, **sent)
    return answer.status_code, text_of(answer.content)


def ask(client: Client, why: str = "the primary was away twice") -> None:
    assert told(client, "request", why=why)[0] == 200


# For everybody


def test_it_says_what_is_missing_and_who_can_act(viewer: Client) -> None:
    put_route()
    text = shown(viewer, PAGE)
    assert "May baseline-chat answer users for premium-chat?" in text
    assert (
        "Not yet. Enabling still needs a passed verification of each payload class, at most 30 days old,"
        " 10 more scored samples and a request." in text
    )
    assert "An engineer can ask that it be enabled. Then a reviewer who is another decides." in text
    ready()
    assert "All evidence is in. An engineer has to ask for it" in shown(viewer, PAGE)
    enablement.request(OF, ines(), "the primary was away")
    text = shown(viewer, PAGE)
    assert "All evidence is in. ines asked" in text
    assert "one approval by a reviewer who is not ines is missing." in text
    assert "It waits for a reviewer. One reviewer can: dana." in text


def test_what_enabling_needs_is_told_with_what_was_found(viewer: Client) -> None:
    put_route()
    verify("chat")
    verify("chat-tools", passed=False)
    samples(3, failed=1)
    samples(2, by=somebody("tomas", "reviewer"))
    text = shown(viewer, PAGE)
    assert "no 2 of 2 chat passed under a minute ago" in text
    assert "chat-tools failed under a minute ago" in text
    assert "Samples scored answers by baseline-chat, of all environments no 10 6 of 10, by 2 reviewers" in text
    assert "too low 90 % or more 83.3 %, 5 of 6 95 % interval 43.6 to 97.0 %" in text
    assert "Passed by criterion of 6 scored correct 5 of 6 tone 5 of 5 1 not applicable" in text
    samples(20)
    text = shown(viewer, PAGE)
    assert "Samples scored answers by baseline-chat, of all environments yes 10 26, by 2 reviewers" in text
    assert "yes 90 % or more 96.2 %, 25 of 26" in text
    assert 'href="/reviews/results?workload=support-chat"' in viewer.get(PAGE).content.decode()


def test_criteria_are_told_of_samples_however_many_people_scored_each(viewer: Client) -> None:
    put_route()
    made, tomas, mia = samples(8), somebody("tomas", "reviewer"), somebody("mia", "reviewer")
    for one in made:
        one.reviews.create(reviewer=tomas, marks=way.MARKS[True], passed=True)
    # Of the first they are split in one criterion; of the second a third decided, who is not of the majority's mind.
    made[0].reviews.filter(reviewer=tomas).update(marks={"correct": "fail", "tone": "pass"})
    made[1].reviews.create(reviewer=mia, marks={"correct": "fail", "tone": "na"}, passed=False)
    made[2].reviews.update(marks={"correct": "pass", "tone": "na"})
    text = shown(viewer, PAGE)
    assert "of 8 scored correct 7 of 7 reviewers split on 1 tone 7 of 7 1 not applicable" in text
    assert "8 of 10, by 3 reviewers" in text


def test_why_a_sample_failed_is_told_to_those_who_may_read_it(person: Person, viewer: Client) -> None:
    put_route()
    older = samples(3, failed=1)[-1]
    older.reviews.update(comment="a missing null check")
    readers = [person(role) for role in ("engineer", "reviewer", "admin")]
    assert "The one that failed: a missing null check written by dana. What reviewers wrote" in shown(readers[0], PAGE)
    newer = samples(0, failed=1, by=User.objects.create(username="tomas", first_name="Tomás", last_name="Ruiz"))[0]
    newer.reviews.update(comment="promises a refund")
    # It is good enough for most of those who looked: what one of them wrote is not why it failed.
    mia = somebody("mia", "reviewer")
    samples(1)[0].reviews.create(reviewer=mia, marks={}, passed=False, comment="too terse")
    for reader in readers:
        text = shown(reader, PAGE)
        assert "Of 2 that failed, the newest: promises a refund written by Tomás Ruiz. What reviewers wrote" in text
    assert "promises a refund" not in viewer.get(PAGE).content.decode()
    put_route(payload_classes=["chat"])
    assert "promises a refund" not in shown(readers[-1], PAGE)


def test_only_what_is_of_the_route_as_it_is_counts(viewer: Client) -> None:
    ready()
    put_route(payload_classes=["chat"])
    text = shown(viewer, PAGE)
    assert "no 10 0 of 10" in text
    assert "No sample of this route is scored yet." in text


def test_an_answer_that_is_not_settled_is_in_no_figure_and_told_to_nobody(viewer: Client) -> None:
    put_route()
    samples(1, scored_at=None, passed=None)
    assert "No sample of this route is scored yet." in shown(viewer, PAGE)


def test_traffic_of_the_last_seven_days_is_told_of_how_many(viewer: Client) -> None:
    enabled()
    now = datetime.now(UTC) - timedelta(minutes=3)
    record(
        [
            event(occurred_at=now, tier="pro", user_notified=True, input_tokens=1_000_000, output_tokens=0),
            event(occurred_at=now, outcome="blocked", fallback=None),
            event(occurred_at=now, outcome="failed", fallback=None),
            event(occurred_at=now - timedelta(days=8), outcome="blocked"),
            event(occurred_at=now, outcome="blocked", environment="staging"),
        ],
        [traffic(start=now, requests=200)],
    )
    text = shown(viewer, PAGE)
    assert "In traffic last 7 days, production Requests 200 Not answered 1.00 %, 2 of 200" in text
    assert "Refused by policy 1 of 3 that left premium-chat" in text
    assert "Violations 1 of 3 events Boundaries crossed none: policy permits none" in text
    assert "Cost an answer $2.50, primary $2.50 of 1 answer with a price" in text


def test_what_policy_refuses_meanwhile_is_said_while_it_is_not_enabled(viewer: Client) -> None:
    asked()
    record([event(occurred_at=datetime.now(UTC), outcome="blocked", fallback=None) for _ in range(3)])
    assert "Until then policy refuses: 3 requests in the last 7 days." in shown(viewer, PAGE)
    enablement.approve(OF, way.dana(), standing().seen, "")
    assert "Until then policy refuses" not in shown(viewer, PAGE)


def test_the_history_says_each_step_in_plain_words_with_number_and_hash(viewer: Client, person: Person) -> None:
    User.objects.create(username="tomas", first_name="Tomás", last_name="Ruiz")
    enabled(review=way.REVIEW | {"auto_suspend": True})
    enablement.suspend(OF, somebody("dana"), "it answers in French")
    put_route(payload_classes=["chat"])
    text = shown(viewer, PAGE)
    entry = AuditEntry.objects.get(action="route suspended")
    assert "dana suspended the route: users get its answers no more (policy v1, 10 of 10 samples passed)" in text
    assert f"#{entry.number} · {entry.hash[:4]}…{entry.hash[-4:]}" in text
    assert "ines asked that the route be enabled for users" in text
    assert "key tests verified chat and chat-tools of premium-chat → baseline-chat." in text
    assert "it was suspended: the policy changed: payload classes from chat, chat-tools to chat" in text
    assert "Open in audit log" not in text
    assert "Open in audit log" in shown(person("admin"), PAGE)


def test_who_stopped_it_and_when_is_said(viewer: Client) -> None:
    enabled()
    tomas = somebody("tomas", "reviewer")
    User.objects.filter(id=tomas.id).update(first_name="Tomás", last_name="Ruiz")
    enablement.suspend(OF, tomas, "it answers in French")
    stopped = standing().enablement
    assert stopped is not None
    clock = f"{stopped.until:%H:%M}"
    text = shown(viewer, PAGE)
    assert f"No: Tomás Ruiz suspended the route {clock}. An engineer can ask again." in text
    assert f"Tomás Ruiz suspended it. it answers in French {clock}" in text
    enablement.request(OF, ines(), "once more")
    enablement.reject(OF, tomas, standing().seen, "in French still")
    assert f"Tomás Ruiz rejected it. in French still {clock[:2]}" in shown(viewer, PAGE)


def test_what_happened_by_itself_is_said_to_have(viewer: Client) -> None:
    enabled()
    samples(0, failed=3)
    enablement.tend()
    text = shown(viewer, PAGE)
    assert "No: the route was suspended" in text
    assert "It was suspended by itself. 7 of the newest 10 samples passed, under 90 %" in text
    assert "The observatory suspended the route" in text


def test_what_is_over_says_so_and_how_it_is_enabled_again(viewer: Client) -> None:
    enabled()
    with changing():
        Enablement.objects.update(expires_at=datetime.now(UTC) - timedelta(minutes=1))
    text = shown(viewer, PAGE)
    assert "No longer: the time for which it was enabled ended" in text
    assert "Enabling it again needs a request." in text
    enablement.tend()
    assert "ended the enablement of premium-chat → baseline-chat: its time was over." in shown(viewer, PAGE)


@pytest.mark.parametrize(("days", "soon"), [(13.9, True), (14.1, False)])
def test_an_end_within_a_fortnight_is_announced(viewer: Client, days: float, soon: bool) -> None:
    enabled()
    with changing():
        Enablement.objects.update(expires_at=datetime.now(UTC) + timedelta(days=days))
    text = shown(viewer, PAGE)
    assert "Yes, since" in text
    assert ("After that an engineer can ask again" in text) == soon


def test_a_route_that_was_enabled_by_hand_says_so(viewer: Client) -> None:
    put_support()
    verify()
    way.enabled_unasked()
    text = shown(viewer, PAGE)
    assert "nobody: it was enabled by hand" in text
    assert "It has no end of its own." in text


def test_without_a_fallback_and_without_a_policy_there_is_nothing_to_decide(viewer: Client) -> None:
    assert viewer.get(PAGE).status_code == 404
    put_route(fallback=None)
    text = shown(viewer, PAGE)
    assert "No model may answer for premium-chat" in text
    assert "There is no route to enable" in text
    record([event(workload="news")])
    assert "news has no policy" in shown(viewer, "/policies/news/route")


# The decision


def test_the_whole_way_over_the_pages(engineer: Client, reviewer: Client) -> None:
    ready()
    assert "Ask for enablement" in shown(engineer, PAGE)
    ask(engineer)
    text = shown(engineer, PAGE)
    assert "You asked for this, so you cannot approve it. Any of 2 reviewers can: dana and reviewer." in text
    assert "Withdraw the request" in text
    assert "You may approve. You are a reviewer and engineer asked." in shown(reviewer, PAGE)
    status, text = told(reviewer, "approve", seen=standing().seen, why="looked at all ten")
    assert (status, state()) == (200, "enabled")
    assert "The route is enabled: users get its answers from now on." in text
    assert "Yes, since" in text
    assert "reviewer approved it, engineer asked." in text
    status, text = told(reviewer, "suspend", why="it answers in French")
    assert (status, state()) == (200, "suspended")
    assert "The route is suspended. Gateways see it within 5 seconds." in text


def test_who_asked_can_withdraw(engineer: Client) -> None:
    ready()
    ask(engineer)
    assert told(engineer, "withdraw")[0] == 200
    assert (state(), RouteRequest.objects.get().state) == ("in review", "withdrawn")


def test_who_was_rejected_reads_why_and_can_ask_again(engineer: Client, reviewer: Client) -> None:
    ready()
    ask(engineer)
    assert told(reviewer, "reject", seen=standing().seen, why="too terse for users")[0] == 200
    text = shown(engineer, PAGE)
    assert "No: reviewer rejected it" in text
    assert "reviewer rejected it. too terse for users" in text
    assert "Ask for enablement" in text
    ask(engineer)
    assert state() == "in review"


@pytest.mark.parametrize("roles", [("engineer", "reviewer"), ("admin",)])
def test_who_asked_is_forbidden_to_approve_whatever_they_send(
    database: None, person: Person, roles: tuple[str, ...]
) -> None:
    ready()
    both = person(*roles)
    ask(both)
    assert 'action="/policies/support-chat/route/approve"' not in both.get(PAGE).content.decode()
    status, text = told(both, "approve", seen=standing().seen, why="me again")
    assert (status, state()) == (403, "in review")
    assert "Nothing was changed. You asked for this, so you cannot approve it: another reviewer can." in text


def test_what_has_changed_meanwhile_is_shown_and_what_was_typed_is_kept(reviewer: Client) -> None:
    asked()
    seen = standing().seen
    samples(1)
    status, text = told(reviewer, "approve", seen=seen, why="looked at all ten")
    assert (status, state()) == (409, "in review")
    assert "Nothing was changed. Something changed since you looked: look again, then decide." in text
    assert "looked at all ten" in text
    # The page that says so has what is to be seen now.
    page = reviewer.get(PAGE).content.decode()
    assert f'name="seen" value="{standing().seen}"' in page


@pytest.mark.parametrize("why", [" ", "\u200b", "..."])
@pytest.mark.parametrize(("prepare", "step"), [(ready, "request"), (asked, "reject"), (enabled, "suspend")])
def test_a_reason_is_asked_for(
    database: None, person: Person, prepare: Callable[[], object], step: str, why: str
) -> None:
    prepare()
    before = state()
    status, text = told(person("engineer", "reviewer"), step, seen=standing().seen, why=why)
    assert (status, state()) == (409, before)
    assert "Nothing was changed. Say why:" in text


def test_what_is_not_ready_can_be_rejected_and_not_approved(reviewer: Client) -> None:
    put_route()
    verify()
    enablement.request(OF, ines(), "users need it")
    page = reviewer.get(PAGE).content.decode()
    assert "It cannot be approved yet." in page
    assert 'type="submit" disabled>' in page
    status, text = told(reviewer, "approve", seen=standing().seen)
    assert (status, "Enabling still needs 10 more scored samples." in text) == (409, True)
    assert told(reviewer, "reject", seen=standing().seen, why="no samples")[0] == 200


ALLOWED = {
    "request": {"engineer", "admin"},
    "withdraw": {"engineer", "admin"},
    "approve": {"reviewer", "admin"},
    "reject": {"reviewer", "admin"},
    "suspend": {"reviewer", "admin"},
}


@pytest.mark.parametrize("role", ["", "viewer", "engineer", "reviewer", "admin"])
def test_each_step_is_for_its_roles_alone(database: None, person: Person, role: str) -> None:
    ready()
    client = person(*filter(None, [role]))
    for step, roles in ALLOWED.items():
        status = client.post(f"{PAGE}/{step}", {"seen": "nothing"}).status_code
        assert (status == 403) == (role not in roles), step
    assert Enablement.objects.count() == 0


def test_who_may_not_is_told_whom_to_ask_and_is_shown_no_form(viewer: Client) -> None:
    asked()
    answer = viewer.post(f"{PAGE}/approve", {"seen": standing().seen})
    assert "This is for reviewers and admins." in text_of(answer.content)
    assert "<textarea" not in viewer.get(PAGE).content.decode()


def test_steps_are_posts_with_a_token_and_there_are_no_others(person: Person, reviewer: Client) -> None:
    asked()
    assert reviewer.get(f"{PAGE}/approve").status_code == 405
    assert reviewer.post(f"{PAGE}/enable").status_code == 404
    assert reviewer.post(PAGE).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = reviewer.cookies
    assert strict.post(f"{PAGE}/approve", {"seen": standing().seen}).status_code == 403
    assert state() == "in review"


def test_a_reason_that_is_too_long_is_refused_and_stands_there_to_be_shortened(engineer: Client) -> None:
    ready()
    status, text = told(engineer, "request", why="long " * 1_000 + "to the end")
    assert (status, RouteRequest.objects.count()) == (409, 0)
    assert "Nothing was changed. Say it in 2,000 characters at most: these are 5,010." in text
    assert "long to the end" in text
    # As a browser counts them.
    ask(engineer, "long\r\n" * 399 + "Large")
    assert RouteRequest.objects.get().why == "long\n" * 399 + "Large"


def test_the_api_declares_every_state_and_has_no_door_for_a_decision() -> None:
    declared = schemas.POLICY["properties"]["route_state"]["enum"]
    assert declared == ["proposed", "verified", "in review", "enabled", "rejected", "suspended"]
    assert set(declared) == set(route_words.STATES)
    machines = [str(each.pattern) for each in get_resolver().url_patterns if str(each.pattern).startswith("api/")]
    assert not [path for path in machines if re.search("route|approve|reject|suspend|enable", path)]


# Frame


def test_hostile_texts_stay_texts(reviewer: Client) -> None:
    put_route(message=HOSTILE, owner="us", review=way.REVIEW | {"criteria": [HOSTILE], "min_reviews": 1})
    verify(details=HOSTILE)
    made = samples(1, criteria=[HOSTILE])[0]
    made.reviews.update(marks={HOSTILE: "fail"})
    enablement.request(OF, ines(), HOSTILE)
    assert told(reviewer, "approve", seen=standing().seen, why=HOSTILE)[0] == 200
    assert told(reviewer, "suspend", why=HOSTILE)[0] == 200
    page = reviewer.get(PAGE).content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page
    assert "&lt;script&gt;alert" in page


def test_a_reason_keeps_its_lines_and_of_a_long_one_the_beginning_stands_there(engineer: Client) -> None:
    ready()
    ask(engineer, "first line\r\nsecond line")
    assert "<q><bdi>first line\nsecond line</bdi></q>" in engineer.get(PAGE).content.decode()
    assert 'class="long"' not in engineer.get(PAGE).content.decode()
    for long, begins in (
        ("line\n" * 5, "<q><bdi>line\nline\nline\nline …</bdi></q>"),
        ("word " * 70, f"<q><bdi>{' '.join(['word'] * 55)} …</bdi></q>"),
        ("w" * 400, f"<q><bdi>{'w' * 280} …</bdi></q>"),
    ):
        RouteRequest.objects.update(why=long.strip())
        page = engineer.get(PAGE).content.decode()
        assert page.count('<details class="long">') == 1
        assert begins in page
        assert f"</summary><q><bdi>{long.strip()}</bdi></q></details>" in page
    RouteRequest.objects.update(why="a" * 340)
    assert 'class="long"' not in engineer.get(PAGE).content.decode()
    enablement.approve(OF, way.dana(), standing().seen, "word " * 200)
    page = engineer.get(PAGE).content.decode()
    # In the table without quotation marks, in the history with them.
    assert f'said"><bdi>{"a" * 340}</bdi></div>' in page
    assert page.count('<details class="long">') == 1


def test_nobody_but_reviewers_is_shown_a_text_of_a_sample(viewer: Client) -> None:
    asked()
    assert "a text that nobody but reviewers sees" not in viewer.get(PAGE).content.decode()


@pytest.mark.parametrize("role", ["viewer", "reviewer", "admin"])
def test_the_number_of_queries_does_not_depend_on_what_there_is(database: None, person: Person, role: str) -> None:
    put_route()
    client = person(role)
    few = stage.asked_of_the_database(client, PAGE)
    enabled()
    for number in range(12):
        enablement.suspend(OF, way.dana(), f"{number}")
        enablement.request(OF, ines(), f"{number}")
        enablement.approve(OF, way.dana(), standing().seen, f"{number}")
    samples(40, failed=1)
    record([event(status=str(400 + n % 150)) for n in range(200)])
    many = stage.asked_of_the_database(client, PAGE)
    assert max(len(few), len(many)) <= MOST_QUERIES, many
    assert not [query for query in many if "FROM event " in query]


@pytest.mark.parametrize("path", ["/policies/support-chat", "/workloads/support-chat"])
def test_the_pages_of_policy_and_workload_lead_here(viewer: Client, path: str) -> None:
    asked()
    assert f'href="{PAGE}"' in viewer.get(path).content.decode()
    assert "In review" in shown(viewer, path)


def test_the_call_for_a_failing_workload_leads_here(viewer: Client) -> None:
    asked()
    now = datetime.now(UTC)
    minutes = [now - timedelta(minutes=minute) for minute in range(1, 9)]
    record(
        [event(occurred_at=minute, outcome="blocked", fallback=None) for minute in minutes for _ in range(20)],
        [traffic(start=minute.replace(second=0, microsecond=0), requests=40) for minute in minutes],
    )
    page = viewer.get("/").content.decode()
    assert f'href="{PAGE}">Look at the route' in page


def test_whoever_is_signed_out_is_sent_to_the_login(static_files: None, database: None) -> None:
    assert Client().get(PAGE).headers["Location"] == f"/login?next={PAGE}"
    assert Client().post(f"{PAGE}/approve").status_code == 302
