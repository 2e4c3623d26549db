"""Everybody's own account: the password, the second factors, the link to the provider, and where they are signed in."""

from allauth.core.ratelimit import clear, consume
from allauth.mfa.models import Authenticator
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.forms import PasswordChangeForm
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from dashboard import provider, sessions
from dashboard.views.who_asks import who_asks
from fallbacks import audit, resets

# By ACCOUNT_RATE_LIMITS. What is wrong with the new password is not counted: nobody guesses by that.
OLD_FAILED = "old_password_failed"


@never_cache
@require_safe
def account(request: HttpRequest) -> HttpResponse:
    """Show all that one signs in by, what each is for, and where one is signed in."""
    person = who_asks(request)
    factors = list(Authenticator.objects.filter(user=person).order_by("created_at", "pk"))
    codes = first(factors, Authenticator.Type.RECOVERY_CODES)
    places = sessions.of(person, request)
    context = {
        "reset": resets.last_used(person),
        "has_password": person.has_usable_password(),
        "app": first(factors, Authenticator.Type.TOTP),
        "passkeys": [each for each in factors if each.type == Authenticator.Type.WEBAUTHN],
        "codes_left": len(codes.wrap().get_unused_codes()) if codes else None,
        "provider": provider.configured(),
        "linked": provider.linked(person),
        "places": places[: sessions.MOST_SHOWN],
        "others": len(places) - 1,
        "more": max(0, len(places) - sessions.MOST_SHOWN),
    }
    return render(request, "pages/account.html", context)


def first(factors: list[Authenticator], kind: str) -> Authenticator | None:
    return next((each for each in factors if each.type == kind), None)


@never_cache
@sensitive_post_parameters()
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """Change the password, by the old one. Whoever else knew it is out: all other sessions end."""
    person = who_asks(request)
    if not person.has_usable_password():
        messages.error(request, "You sign in without a password here: there is none to change.")
        return redirect("account")
    sent = request.POST if request.method == "POST" else None
    # Counted before it is looked at, or else those that come at once would all be looked at.
    if sent and sent.get("old_password") and not consume(request, action=OLD_FAILED, user=person):
        return render(request, "pages/password.html", {"form": PasswordChangeForm(person), "locked": True}, status=429)
    form = PasswordChangeForm(person, sent)
    if form.is_bound and not form.has_error("old_password"):
        clear(request, action=OLD_FAILED, user=person)
    if form.is_bound and form.is_valid():
        with sessions.still_open(request, person):
            form.save()
            audit.append("password changed", person.get_username())
        update_session_auth_hash(request, person)
        request.session.save()
        sessions.note(request, person)
        ended = sessions.end_others(person, request)
        messages.success(request, f"The password is changed.{said_of(ended)}")
        return redirect("account")
    return render(request, "pages/password.html", {"form": form}, status=400 if form.is_bound else 200)


def said_of(ended: int) -> str:
    return f" You are signed out at {ended} other place{'' if ended == 1 else 's'}." if ended else ""


@require_POST
def end_session(request: HttpRequest, number: int) -> HttpResponse:
    """End one session of one's own; ending this one signs out."""
    if not sessions.end(who_asks(request), number):
        raise Http404
    messages.success(request, "That session has ended.")
    return redirect("account")


@require_POST
def end_others(request: HttpRequest) -> HttpResponse:
    """End all other sessions of one's own."""
    ended = sessions.end_others(who_asks(request), request)
    messages.success(request, f"Only this session is left.{said_of(ended)}")
    return redirect("account")


@require_POST
def link(request: HttpRequest) -> HttpResponse:
    """Go to the provider, to sign in by it from then on."""
    provider.must_be()
    return provider.go(request, provider.LINK, "")
