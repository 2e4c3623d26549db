"""The review queue and the desk: what reviewers see, claim, score, skip and hand back, with scripts and without."""

import re
import unicodedata
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone

from dashboard.reviews import differences, pending, words
from dashboard.reviews.differences import marked
from dashboard.templatetags.reviews import breakable
from fallbacks import review_queue
from fallbacks.models import CatalogueModel, Review, Sample, User
from fallbacks.scoring import Score, score
from tests import reviews
from tests.conftest import Person
from tests.dashboard import stage
from tests.dashboard.stage import shown, text_of
from tests.policy import on_the_way as way
from tests.policy import stored
from tests.reviews import CRITERIA, reviewer, sampled

pytestmark = pytest.mark.usefixtures("database")
no_memory = stage.no_memory
QUEUE = "/reviews"
MOST_QUERIES = 12
HOSTILE = "<script>alert(1)</script>"
GOOD = Score(dict.fromkeys(CRITERIA, "pass"), True)


@pytest.fixture
def client(person: Person) -> Client:
    return person("reviewer")


def me() -> User:
    return User.objects.get(username="reviewer")


def desk(sample: Sample, *more: str) -> str:
    return "/".join([f"/reviews/samples/{sample.id}", *more])


def form(**over: str) -> dict[str, str]:
    """All marks of two answers and two criteria."""
    sides = {f"{side}-{name}": "pass" for side in "ab" for name in (0, 1, "overall")}
    return sides | {"comment": ""} | {name.replace("_", "-"): value for name, value in over.items()}


def follow(client: Client, path: str, data: dict[str, str] | None = None, **headers: str) -> tuple[str, str]:
    """Send a form; return where it led, and the text of that page."""
    answer: Any = client.post(path, data or {}, follow=True, headers=headers)
    assert answer.status_code == 200
    return answer.redirect_chain[-1][0], text_of(answer.content)


# The queue


def test_the_queue_says_what_waits_by_workload_and_reason(client: Client) -> None:
    samples = sampled(22, user_visible=False)
    Sample.objects.filter(id__in=[each.id for each in samples[:2]]).update(
        due_at=timezone.now() - timedelta(hours=3, minutes=1)
    )
    review_queue.claim(reviewer("dana"), most=5)
    text = shown(client, QUEUE)
    assert "22 samples wait for review 2 of them are overdue." in text
    assert "5 are held by others. 17 are free for you." in text
    assert re.search(
        r"support-chat First answers of a new pair nobody has looked at .* 20 5 2 .* overdue by 3 h 1 min Claim 15",
        text,
    )
    assert re.search(r"Share the policy's share of all answers 2 0 0 .* due in 2 days 23 h Claim 2", text)


def test_the_queue_is_narrowed_to_a_workload_and_a_reason(client: Client) -> None:
    sampled(22, user_visible=False)
    text = shown(client, QUEUE, workload="support-chat", reason="share")
    assert "2 samples of support-chat wait for review" in text
    assert "nobody has looked" not in text
    assert "Nothing waits that matches" in shown(client, QUEUE, reason="violation")
    assert "Nothing of batch-extraction waits" in shown(client, QUEUE, workload="batch-extraction")
    # What is no reason narrows nothing.
    assert "22 samples wait" in shown(client, QUEUE, reason="none such")


def test_a_refresh_answers_the_queue_alone(client: Client) -> None:
    sampled(3)
    answer = client.get(QUEUE, {"workload": "support-chat"}, headers={"hx-request": "true"})
    assert b"<html" not in answer.content
    assert "3 samples of support-chat wait for review" in text_of(b"<main>" + answer.content)


def test_an_empty_queue_says_where_samples_come_from(client: Client) -> None:
    text = shown(client, QUEUE)
    assert "Nothing waits for review" in text
    assert "where a policy asks for a share of answers and services send their texts. See what policies ask for" in text


def test_a_press_claims_and_opens_the_first(client: Client) -> None:
    samples = sampled(3)
    where, text = follow(client, "/reviews/claim", {"workload": "support-chat", "reason": "first"})
    assert where == desk(samples[0])
    assert "Sample 1 of 3" in text
    assert "Yours for 30 min, until" in text
    text = shown(client, QUEUE)
    assert re.search(r"Yours .* 3 left, yours for (29|30) min, until", text)
    assert "Go on with yours: 3 left" in text


