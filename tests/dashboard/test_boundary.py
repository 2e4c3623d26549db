"""The error boundary: every class with its mark, what was seen of it, and what would be decided."""

import re

import pytest
from django.test import Client

from fallbacks.boundary import CLASSES
from fallbacks.models import Event
from fallbacks.recording import record
from tests.dashboard import stage
from tests.dashboard.stage import shown
from tests.make import NOON, event, traffic

PAGE = "/boundary"
MOST_QUERIES = 12
no_memory = stage.no_memory
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>"


@pytest.fixture
def policy(database: None) -> None:
    """The policy of support-chat, its route enabled."""
    stage.put_models()
    stage.put_policy()
    stage.enable()


def what_if(client: Client, **query: str) -> str:
    """What the box says."""
    asked = {"workload": "support-chat", "status": "529", "attempts": "1"} | query
    text = shown(client, PAGE, **asked)
    return text[text.index("Decide") : text.index("What each rule means")]


def test_every_class_is_there_with_its_mark_its_reason_and_who_acts(viewer: Client) -> None:
    page = viewer.get(PAGE).content.decode()
    assert re.findall(r'<tr role="row" id="c-(\w+)"', page) != []
    assert {*re.findall(r'<tr role="row" id="c-(\w+)"', page)} == {error.name for error in CLASSES}
    text = shown(viewer, PAGE)
    assert "overloaded 529 overloaded overloaded_error +2 capacity_exhausted" in text
    assert "Often if it is a trigger Temporary failure. Provider watch 0" in text
    assert "Maybe after backing off Back off first and fall back only if policy allows it. Capacity owner" in text
    assert "every other 5xx" in text
    assert "Never Failing closed is the right answer at a compliance boundary. Compliance owner" in text
    assert "18 error classes" in text
    assert "None was seen in the last 24 hours in production." in text


def test_what_was_seen_of_each_is_counted_over_the_window(viewer: Client, policy: None) -> None:
    record(
        [
            *(event(user_notified=True) for _ in range(3)),
            event(status="402", user_notified=True),
            event(environment="staging"),
        ],
        [traffic()],
    )
    text = shown(viewer, PAGE)
    assert "2 of them were seen in the last 24 hours in production, in 4 events." in text
    assert "Temporary failure. Provider watch 3" in text
    assert "Billing owner 1 1 broke policy" in text
    assert 'href="/events?broken=1&amp;error_class=quota"' in viewer.get(PAGE).content.decode()
    assert "in 1 event." in shown(viewer, PAGE, environment="staging")


def test_what_may_fall_back_is_decided_with_its_notice(viewer: Client, policy: None) -> None:
    text = what_if(viewer, tier="pro")
    assert "Fall back to baseline-chat: the triggers name overloaded, and the user must be told." in text
    assert "Users are told: A simpler model answered" in text
    assert "529 is of class overloaded. Decided by policy v1. Provider watch acts." in text
    assert "Users are told" not in what_if(viewer, tier="free")


def test_a_code_outdoes_the_status(viewer: Client, policy: None) -> None:
    text = what_if(viewer, status="429", error_code="Insufficient_Quota")
    assert "Fail, do not fall back: the triggers do not name quota (a spent quota" in text
    assert "Insufficient_Quota is of class quota." in text
    assert "Billing owner acts. entitlement" in text
    assert "(bananas is not in the table)" in what_if(viewer, error_code="bananas")


def test_a_rate_limit_is_tried_again_first(viewer: Client, database: None) -> None:
    stage.put_models()
    stage.put_policy(triggers=["rate_limit"], min_attempts=3)
    stage.enable()
    text = what_if(viewer, status="429")
    assert "Try again first, do not fall back yet: rate_limit may fall back after 3 attempts, not after 1." in text
    assert "Fall back to baseline-chat:" in what_if(viewer, status="429", attempts="3")


def test_what_is_not_enabled_or_not_declared_fails_and_says_so(viewer: Client) -> None:
    record([event(workload="newsletter")])
    assert "the workload has no policy." in what_if(viewer, workload="newsletter")
    stage.put_models()
    stage.put_policy()
    assert "the route is not enabled for users." in what_if(viewer)
    assert "Fall back to baseline-chat:" in what_if(viewer, user_visible="no")
    assert "baseline-chat does not take image" in what_if(viewer, user_visible="no", payload_class="image")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"status": "600"}, "Type a status from 100 to 599, or timeout, connection_error or unavailable."),
        ({"status": ""}, "Type a status from 100 to 599"),
        ({"attempts": "0"}, "Type a number from 1 to 100."),
        ({"attempts": "1000000000000"}, "Type a number from 1 to 100."),
        ({"attempts": "²"}, "Type a number from 1 to 100."),
        ({"workload": ""}, "Choose a workload."),
        ({"user_visible": "perhaps"}, "Choose yes, no or as the policy says."),
    ],
)
def test_what_cannot_be_decided_is_said_at_its_field(
    viewer: Client, policy: None, query: dict[str, str], said: str
) -> None:
    text = shown(viewer, PAGE, **({"workload": "support-chat", "status": "529", "attempts": "1"} | query))
    assert said in text
    assert "Nothing was decided." in text


def test_the_address_holds_the_question_and_nothing_is_stored(viewer: Client, policy: None) -> None:
    page = viewer.get(PAGE, {"workload": "support-chat", "status": "529", "attempts": "4", "tier": HOSTILE})
    html = page.content.decode()
    assert 'name="attempts" value="4"' in html
    # The range controls send it along.
    assert '<input type="hidden" name="tier" value="&lt;/script&gt;' in html
    assert "<img" not in html
    assert not Event.objects.exists()


def test_without_a_policy_the_box_says_what_to_do(viewer: Client) -> None:
    text = shown(viewer, PAGE)
    assert "No workload has a policy yet, so nothing may fall back." in text
    assert "none has reported or has a policy yet" in text


def test_the_number_of_queries_does_not_depend_on_what_there_is(viewer: Client, policy: None) -> None:
    few = stage.asked_of_the_database(viewer, PAGE)
    record([event(workload=f"w{n % 20}", status=str(400 + n % 150)) for n in range(400)], [traffic(start=NOON)])
    many = stage.asked_of_the_database(viewer, PAGE, workload="support-chat", status="529")
    assert len(few) <= MOST_QUERIES
    assert len(many) <= MOST_QUERIES
    assert not any('"event"' in query for query in many)


def test_whoever_is_signed_out_is_sent_to_the_login(static_files: None, database: None) -> None:
    assert Client().get(PAGE).headers["Location"] == "/login?next=/boundary"


def test_nothing_can_be_posted_here(viewer: Client) -> None:
    assert viewer.post(PAGE).status_code == 405
