"""Invitations: admins make a link, and whoever has it joins by it."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.contrib.auth import login
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from dashboard import who_may
from dashboard.people import roles
from dashboard.views.who_asks import who_asks
from dashboard.words import names
from fallbacks import members
from fallbacks.members import NotGood
from fallbacks.models import Invitation, User
from fallbacks.not_now import NotNow
from fallbacks.permissions import MANAGE_PEOPLE

# What a link is for where nobody ticked anything yet.
USUAL = ("viewer",)
BACKEND = "fallbacks.people.WithRoles"
# The address holds the token, so no other address is told it, not even one of ours, whose server may log it. Not
# "no-referrer": then browsers send the form with the origin "null", and it is refused as another site's.
REFERRER = "strict-origin"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: HttpRequest) -> HttpResponse:
    """Show the form; a POST makes the link, which this answer alone shows."""
    if request.method != "POST":
        return form(request, USUAL)
    chosen, note = request.POST.getlist("role"), request.POST.get("note", "")
    try:
        made = members.invite(who_asks(request), chosen, note)
    except NotNow as refused:
        return form(request, chosen, note=note, refused=str(refused))
    link = request.build_absolute_uri(reverse("invited", args=[made.token]))
    return render(request, "pages/invite.html", {"link": link, "invitation": made.invitation})


def form(request: HttpRequest, chosen: Any, **said: str) -> HttpResponse:
    """Render the form to make a link."""
    context = {"choices": roles.choices(chosen), "good_for": members.GOOD_FOR, "most": members.MOST_NOTE, **said}
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
        answer = not_good(request, bad.invitation)
    answer["Referrer-Policy"] = REFERRER
    return answer


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
                login(request, person, BACKEND)
                return redirect("overview")
    context = {"invitation": invitation, "name": name, "problems": problems}
    return render(request, "pages/invited.html", context)


def wrong(name: str, password: str, again: str) -> Mapping[str, list[str]]:
    """Return what is wrong with what was typed, by field. One query."""
    found: dict[str, list[str]] = {}
    if problem := members.name_problem(name):
        found["username"] = [problem]
    try:
        validate_password(password, User(username=name))
    except ValidationError as error:
        found["password"] = error.messages
    else:
        if password != again:
            found["again"] = ["It is not the same as above: type both again."]
    return found


def not_good(request: HttpRequest, invitation: Invitation | None) -> HttpResponse:
    """Say why nobody can join by a link, and whom to ask for another."""
    context: dict[str, Any] = {"state": invitation.state if invitation else "unknown", "good_for": members.GOOD_FOR}
    if invitation is not None:
        by = invitation.invited_by
        context["whom"] = by.known_as if by.may(MANAGE_PEOPLE) else names(who_may.people("admin")[0]) or "an admin"
    return render(request, "pages/invited.html", context, status=410 if invitation else 404)