def test_nothing_free_is_said(client: Client) -> None:
    (sample,) = sampled()
    review_queue.claim(reviewer("dana"))
    where, text = follow(client, "/reviews/claim", {"workload": "support-chat"})
    assert where == f"{QUEUE}?workload=support-chat"
    assert "Nothing of support-chat is free for you just now: others hold it" in text
    assert "None free for you" in text
    _, text = follow(client, "/reviews/claim", {"sample": str(sample.id)})
    assert "This sample is not free any more" in text
    follow(client, "/reviews/claim", {"workload": "no\0where"})


@pytest.mark.parametrize(
    ("path", "sent", "said"),
    [
        ("claim", {"sample": "12x"}, "sample is not the number of a sample."),
        ("claim", {"sample": ""}, "sample is not the number of a sample."),
        ("claim", {"sample": "9" * 30}, "sample is not the number of a sample."),
        ("claim", {"reason": "none such"}, "reason is none that samples are picked for."),
        ("claim", {"counts": "perhaps"}, "counts is neither yes nor no."),
        ("hand-back", {"sample": "12x", "reason": "lunch"}, "sample is not the number of a sample."),
        ("renew", {"sample": "12x"}, "sample is not the number of a sample."),
    ],
)
def test_what_cannot_be_read_claims_and_hands_back_nothing(
    client: Client, path: str, sent: dict[str, str], said: str
) -> None:
    sampled(3)
    review_queue.claim(me(), most=2)
    answer = client.post(f"/reviews/{path}", sent)
    assert answer.status_code == 400
    assert said in text_of(answer.content)
    assert review_queue.held(me()).count() == 2


def test_what_does_not_count_any_more_is_told_apart_and_given_last(client: Client) -> None:
    before = sampled(2)
    Sample.objects.update(due_at=timezone.now() - timedelta(hours=3, minutes=1))
    CatalogueModel.objects.filter(name="baseline-chat").update(reshaped_at=timezone.now())
    (after,) = sampled()
    text = shown(client, QUEUE)
    assert "1 counts for its route as it is now, and is given first. None is overdue." in text
    assert re.search(
        r"looked at this pair of models yet 1 0 0 .* Claim 1 .* does not count for the route as it is", text
    )
    where, text = follow(client, "/reviews/claim")
    assert where == desk(after)
    assert "does not count" not in text
    text = shown(client, desk(before[0]))
    assert "It does not count for the route as it is now: the route was changed" in text
    assert "after this answer." in text
    stored.put_support(fallback=None)
    assert "the policy names no fallback any more." in shown(client, desk(before[0]))
    stored.put_support()
    Sample.objects.update(fallback="gone-chat")
    assert "the policy falls back from premium-chat to baseline-chat now." in shown(client, desk(before[0]))


def test_a_row_claims_what_it_shows(client: Client) -> None:
    before = sampled(2)
    CatalogueModel.objects.filter(name="baseline-chat").update(reshaped_at=timezone.now())
    sampled(2)
    where, _ = follow(client, "/reviews/claim", {"workload": "support-chat", "reason": "first", "counts": "no"})
    assert where == desk(before[0])
    assert [each.id for each in review_queue.held(me())] == [each.id for each in before]


def test_what_is_taken_up_again_is_no_more_than_anybody_may_hold(client: Client) -> None:
    samples = sampled(50)
    follow(client, "/reviews/claim")
    Sample.objects.filter(held_by=me()).update(held_until=timezone.now() - timedelta(seconds=1))
    for sample in samples[20:40]:
        review_queue.claim(me(), sample=sample.id)
    lost = samples[0]
    asked: dict[str, Any] = {"data": {"sample": str(lost.id), "again": "1"}, "headers": {"accept": "application/json"}}
    answer = client.post("/reviews/renew", **asked)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "holds_most")
    assert review_queue.held(me()).count() == 20
    answer = client.post(desk(lost, "score"), form(again="1"))
    assert answer.status_code == 409
    assert "you hold 20 others, the most: score or hand back one of them in another window" in text_of(answer.content)
    text = shown(client, QUEUE)
    assert "You hold 20" in text
    assert "Claim -" not in text
    review_queue.hand_back(me(), "room", [samples[20].id])
    _, text = follow(client, desk(lost, "score"), form(again="1"))
    assert "Sent." in text


