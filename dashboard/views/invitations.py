"""Invitations: admins make a link, and whoever has it joins by it."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.people import roles
from dashboard.views import links
from dashboard.views.who_asks import who_asks
from fallbacks import members
from fallbacks.links import NotGood
from fallbacks.models import Invitation, User
from fallbacks.not_now import NotNow
from fallbacks.reading import HIGHEST_ROW, whole_number

# What a link is for where nobody ticked anything yet.
USUAL = ("viewer",)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: HttpRequest) -> HttpResponse:
    """Show the form, filled in for whoever is invited again; a POST makes the link, which this answer alone shows."""
    if request.method != "POST":
        lapsed = lapsed_invitation(request.GET.get("again", ""))
        return form(request, lapsed.roles, note=lapsed.note) if lapsed else form(request, USUAL)
    chosen, note = request.POST.getlist("role"), request.POST.get("note", "")
    try:
        made = members.invite(who_asks(request), chosen, note)
    except NotNow as refused:
        return form(request, chosen, note=note, refused=str(refused))
    link = request.build_absolute_uri(reverse("invited", args=[made.token]))
    return render(request, "pages/invite.html", {"link": link, "invitation": made.link})


def lapsed_invitation(number: str) -> Invitation | None:
    """Return the invitation of which the time ran out and which is to be made again; None where there is none."""
    found = whole_number(number, HIGHEST_ROW)
    return None if found is None else members.lapsed_invitations().filter(pk=found).first()


def form(request: HttpRequest, chosen: Any, **said: str) -> HttpResponse:
    """Render the form to make a link."""
    good_for = links.good_for_words(members.GOOD_FOR)
    context = {"choices": roles.choices(chosen), "good_for": good_for, "most": members.MOST_NOTE, **said}
    return render(request, "pages/invite.html", context)


@require_POST
def withdraw(request: HttpRequest, number: int) -> HttpResponse:
    """Make a link useless."""
    try:
        members.withdraw(number, who_asks(request))
    except NotNow as refused:
        messages.info(request, str(refused))
    else:
        messages.success(request, "Withdrawn: nobody can join by that link any more.")
    return redirect("people")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invited(request: HttpRequest, token: str) -> HttpResponse:
    """Show who was invited the form to join by; a POST makes them somebody who is signed in."""
    try:
        invitation = members.invitation_of(token)
        answer = joining(request, token, invitation)
    except NotGood as bad:
        answer = links.over(request, "pages/invited.html", bad.link, members.GOOD_FOR)
    return links.told_nowhere(answer)


def joining(request: HttpRequest, token: str, invitation: Invitation) -> HttpResponse:
    """Show the form, or make the person. Raises NotGood where somebody else was quicker."""
    if request.user.is_authenticated:
        # It would make a second person of one, who could then approve what the first asked for.
        return render(request, "pages/invited.html", {"invitation": invitation, "elsewhere": True})
    name = request.POST.get("username", "").strip()
    problems: Mapping[str, list[str]] = {}
    if request.method == "POST":
        password = request.POST.get("password", "")
        problems = wrong(name, password, request.POST.get("again", ""))
        if not problems:
            try:
                person = members.accept(token, name, password)
            except NotNow as refused:
                problems = {"username": [str(refused)]}
            else:
                login(request, person, links.BACKEND)
                return redirect("overview")
    context = {"invitation": invitation, "name": name, "problems": problems}
    return render(request, "pages/invited.html", context)


def wrong(name: str, password: str, again: str) -> Mapping[str, list[str]]:
    """Return what is wrong with what was typed, by field. One query."""
    problem = members.name_problem(name)
    return {
        **({"username": [problem]} if problem else {}),
        **links.wrong_password(User(username=name), password, again),
    }
