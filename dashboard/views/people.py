"""People, for admins: everybody, and one of them, whose roles are changed and who is deactivated."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import logout
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from dashboard.people import listing as everybody
from dashboard.people import roles
from dashboard.views import links
from dashboard.views.who_asks import who_asks
from dashboard.words import names
from dashboard.words import number as written
from fallbacks import key_ring, members, resets, review_queue
from fallbacks.models import ApiKey, RouteRequest, User
from fallbacks.models.user import with_roles
from fallbacks.not_now import NotNow
from fallbacks.permissions import MANAGE_PEOPLE, ROLES
from fallbacks.ways_in import ways_in


@never_cache
@require_safe
def listing(request: HttpRequest) -> HttpResponse:
    """Show everybody, and whom one waits for: invitations that are open, and those whose time has just run out."""
    typed = request.GET.get("q", "")
    context = {
        "page": everybody.page(typed, request.GET.get("after", "")),
        "counts": everybody.counts(),
        "invitations": members.open_invitations(),
        "lapsed": members.lapsed_invitations(),
        "shown_for": members.SHOWN_FOR,
        "typed": typed,
        "after": request.GET.get("after", ""),
    }
    return render(request, "pages/people.html", context)


@never_cache
@require_safe
def one(request: HttpRequest, number: int) -> HttpResponse:
    """Show somebody: what they may do, how they sign in, and what happens when they go."""
    return shown(request, number)


def shown(request: HttpRequest, number: int, refused: str = "", chosen: list[str] | None = None) -> HttpResponse:
    """Render somebody's page; `refused` says why nothing was changed, `chosen` are the roles that were sent."""
    person = with_roles(User.objects.filter(pk=number)).first()
    if person is None:
        raise Http404
    ways = ways_in([person])[person.pk]
    chooses = resets.chooses_password(person)
    context: dict[str, Any] = {
        "person": person,
        "held": person.roles(),
        "choices": roles.choices(person.roles() if chosen is None else chosen),
        "ways": ways,
        "is_self": person == request.user,
        "is_last": members.is_last_admin(person),
        "samples": review_queue.held(person).count(),
        "requests": RouteRequest.objects.filter(asked_by=person, state=RouteRequest.State.OPEN).count(),
        "invitations": members.open_invitations().filter(invited_by=person).count(),
        "keys": ApiKey.objects.filter(key_ring.in_state("good", timezone.now()), owner=person).count(),
        "reset": resets.open_for(person),
        "chooses": chooses,
        "can_help": chooses or any(way in resets.SECOND_FACTORS for way in ways),
        "good_for": links.good_for_words(resets.GOOD_FOR),
        "refused": refused,
    }
    return render(request, "pages/person.html", context, status=409 if refused else 200)


@require_POST
def change_roles(request: HttpRequest, number: int) -> HttpResponse:
    """Give somebody the roles that are ticked."""
    chosen = request.POST.getlist("role")
    try:
        person = members.change_roles(number, chosen, request.POST.get("seen", "").split(), who_asks(request))
    except NotNow as refused:
        # What was ticked is kept but where somebody else changed it: there one must look again.
        return shown(request, number, str(refused), None if refused.code == "changed" else chosen)
    if person == request.user and not person.may(MANAGE_PEOPLE):
        return redirect("overview")
    held = names(person.roles(), most=len(ROLES))
    now = f"is {held} from now on." if held else "has no role any more: nothing is open to them."
    messages.success(request, f"{person.known_as} {now}")
    return redirect("person", number)


@require_POST
def deactivate(request: HttpRequest, number: int) -> HttpResponse:
    """Shut somebody out."""
    try:
        gone = members.deactivate(number, who_asks(request))
    except NotNow as refused:
        return shown(request, number, str(refused))
    if gone.person == request.user:
        # Their session is gone: what this request has changed in it must not be saved.
        logout(request)
        return redirect("login")
    freed = f" What they held for review, {written(gone.samples)} in all, is free for others." if gone.samples else ""
    messages.success(request, f"{gone.person.known_as} is deactivated and signed out everywhere.{freed}")
    return redirect("person", number)


@require_POST
def reactivate(request: HttpRequest, number: int) -> HttpResponse:
    """Let somebody in again."""
    try:
        person = members.reactivate(number, who_asks(request))
    except NotNow as refused:
        return shown(request, number, str(refused))
    messages.success(request, f"{person.known_as} can sign in again.")
    return redirect("person", number)