def test_what_is_overdue_is_given_first_whatever_it_was_claimed_with(client: Client) -> None:
    samples = sampled(6)
    now = timezone.now()
    # Claimed in two turns: the first has the one that is overdue now, and is not begun with.
    for number in (0, 1, 2):
        review_queue.claim(me(), sample=samples[number].id)
    review_queue.claim(me())
    Sample.objects.filter(id=samples[1].id).update(due_at=now - timedelta(hours=1))
    assert f'href="{desk(samples[1])}"' in client.get(QUEUE).content.decode()
    where, _ = follow(client, desk(samples[4], "score"), form())
    assert where == desk(samples[1])
    where, _ = follow(client, desk(samples[1], "score"), form())
    assert where == desk(samples[0])


def test_nobody_hoards(client: Client) -> None:
    sampled(30)
    follow(client, "/reviews/claim")
    assert review_queue.held(me()).count() == 20
    where, text = follow(client, "/reviews/claim")
    assert where == QUEUE
    assert "You hold 20 samples, the most: score them first." in text
    assert "Claim 10" not in text


def test_what_one_holds_is_handed_back_with_a_reason(client: Client) -> None:
    samples = sampled(3)
    follow(client, "/reviews/claim")
    for reason in (" ", "\u200b"):
        _, text = follow(client, "/reviews/hand-back", {"reason": reason})
        assert "Not handed back: say why" in text
    where, text = follow(client, "/reviews/hand-back", {"reason": "lunch", "sample": str(samples[0].id)})
    assert where == desk(samples[1])
    assert "1 sample is handed back, for anybody to claim." in text
    where, text = follow(client, "/reviews/hand-back", {"reason": "lunch"})
    assert where == QUEUE
    assert "2 samples are handed back" in text
    _, text = follow(client, "/reviews/hand-back", {"reason": "lunch"})
    assert "Nothing was handed back" in text


# The desk


def test_the_desk_shows_both_answers_in_blind_order_with_their_differences(client: Client) -> None:
    sampled(30, tier="pro", masked={"e-mail": 1, "card": 2})
    Sample.objects.update(due_at=timezone.now() + timedelta(hours=22, minutes=1))
    one, other = (Sample.objects.filter(swapped=swapped).earliest("id") for swapped in (False, True))
    for sample, first, second in ((one, "Both payments", "One of the two"), (other, "One of the two", "Both payments")):
        review_queue.claim(me(), sample=sample.id)
        text = shown(client, desk(sample))
        assert re.search(rf"Output A .* Sorry for that\. {first} .* Output B .* Sorry for that\. {second}", text)
        assert "tier pro · overloaded ·" in text
        assert "sampled because: first answers of a new pair" in text
        assert "due in 22 h 1 min" in text or "due in 22 h" in text
        assert "2 card numbers, 1 e-mail address masked" in text
    page = client.get(desk(one)).content.decode()
    assert "Sorry for that. <mark>Both</mark> payments" in page or "<mark>Both payments" in page
    # Nothing tells which is which.
    main = page[page.index('id="desk-form"') :]
    assert (
        "fallback" not in re.sub(r"Which of them is the fallback is shown after you send", "", main).split("</form>")[0]
    )


def test_one_answer_is_one_column(client: Client) -> None:
    (sample,) = sampled(primary_output=None, input=None)
    follow(client, "/reviews/claim")
    text = shown(client, desk(sample))
    assert "Output B" not in text
    assert "The fallback's answer" in text
    assert "The service sent no text of what was asked." in text
    _, text = follow(client, desk(sample, "score"), {"a-0": "pass", "a-1": "na", "a-overall": "pass"})
    assert "Sent: you found it good enough. It was baseline-chat's answer in the place of premium-chat's." in text


def test_equal_answers_are_said_to_be_equal(client: Client) -> None:
    (sample,) = sampled(primary_output=reviews.FALLBACK)
    follow(client, "/reviews/claim")
    assert "Both answers are the same, word for word." in shown(client, desk(sample))


