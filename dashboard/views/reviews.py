"""The review queue, for reviewers and admins: what waits, claiming some of it, and giving it back."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from dashboard import errors
from dashboard import words as writing
from dashboard.reviews import desk, queue, words
from dashboard.timezone import current
from dashboard.views.who_asks import who_asks
from fallbacks import review_queue
from fallbacks.reading import HIGHEST_ROW, says_something, whole_number
from fallbacks.sampling import REASONS


@never_cache
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """List what waits by workload and reason of sampling, and what one holds; for a refresh that alone."""
    who = who_asks(request)
    workload, reason = narrowed(request.GET)
    now = timezone.now()
    context = {
        **queue.of(who, workload, reason, now),
        "workload": workload,
        "reason": reason,
        "done": queue.done(request.GET["done"], who) if "done" in request.GET else None,
        "now": now,
    }
    folder = "partials" if "HX-Request" in request.headers else "pages"
    return render(request, f"{folder}/reviews.html", context)


def narrowed(asked: QueryDict) -> tuple[str, str]:
    """Return the workload and the reason of sampling that are asked for; empty is any."""
    reason = asked.get("reason", "")
    return asked.get("workload", "").replace("\0", "")[:64], reason if reason in REASONS else ""


@require_POST
def claim(request: HttpRequest) -> HttpResponse:
    """Claim as many as one can hold, and open the first; where none is free, say so."""
    who = who_asks(request)
    workload, reason = narrowed(request.POST)
    sample, counts = number(request.POST), only_counting(request.POST)
    if request.POST.get("reason", "") != reason:
        raise errors.Unclear(
            "reason is none that samples are picked for.",
            f"Nothing was claimed. Leave it out, or send one of: {', '.join(REASONS)}.",
        )
    batch = review_queue.claim(who, workload, reason, sample=sample, counts=counts)
    if batch is None and review_queue.held(who).count() >= review_queue.MOST_CLAIMED:
        messages.info(request, f"You hold {words.samples(review_queue.MOST_CLAIMED)}, the most: score them first.")
        return redirect("reviews")
    if batch is None:
        messages.info(request, nothing_free(workload, sample))
        return back_to_queue(workload, reason)
    first = next((each.id for each in review_queue.in_order(who) if each.batch == batch), None)
    return redirect("review-sample", first) if first else redirect("reviews")


def number(sent: QueryDict) -> int | None:
    """Return the number of the sample that a form names; None where it names none. Raises Unclear.

    Whoever names one that cannot be read means that one, and not all.
    """
    text = sent.get("sample")
    found = None if text is None else whole_number(text, HIGHEST_ROW)
    if text is not None and found is None:
        raise errors.Unclear(
            "sample is not the number of a sample.", "Nothing was done. Leave it out, or name one, such as sample=12."
        )
    return found


def only_counting(sent: QueryDict) -> bool | None:
    """Return whether a form asks for what counts for its route alone, or for the rest alone; None where for both.

    Raises Unclear.
    """
    text = sent.get("counts", "")
    if text not in ("", "yes", "no"):
        raise errors.Unclear("counts is neither yes nor no.", "Nothing was claimed. Leave it out to claim either.")
    return text == "yes" if text else None


def nothing_free(workload: str, sample: int | None) -> str:
    if sample is not None:
        return "This sample is not free any more: somebody was quicker, or you have scored or skipped it."
    of = f" of {workload}" if workload else ""
    return f"Nothing{of} is free for you just now: others hold it, or you have scored or skipped it."


def back_to_queue(workload: str = "", reason: str = "") -> HttpResponseRedirect:
    query = QueryDict(mutable=True)
    query.update({name: value for name, value in (("workload", workload), ("reason", reason)) if value})
    return HttpResponseRedirect(f"{reverse('reviews')}?{query.urlencode()}" if query else reverse("reviews"))


@require_POST
def hand_back(request: HttpRequest) -> HttpResponse:
    """Give back one sample, or all that one holds, for anybody to claim."""
    who = who_asks(request)
    sample = number(request.POST)
    if not says_something(reason := request.POST.get("reason", "")):
        messages.error(request, "Not handed back: say why, so that others know.")
        return redirect("review-sample", sample) if sample else redirect("reviews")
    count = review_queue.hand_back(who, reason, None if sample is None else [sample])
    if count:
        are = "is" if count == 1 else "are"
        messages.success(request, f"{words.samples(count)} {are} handed back, for anybody to claim.")
    else:
        messages.info(request, "Nothing was handed back: you hold nothing of it any more.")
    following = next((each.id for each in review_queue.in_order(who)), None) if sample else None
    return redirect("review-sample", following) if following else redirect("reviews")


@require_POST
def renew(request: HttpRequest) -> HttpResponse:
    """Hold what one holds for another half hour; `again`: also what ran out and nobody has claimed since.

    Answers a program with the seconds that are left of the sample that is open, others with its page.
    """
    who = who_asks(request)
    sample = number(request.POST) or 0
    if "again" in request.POST:
        review_queue.take_up(who, sample)
    else:
        review_queue.renew(who)
    until = review_queue.held(who).filter(id=sample).values_list("held_until", flat=True).first()
    if "application/json" not in request.headers.get("Accept", ""):
        return redirect("review-sample", sample) if sample else redirect("reviews")
    if until is None:
        lost = review_queue.why_not_held(sample, who)
        return JsonResponse(errors.body(lost.code, str(lost)), status=409)
    return JsonResponse({"seconds": desk.seconds_left(until), "until": writing.clock(until, current())})
