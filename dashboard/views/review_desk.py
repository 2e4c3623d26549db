"""The desk, for reviewers and admins: one sample, what the reviewer says of it, and on to the next."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from dashboard.reviews import desk, marking, pending
from dashboard.reviews.marking import Typed
from dashboard.views.who_asks import who_asks
from fallbacks import review_queue, scoring
from fallbacks.models import PassedOver, Sample, User
from fallbacks.reading import Refused, says_something
from fallbacks.review_queue import NotHeld
from fallbacks.scoring import Scored

# While somebody works, what they hold is renewed this often.
RENEWED_EVERY = 240  # seconds


@never_cache
@require_safe
def sample(request: HttpRequest, number: int) -> HttpResponse:
    """Show a sample that one holds; one that was scored, as it was; of another, why it is not shown."""
    who = who_asks(request)
    found = one(number)
    if is_held(found, who):
        return at_work(request, found, Typed())
    if review := desk.review_by(found, who):
        context = desk.shown(found, marking.said(review))
        return answer(request, "sample_said", {**context, "review": review, "others": desk.neighbours(found, who)})
    return answer(request, "sample_elsewhere", elsewhere(found, who))


def one(number: int) -> Sample:
    return get_object_or_404(Sample.objects.select_related("workload", "held_by"), id=number)


def is_held(found: Sample, who: User) -> bool:
    """Tell whether this reviewer holds the sample now."""
    return found.held_by_id == who.pk and found.held_until is not None and found.held_until > timezone.now()


def at_work(request: HttpRequest, found: Sample, typed: Typed, status: int = 200, **more: Any) -> HttpResponse:
    """Show a sample with what is marked so far."""
    who = who_asks(request)
    context = {
        **desk.shown(found, typed),
        "progress": desk.progress(found.id, found.batch, who),
        "others": desk.neighbours(found, who),
        **desk.counting(found),
        "most_comment": scoring.MOST_COMMENT,
        "seconds_left": desk.seconds_left(found.held_until) if is_held(found, who) else 0,
        "renewed_every": RENEWED_EVERY,
        **more,
    }
    return answer(request, "desk", context, status)


def answer(request: HttpRequest, part: str, context: dict[str, Any], status: int = 200) -> HttpResponse:
    """Answer with the page, or with its main part alone where only that changes."""
    if "HX-Request" in request.headers:
        return render(request, f"partials/{part}.html", context, status=status)
    return render(request, "pages/desk.html", {**context, "part": f"partials/{part}.html"}, status=status)


def elsewhere(found: Sample, who: User) -> dict[str, Any]:
    """Return why a sample is not this reviewer's, and what they can do about it. Two queries."""
    now = timezone.now()
    is_others = found.held_until is not None and found.held_until > now and found.held_by_id != who.pk
    skipped = PassedOver.objects.filter(sample=found, reviewer=who).first()
    is_open = found.scored_at is None and found.texts_removed_at is None
    return {
        "sample": found,
        "skipped": skipped,
        "is_others": is_others,
        "is_free": is_open and not is_others and skipped is None,
        "others": desk.neighbours(found, who),
        # Whose it was last has read it; to anybody else a refusal tells no more than the page of the sample does.
        "is_hidden": found.held_by_id != who.pk,
    }


@require_POST
def score(request: HttpRequest, number: int) -> HttpResponse:
    """Store what the reviewer says, and go on to the next; what is refused loses nothing that was marked."""
    who = who_asks(request)
    found = one(number)
    typed = marking.typed(found, request.POST)
    if "again" in request.POST:
        review_queue.take_up(who, number)
    try:
        fallback, primary = (typed.scores.get(role) for role in marking.ROLES)
        done = scoring.score(number, who, fallback or marking.NOTHING, primary, typed.comment)
    except Refused as refused:
        return at_work(request, one(number), typed.refused(refused.problems), 422)
    except NotHeld:
        if desk.review_by(found, who):
            messages.info(request, "You had sent this one already: what you said first counts.")
            return onward(request, found, who)
        found = one(number)
        # What was marked stays for who has marked something.
        if not typed.comment and not any(each.marks or each.passed is not None for each in typed.scores.values()):
            return answer(request, "sample_elsewhere", elsewhere(found, who), 409)
        return at_work(request, found, typed, 409, lost=elsewhere(found, who))
    pending.forget()
    # Whoever sends is at work: the rest stays theirs.
    review_queue.renew(who)
    tell(request, found, done)
    return onward(request, found, who)


def tell(request: HttpRequest, found: Sample, done: Scored) -> None:
    """Say on the next page which was the fallback, and what the score did."""
    messages.success(request, desk.told(found, done.review))
    if done.suspended:
        messages.warning(
            request,
            f"The route of {found.workload.slug} is suspended now: too few of its newest samples passed. No answer by"
            f" {found.fallback} should reach users until it is approved again.",
        )


@require_POST
def skip(request: HttpRequest, number: int) -> HttpResponse:
    """Leave a sample to others, with a reason, and go on to the next."""
    who = who_asks(request)
    found = one(number)
    if not says_something(reason := request.POST.get("reason", "")):
        messages.error(request, "Not skipped: say why, so that whoever gets it next knows.")
        return redirect("review-sample", number)
    try:
        review_queue.skip(number, who, reason)
    except NotHeld as lost:
        messages.error(request, str(lost))
        return redirect("review-sample", number)
    review_queue.renew(who)
    messages.success(request, "Skipped: it is left to others, and you are not given it again.")
    return onward(request, found, who)


def onward(request: HttpRequest, found: Sample, who: User) -> HttpResponse:
    """Go on to the next sample that is held, and after the last to what came of them all."""
    following = desk.neighbours(found, who).following
    if following is not None:
        return redirect("review-sample", following)
    address = f"{reverse('reviews')}?done={found.batch}"
    if "HX-Request" in request.headers:
        return HttpResponseClientRedirect(address)
    return redirect(address)