@pytest.mark.parametrize("swapped", [False, True])
def test_marks_are_of_the_answer_on_their_side_whichever_that_is(client: Client, swapped: bool) -> None:
    (sample,) = sampled()
    Sample.objects.update(swapped=swapped)
    follow(client, "/reviews/claim")
    sent = form(a_0="fail", a_overall="fail", b_1="na", comment="A is wrong")
    where, text = follow(client, desk(sample, "score"), sent)
    review = Review.objects.get()
    a = {"correct": "fail", "tone": "pass"}, False
    b = {"correct": "pass", "tone": "na"}, True
    assert (review.marks, review.passed) == (b if swapped else a)
    assert (review.primary_marks, review.primary_passed) == (a if swapped else b)
    letter, thought = ("B", "good enough") if swapped else ("A", "not good enough")
    assert f"Sent. {letter} was the fallback's answer, by baseline-chat: you found it {thought}." in text
    assert where.startswith(f"{QUEUE}?done=")


def test_after_sending_comes_the_next_and_after_the_last_what_came_of_them(client: Client) -> None:
    samples = sampled(4)
    follow(client, "/reviews/claim", {"reason": "first"})
    where, text = follow(client, desk(samples[1], "score"), form())
    assert where == desk(samples[2])
    assert "Sample 3 of 4" in text
    where, _ = follow(client, desk(samples[2], "score"), form(a_overall="fail", b_overall="fail", comment="both wrong"))
    where, text = follow(client, desk(samples[3], "skip"), {"reason": "I know who asked"})
    # The one that was passed on the way.
    assert where == desk(samples[0])
    assert "Skipped: it is left to others, and you are not given it again." in text
    sampled(2)
    where, text = follow(client, desk(samples[0], "score"), form())
    assert where.startswith(f"{QUEUE}?done=")
    assert "All done You scored 3: 2 good enough, 1 not. You skipped 1. 2 more are free. Claim 2 more" in text


def test_what_others_did_is_no_summary_of_mine(client: Client) -> None:
    (sample,) = sampled()
    dana = reviewer("dana")
    batch = review_queue.claim(dana)
    score(sample.id, dana, GOOD, GOOD, "")
    for name in (batch, uuid4(), "no name", "x\0"):
        assert "All done" not in shown(client, QUEUE, done=name)


def test_what_is_missing_is_said_beside_its_field_and_nothing_is_lost(client: Client) -> None:
    (sample,) = sampled()
    follow(client, "/reviews/claim")
    partly = {"a-0": "fail", "b-overall": "pass", "comment": "as I said"}
    answer = client.post(desk(sample, "score"), partly)
    assert answer.status_code == 422
    text, page = text_of(answer.content), answer.content.decode()
    assert "Not sent: 4 marks are missing." in text
    assert text.count("Mark tone: pass, fail or not applicable.") == 2
    assert text.count("Mark correct: pass, fail or not applicable.") == 1
    assert text.count("Say whether it is good enough: pass or fail.") == 1
    assert re.search(r'name="a-0" value="fail" checked', page)
    assert re.search(r'name="b-overall" value="pass" checked', page)
    assert "as I said</textarea>" in page
    for comment in ("", " ", "\u200b", "\u2800 ."):
        answer = client.post(desk(sample, "score"), form(b_overall="fail", comment=comment))
        assert "Say what is wrong: whoever mends it was not here." in text_of(answer.content)
    assert not Review.objects.exists()


