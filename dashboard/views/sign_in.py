"""Signing in, step by step: password or passkey or provider, then a second factor if the account has one.

The password's page is Django's own, and django-axes counts the wrong tries; what follows is allauth's.
"""

from collections.abc import Mapping
from typing import Any

from allauth.account.internal.flows.login import perform_password_login
from allauth.account.models import Login
from allauth.core.ratelimit import consume
from allauth.mfa.base.views import AuthenticateView
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from allauth.mfa.webauthn.internal.flows import perform_passwordless_login
from allauth.mfa.webauthn.views import LoginWebAuthnView
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.views import LoginView, redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from dashboard import asked_again, passkey_forms, provider
from dashboard.sign_in_form import SignInForm

TEMPLATE, AGAIN = "pages/login.html", "pages/again.html"
# By ACCOUNT_RATE_LIMITS. django-axes counts each name at each address by itself: a list of names, each tried a few
# times, would never be too many.
FAILED = "sign_in_failed"


class SignIn(LoginView):
    """The login page. Whoever is signed in goes on to where they wanted to go."""

    template_name = TEMPLATE
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not consume(request, action=FAILED, dry_run=True):
            return locked_out(request, None, {"username": request.POST.get("username", "")})
        answer: HttpResponse = super().post(request, *args, **kwargs)
        return answer

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        consume(self.request, action=FAILED)
        answer: HttpResponse = super().form_invalid(form)
        return answer

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        login = Login(user=form.get_user(), redirect_url=self.get_success_url())
        answer: HttpResponse = perform_password_login(self.request, {"username": form.cleaned_data["username"]}, login)
        return answer

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "provider": provider.configured()}


def locked_out(
    request: HttpRequest, response: HttpResponse | None, credentials: Mapping[str, Any] | None
) -> HttpResponse:
    """Answer whoever tried too often. Named by AXES_LOCKOUT_CALLABLE."""
    following = request.POST.get("next", "")
    if request.user.is_authenticated:
        return render(request, AGAIN, {"way": "password", "locked": True, "next": following}, status=429)
    form = SignInForm(request, initial={"username": (credentials or {}).get("username", "")})
    context = {"form": form, "locked": True, "next": following, "provider": provider.configured()}
    return render(request, TEMPLATE, context, status=429)


@method_decorator(never_cache, name="dispatch")
class SecondFactor(AuthenticateView):  # type: ignore[misc]
    """The second step, where an account has one."""

    template_name = "pages/second_factor.html"
    webauthn_form_class = passkey_forms.Shown

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        has_app = is_mfa_enabled(self.stage.login.user, [Authenticator.Type.TOTP])
        return {**super().get_context_data(**kwargs), "has_app": has_app}


@method_decorator(never_cache, name="dispatch")
class PasskeySignIn(LoginWebAuthnView):  # type: ignore[misc]
    """Signing in by a passkey alone: it is two factors, a thing and a finger or a PIN."""

    form_class = passkey_forms.ShownAlone

    def form_invalid(self, form: passkey_forms.ShownAlone) -> HttpResponse:
        answer: HttpResponse = super().form_invalid(form)
        following = self.request.POST.get("next", "")
        return redirect_to_login(following) if following else answer

    def form_valid(self, form: passkey_forms.ShownAlone) -> HttpResponse:
        shown, following = form.cleaned_data["credential"], self.request.POST.get("next", "")
        login = Login(user=shown.user, redirect_url=asked_again.within(self.request, following))
        answer: HttpResponse = perform_passwordless_login(self.request, shown, login)
        return answer


@require_POST
def by_provider(request: HttpRequest) -> HttpResponse:
    """Send somebody to the provider to sign in."""
    provider.must_be()
    return provider.go(request, provider.SIGN_IN, asked_again.within(request, request.POST.get("next", "")))


@never_cache
@require_safe
def back(request: HttpRequest) -> HttpResponseBase:
    """Take in whoever comes back from the provider."""
    return provider.back(request)
