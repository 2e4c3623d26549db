"""Asking again who somebody is: by their password, by a second factor, or by the provider."""

from typing import Any

from allauth.account.views import BaseReauthenticateView, ReauthenticateView
from allauth.mfa.base.views import ReauthenticateView as ReauthenticateByCode
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from allauth.mfa.webauthn.views import ReauthenticateWebAuthnView
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from dashboard import asked_again, going_on, passkey_forms, provider, steps
from dashboard.views.who_asks import who_asks

TEMPLATE = "pages/again.html"


class Asks(BaseReauthenticateView):  # type: ignore[misc]
    """What the ways of asking have in common: afterwards what was sent goes on, by our doors and not past them."""

    template_name = TEMPLATE
    way = ""

    def following(self) -> str:
        """Return where the person wants to go."""
        return str(self.request.POST.get("next") or self.request.GET.get("next") or "")

    def form_valid(self, form: Any) -> HttpResponseBase:
        return going_on.go_on(self.request, self.following())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), **about(self.request, self.way, self.following())}


def about(request: HttpRequest, way: str, following: str) -> dict[str, Any]:
    """Return what the page says: by what one is asked, for which step, and whether what was sent waits."""
    waits = asked_again.waits(request, following) is not None
    return {"way": way, "next": following, "waits": waits, "step": steps.at(following)}


@method_decorator(never_cache, name="dispatch")
class ByPassword(ReauthenticateView, Asks):  # type: ignore[misc]
    """By the password; who has none is sent to the provider."""

    template_name = TEMPLATE
    way = "password"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not who_asks(request).has_usable_password():
            context = about(request, "provider", self.following())
            return render(request, TEMPLATE, {**context, "provider": provider.configured()})
        answer: HttpResponseBase = super().dispatch(request, *args, **kwargs)
        return answer


@method_decorator(never_cache, name="dispatch")
class ByCode(ReauthenticateByCode, Asks):  # type: ignore[misc]
    """By a code of the authenticator app, or a recovery code."""

    template_name = TEMPLATE
    way = "code"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        has_app = is_mfa_enabled(who_asks(self.request), [Authenticator.Type.TOTP])
        return {**super().get_context_data(**kwargs), "has_app": has_app}


@method_decorator(never_cache, name="dispatch")
class ByPasskey(ReauthenticateWebAuthnView, Asks):  # type: ignore[misc]
    """By a passkey."""

    template_name = TEMPLATE
    form_class = passkey_forms.ShownAgain
    way = "passkey"

    def form_invalid(self, form: Any) -> HttpResponse:
        for problem in form.errors.get("credential", []):
            messages.error(self.request, problem)
        address = reverse("mfa_reauthenticate_webauthn")
        return HttpResponseRedirect(f"{address}?{urlencode({'next': self.following()})}")


@require_POST
def by_provider(request: HttpRequest) -> HttpResponse:
    """Send somebody to the provider, which is asked to ask them."""
    provider.must_be()
    return provider.go(request, provider.AGAIN, request.POST.get("next", ""))