def test_a_comment_may_be_as_long_as_the_field_says(client: Client) -> None:
    first, second = sampled(2)
    follow(client, "/reviews/claim")
    found = re.search(r'<textarea[^>]* maxlength="(\d+)"', client.get(desk(first)).content.decode())
    assert found is not None
    most = int(found[1])
    follow(client, desk(first, "score"), form(comment="x\r\n" * (most // 2)))
    answer = client.post(desk(second, "score"), form(comment="x" * (most + 1)))
    assert (answer.status_code, Review.objects.count()) == (422, 1)


def test_a_lost_lease_says_so_keeps_the_marks_and_can_be_taken_up_again(client: Client) -> None:
    (sample,) = sampled()
    follow(client, "/reviews/claim")
    Sample.objects.update(held_until=timezone.now() - timedelta(seconds=1))
    sent = form(a_0="fail", comment="as I said")
    answer = client.post(desk(sample, "score"), sent)
    assert answer.status_code == 409
    text, page = text_of(answer.content), answer.content.decode()
    assert "Not sent: this sample is not yours any more. The half hour is over, but nobody has claimed it since" in text
    assert re.search(r'name="a-0" value="fail" checked', page)
    assert "as I said</textarea>" in page
    _, text = follow(client, desk(sample, "score"), sent | {"again": "1"})
    assert "Sent." in text
    assert Review.objects.get().comment == "as I said"


def test_when_the_half_hour_is_over_the_one_button_and_its_key_take_it_up_again(client: Client) -> None:
    (sample,) = sampled()
    follow(client, "/reviews/claim")
    buttons = re.compile(r"<(?:button|a) class=\"btn btn-primary\"[^>]*>")

    def with_key(page: str) -> list[str]:
        foot = page[page.index("foot-bar") :]
        return [tag for tag in buttons.findall(foot) if 'data-key="Enter"' in tag and " hidden" not in tag]

    (tag,) = with_key(client.get(desk(sample)).content.decode())
    assert 'name="again"' not in tag
    Sample.objects.update(held_until=timezone.now() - timedelta(seconds=1))
    (tag,) = with_key(client.post(desk(sample, "score"), form()).content.decode())
    assert 'name="again"' in tag
    review_queue.claim(reviewer("dana"))
    (tag,) = with_key(client.post(desk(sample, "score"), form()).content.decode())
    assert tag.startswith(f'<a class="btn btn-primary" href="{QUEUE}"')


@pytest.mark.parametrize("so", ["others", "free", "lapsed with another", "scored"])
def test_who_does_not_hold_a_sample_gets_none_of_its_texts_by_scoring_it(client: Client, so: str) -> None:
    (sample,) = sampled(input="SECRET", output="SECRET", primary_output="SECRET two", tier="SECRET")
    dana = reviewer("dana")
    if so != "free":
        review_queue.claim(dana)
    if so == "lapsed with another":
        Sample.objects.update(held_until=timezone.now() - timedelta(seconds=1))
    if so == "scored":
        score(sample.id, dana, GOOD, GOOD, "")
    answer = client.post(desk(sample, "score"), {"a-0": "fail", "comment": "as I said"})
    assert answer.status_code == 409
    page = answer.content.decode()
    assert "SECRET" not in page
    assert "as I said</textarea>" in page
    assert "Not shown any more: a sample is shown to whoever holds it." in page


def test_what_somebody_else_has_claimed_since_is_not_taken_back(client: Client) -> None:
    (sample,) = sampled()
    follow(client, "/reviews/claim")
    Sample.objects.update(held_until=timezone.now() - timedelta(seconds=1))
    dana = reviewer("dana")
    review_queue.claim(dana)
    answer = client.post(desk(sample, "score"), form() | {"again": "1"})
    assert answer.status_code == 409
    assert "Somebody else holds it now." in text_of(answer.content)
    score(sample.id, dana, Score(dict.fromkeys(CRITERIA, "fail"), False), GOOD, "dana's own words")
    text = text_of(client.post(desk(sample, "score"), form()).content)
    assert "Others have scored it meanwhile" in text
    assert "dana's own words" not in text
    assert not Review.objects.filter(reviewer=me()).exists()


def test_a_form_that_is_sent_twice_goes_on(client: Client) -> None:
    first, second = sampled(2)
    follow(client, "/reviews/claim")
    follow(client, desk(first, "score"), form())
    where, text = follow(client, desk(first, "score"), form(a_0="fail"))
    assert where == desk(second)
    assert "what you said first counts" in text
    assert Review.objects.get().marks["correct"] == "pass"


def test_a_route_that_falls_by_a_score_is_said_to_be_suspended(client: Client) -> None:
    reviews.policy(min_reviews=1, pass_rate=1)
    stored.verify()
    way.enable()
    (sample,) = sampled()
    follow(client, "/reviews/claim")
    _, text = follow(client, desk(sample, "score"), form(a_overall="fail", b_overall="fail", comment="no"))
    assert "The route of support-chat is suspended now: too few of its newest samples passed." in text


def test_skipping_needs_a_reason_and_the_sample(client: Client) -> None:
    first, second = sampled(2)
    review_queue.claim(me(), sample=first.id)
    where, text = follow(client, desk(first, "skip"), {"reason": ""})
    assert where == desk(first)
    assert "Not skipped: say why" in text
    _, text = follow(client, desk(first, "skip"), {"reason": "\u200b"})
    assert "Not skipped: say why" in text
    where, text = follow(client, desk(second, "skip"), {"reason": "no"})
    assert where == desk(second)
    assert "This sample is not yours any more" in text


# Samples that are not on one's desk


def test_what_i_scored_is_shown_with_which_was_the_fallback(client: Client) -> None:
    reviews.policy(reviews_required=2)
    (sample,) = sampled()
    Sample.objects.update(swapped=False)
    follow(client, "/reviews/claim")
    follow(client, desk(sample, "score"), form(a_0="fail", a_overall="fail", comment="wrong sum"))
    text = shown(client, desk(sample))
    assert "You scored this sample" in text
    assert "A The fallback, baseline-chat" in text
    assert "B The primary, premium-chat" in text
    assert "correct Fail Pass" in text
    assert "wrong sum" in text
    assert "Others score it too, and do not see what you said." in text


def test_the_second_reviewer_never_sees_what_the_first_said(client: Client) -> None:
    reviews.policy(reviews_required=2)
    (sample,) = sampled()
    dana = reviewer("dana")
    review_queue.claim(dana)
    score(sample.id, dana, Score(dict.fromkeys(CRITERIA, "fail"), False), GOOD, "dana's own words")
    for path in (QUEUE, desk(sample)):
        assert "dana" not in shown(client, path)
    follow(client, "/reviews/claim")
    page = client.get(desk(sample)).content.decode()
    assert "dana" not in page
    assert " checked" not in page


@pytest.mark.parametrize(
    ("so", "said", "claims"),
    [
        ("free", "Nobody holds it", True),
        ("others", "Dana Kim holds it until", False),
        ("skipped", "You said: not my language. It is left to others.", False),
        ("scored", "It is scored", False),
        ("removed", "Its texts are removed", False),
    ],
)
def test_a_sample_that_is_not_mine_says_why_and_offers_to_claim_it(
    client: Client, so: str, said: str, claims: bool
) -> None:
    (sample,) = sampled(output="SECRET", primary_output="SECRET")
    dana = reviewer("dana")
    User.objects.filter(id=dana.id).update(first_name="Dana", last_name="Kim")
    if so in ("others", "scored"):
        review_queue.claim(dana)
    if so == "scored":
        score(sample.id, dana, GOOD, GOOD, "")
    if so == "skipped":
        review_queue.claim(me())
        review_queue.skip(sample.id, me(), "not my language")
    if so == "removed":
        Sample.objects.update(texts_removed_at=timezone.now(), output=None, primary_output=None)
    text = shown(client, desk(sample))
    assert "is not yours" in text
    assert said in text
    assert "SECRET" not in text
    assert ("Claim this one" in text) == claims
    if claims:
        where, text = follow(client, "/reviews/claim", {"sample": str(sample.id)})
        assert where == desk(sample)
        assert "Sample 1 of 1" in text


@pytest.mark.parametrize("path", ["", "/score", "/skip"])
@pytest.mark.parametrize("number", [0, 4711, 10**20])
def test_a_sample_that_is_not_there_is_not_found(client: Client, path: str, number: int) -> None:
    address = f"/reviews/samples/{number}{path}"
    assert (client.post(address, form()) if path else client.get(address)).status_code == 404


# Beside the page


def test_a_program_renews_and_is_told_how_long_it_has(client: Client) -> None:
    (sample,) = sampled()
    follow(client, "/reviews/claim")
    Sample.objects.update(held_until=timezone.now() + timedelta(minutes=1))
    data = {"sample": str(sample.id)}
    asked: dict[str, Any] = {"path": "/reviews/renew", "data": data, "headers": {"accept": "application/json"}}
    answer = client.post(**asked)
    assert 1795 <= answer.json()["seconds"] <= 1800
    assert re.fullmatch(r"\d\d:\d\d", answer.json()["until"])
    Sample.objects.update(held_until=timezone.now() - timedelta(seconds=1))
    assert client.post(**asked).status_code == 409
    data["again"] = "1"
    assert client.post(**asked).status_code == 200
    review_queue.hand_back(me(), "no")
    answer = client.post(**asked)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "not_held")


def test_without_scripts_a_press_renews_and_comes_back(client: Client) -> None:
    (sample,) = sampled()
    follow(client, "/reviews/claim")
    Sample.objects.update(held_until=timezone.now() + timedelta(minutes=1))
    where, text = follow(client, "/reviews/renew", {"sample": str(sample.id)})
    assert where == desk(sample)
    assert "Yours for 30 min" in text or "Yours for 29 min" in text
    assert follow(client, "/reviews/renew")[0] == QUEUE


def test_sending_renews_what_is_left(client: Client) -> None:
    first, second = sampled(2)
    follow(client, "/reviews/claim")
    Sample.objects.update(held_until=timezone.now() + timedelta(minutes=1))
    follow(client, desk(first, "score"), form())
    until = Sample.objects.get(id=second.id).held_until
    assert until is not None
    assert until > timezone.now() + timedelta(minutes=29)


def test_the_next_comes_alone_for_the_page_that_is_there(client: Client) -> None:
    first, second = sampled(2)
    follow(client, "/reviews/claim")
    answer: Any = client.post(desk(first, "score"), form(), follow=True, headers={"hx-request": "true"})
    assert answer.redirect_chain[-1][0] == desk(second)
    assert b"<title>Sample" in answer.content
    assert b"<html" not in answer.content
    last = client.post(desk(second, "score"), form(), headers={"hx-request": "true"})
    assert last.headers["HX-Redirect"].startswith(f"{QUEUE}?done=")


# The navigation


def test_the_navigation_tells_reviewers_how_many_wait(client: Client, person: Person) -> None:
    (sample, *_) = sampled(3)
    link = re.compile(r'href="/reviews"[^>]*data-key="g r"[^>]*>Reviews<span class="count">(.*?)<span')
    found = link.search(client.get("/boundary").content.decode())
    assert found is not None
    assert found[1] == "3"
    follow(client, "/reviews/claim")
    follow(client, desk(sample, "score"), form())
    found = link.search(client.get("/boundary").content.decode())
    assert found is not None
    assert found[1] == "2"
    assert '/reviews"' not in person("viewer").get("/boundary").content.decode()
    assert link.search(person("admin").get("/boundary").content.decode())


def test_the_number_in_the_navigation_is_remembered_for_some_seconds(client: Client) -> None:
    client.get("/boundary")
    remembered = len(stage.asked_of_the_database(client, "/boundary"))
    pending.forget()
    assert len(stage.asked_of_the_database(client, "/boundary")) == remembered + 1


# Frame


def test_whoever_may_not_review_is_told_whom_to_ask(person: Person) -> None:
    (sample,) = sampled(output="SECRET")
    reviewer("tomas", "admin")
    for role in ("viewer", "engineer"):
        client = person(role)
        for path in (QUEUE, desk(sample)):
            answer = client.get(path)
            assert answer.status_code == 403
            text = text_of(answer.content)
            assert "This is for reviewers and admins." in text
            assert "ask an admin (tomas) for the role" in text
            assert "SECRET" not in text


def test_hostile_texts_stay_texts(client: Client) -> None:
    reviews.policy(criteria=[HOSTILE, "a.b"])
    (sample,) = sampled(
        input=HOSTILE, output=HOSTILE + "1", primary_output="2" + HOSTILE, tier=HOSTILE, environment="x",
        masked={HOSTILE: 1},
    )  # fmt: skip
    follow(client, "/reviews/claim")
    pages = [client.get(desk(sample)).content.decode()]
    follow(client, desk(sample, "score"), form(b_1="fail", comment=HOSTILE))
    pages += [client.get(path).content.decode() for path in (desk(sample), QUEUE)]
    assert all("<script>alert" not in page for page in pages)
    assert "&lt;script&gt;alert" in pages[0]
    assert "&lt;script&gt;alert" in pages[1]
    assert Review.objects.get().comment == HOSTILE


def test_the_number_of_queries_does_not_depend_on_what_there_is(client: Client) -> None:
    samples = sampled(60)
    review_queue.claim(me())
    score(samples[0].id, me(), GOOD, GOOD, "")
    for path in (QUEUE, desk(samples[0]), desk(samples[1]), desk(samples[50])):
        pending.forget()
        assert len(stage.asked_of_the_database(client, path)) <= MOST_QUERIES


def test_no_form_is_taken_from_another_site(client: Client) -> None:
    (sample,) = sampled()
    follow(client, "/reviews/claim")
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    for path in ("/reviews/claim", "/reviews/hand-back", "/reviews/renew", desk(sample, "score"), desk(sample, "skip")):
        assert strict.post(path, form()).status_code == 403


def test_a_long_text_is_scrolled_by_itself_and_reached_by_keyboard(client: Client) -> None:
    short, long = sampled(1, input="x"), sampled(1, input="x\n" * 500, output="word " * 1000)
    follow(client, "/reviews/claim")
    region = re.compile(r'<div class="answer is-long" tabindex="0" role="region" aria-label="([^"]*)"')
    assert region.findall(client.get(desk(short[0])).content.decode()) == []
    found = region.findall(client.get(desk(long[0])).content.decode())
    side = "B" if long[0].swapped else "A"
    assert found == ["The text of what was asked", f"The text of output {side}"]


# Words and differences


@pytest.mark.parametrize(
    "text", ["a" * 16384, "!" * 16384, "<b>" * 100, "long" * 60 + " and short", "e\u0301" * 200, ""]
)
def test_what_has_no_blanks_can_be_broken_and_stays_the_same(text: str) -> None:
    runs = [unescape(re.sub("</?span[^>]*>", "", run)) for run in breakable(text).split("<wbr>")]
    assert "".join(runs) == text
    assert all(len(word) <= 97 for run in runs for word in run.split())
    assert not any(unicodedata.combining(run[0]) for run in runs[1:])


def test_what_is_drawn_as_one_is_not_parted_however_long() -> None:
    family = "\U0001f469\u200d\U0001f467" * 200
    marks = "\u0301" * 16384
    for text in (family, marks, "short words only " * 100):
        assert breakable(text) == text


@pytest.mark.parametrize(
    ("first", "second", "shown_first", "shown_second"),
    [
        ("", "", "", ""),
        ("a b", "", "[a b]", ""),
        ("same words", "same words", "same words", "same words"),
        ("I see both payments now.", "I see one of the two payments of 49 now.", "I see [both payments] now.",
         "I see [one of the two payments of 49] now."),
        ("one two three", "one 2 three", "one [two] three", "one [2] three"),
        ("x\n\n y", "x y", "x\n\n y", "x y"),
        ("二つの支払い", "三つの支払い", "[二]つの支払い", "[三]つの支払い"),
    ],
)  # fmt: skip
def test_words_that_differ_are_marked_in_both(first: str, second: str, shown_first: str, shown_second: str) -> None:
    told = ["".join(f"[{text}]" if differs else text for text, differs in side) for side in marked(first, second)]
    assert told == [shown_first, shown_second]


@pytest.mark.parametrize(
    ("first", "second"), [("a " * 8192, "b a " * 4096), ("!" * 16384, "!?" * 8192), ("\n!" * 8192, "\n?!" * 5461)]
)
def test_the_worst_texts_are_compared_and_stay_whole(first: str, second: str) -> None:
    for text, side in zip((first, second), marked(first, second), strict=True):
        assert "".join(piece.text for piece in side) == text


def test_more_words_than_can_be_compared_are_compared_by_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(differences, "MOST_CELLS", 20)
    first, _ = marked("one\ntwo 2\nthree\nfour", "uno\ntwo 2\ntres\nfour")
    assert first == [("one", True), ("\ntwo 2\n", False), ("three", True), ("\nfour", False)]


def test_when_a_sample_is_due_is_said_from_now() -> None:
    now = timezone.now()
    assert words.due(now + timedelta(hours=22), now) == "due in 22 h"
    assert words.due(now - timedelta(hours=3), now) == "overdue by 3 h"
