"""Sign-in resets: an admin makes a link for somebody who is locked out, and by it they choose a new password."""

from collections.abc import Mapping

from django.contrib import messages
from django.contrib.auth import login, logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from dashboard.views import links, people
from dashboard.views.who_asks import who_asks
from fallbacks import resets
from fallbacks.links import NotGood
from fallbacks.models import SignInReset
from fallbacks.not_now import NotNow


@never_cache
@require_POST
def make(request: HttpRequest, number: int) -> HttpResponse:
    """Make a link for somebody, which this answer alone shows."""
    try:
        made = resets.make(number, who_asks(request))
    except NotNow as refused:
        return people.shown(request, number, str(refused))
    link = request.build_absolute_uri(reverse("reset", args=[made.token]))
    chooses = resets.chooses_password(made.link.person)
    return render(request, "pages/reset_made.html", {"link": link, "reset": made.link, "chooses": chooses})


@require_POST
def withdraw(request: HttpRequest, number: int) -> HttpResponse:
    """Make the link for somebody useless."""
    try:
        resets.withdraw(number, who_asks(request))
    except NotNow as refused:
        messages.info(request, str(refused))
    else:
        messages.success(request, "Withdrawn: that link is of no use any more, and nothing was changed by it.")
    return redirect("person", number)


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def opened(request: HttpRequest, token: str) -> HttpResponse:
    """Show who was locked out the form to get in again; a POST lets them in, and ends all they signed in by before."""
    try:
        answer = choosing(request, token, resets.reset_of(token))
    except NotGood as bad:
        answer = links.over(request, "pages/reset.html", bad.link, resets.GOOD_FOR)
    return links.told_nowhere(answer)


def choosing(request: HttpRequest, token: str, reset: SignInReset) -> HttpResponse:
    """Show the form, or do as it says. Raises NotGood where the link was used or withdrawn meanwhile."""
    if request.user.is_authenticated and request.user != reset.person:
        # The admin who made it, mostly: trying it out must not shut anybody out.
        return render(request, "pages/reset.html", {"reset": reset, "elsewhere": True})
    chooses = resets.chooses_password(reset.person)
    problems: Mapping[str, list[str]] = {}
    if request.method == "POST":
        password = request.POST.get("password", "")
        if chooses:
            problems = links.wrong_password(reset.person, password, request.POST.get("again", ""))
        if not problems:
            return done(request, token, password, chooses)
    return render(request, "pages/reset.html", {"reset": reset, "chooses": chooses, "problems": problems})


def done(request: HttpRequest, token: str, password: str, chooses: bool) -> HttpResponse:
    """Let somebody in by their new password; who has none signs in as they always do. Raises NotGood."""
    person = resets.use(token, password)
    if not chooses:
        # Their session is gone: what this request has changed in it must not be saved.
        logout(request)
        messages.success(request, "Your second factors are gone, and all your sessions. Sign in as always.")
        return redirect("login")
    login(request, person, links.BACKEND)
    messages.success(
        request, "Your new password is set. What you signed in by before is gone: add second factors again here."
    )
    return redirect("account")
