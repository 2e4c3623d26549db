"""Second factors: the authenticator app, passkeys, and recovery codes. allauth's views, with our pages and our log."""

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.recovery_codes.internal.flows import can_generate_recovery_codes, generate_recovery_codes
from allauth.mfa.totp.internal import flows as app_flows
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.internal import auth as passkeys
from allauth.mfa.webauthn.internal import flows as passkey_flows
from allauth.mfa.webauthn.views import AddWebAuthnView, RemoveWebAuthnView
from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from dashboard import passkey_forms, sessions
from dashboard.views.who_asks import who_asks
from fallbacks import audit

APP, PASSKEY, CODES = "authenticator app", "passkey", "recovery codes"


class OwnFactor:
    """What the views have in common: they are for people with a password, and lead back to the account."""

    request: HttpRequest

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not who_asks(request).has_usable_password():
            # By a passkey of ours they would still get in when the provider lets them in no more.
            messages.error(request, "Who signs in by the provider has their second factors there.")
            return redirect("account")
        answer: HttpResponseBase = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        return answer

    def get_success_url(self) -> str:
        return reverse("account")

    def added(self, what: str, codes: Authenticator | None) -> HttpResponse:
        """Note what was added, and show the recovery codes where the first factor brought some."""
        audit.append("second factor added", who_asks(self.request).get_username(), subject=what)
        messages.success(self.request, f"The {what} is added. From now on you are asked for it when you sign in.")
        return shown(self.request, codes) if codes else HttpResponseRedirect(self.get_success_url())

    def removed(self, what: str) -> HttpResponse:
        audit.append("second factor removed", who_asks(self.request).get_username(), subject=what)
        messages.success(self.request, f"The {what} is removed.")
        return HttpResponseRedirect(self.get_success_url())


@method_decorator(never_cache, name="dispatch")
class AddApp(OwnFactor, ActivateTOTPView):  # type: ignore[misc]
    """Adding an authenticator app."""

    template_name = "pages/app_add.html"

    def form_valid(self, form: Any) -> HttpResponse:
        with sessions.still_open(self.request, who_asks(self.request)):
            _, codes = app_flows.activate_totp(self.request, form)
            return self.added(APP, codes)


@method_decorator(never_cache, name="dispatch")
class RemoveApp(OwnFactor, DeactivateTOTPView):  # type: ignore[misc]
    """Removing it."""

    template_name = "pages/factor_remove.html"
    extra_context = {"what": APP}

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            app_flows.deactivate_totp(self.request, self.authenticator)
            return self.removed(APP)


@method_decorator(never_cache, name="dispatch")
class AddPasskey(OwnFactor, AddWebAuthnView):  # type: ignore[misc]
    """Adding a passkey. It is always one that can sign in by itself, and so asks for a finger or a PIN."""

    template_name = "pages/passkey_add.html"
    form_class = passkey_forms.Added

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context_data(**kwargs)
        return {**context, "js_data": passkeys.begin_registration(who_asks(self.request), True)}

    def form_valid(self, form: Any) -> HttpResponse:
        with sessions.still_open(self.request, who_asks(self.request)):
            name, credential = form.cleaned_data["name"], form.cleaned_data["credential"]
            _, codes = passkey_flows.add_authenticator(self.request, name=name, credential=credential)
            return self.added(PASSKEY, codes)


@method_decorator(never_cache, name="dispatch")
class RemovePasskey(OwnFactor, RemoveWebAuthnView):  # type: ignore[misc]
    """Removing one."""

    template_name = "pages/factor_remove.html"
    pk_url_kwarg = "number"
    extra_context = {"what": PASSKEY}

    def form_valid(self, form: Any) -> HttpResponse:
        with transaction.atomic():
            passkey_flows.remove_authenticator(self.request, self.get_object())
            return self.removed(PASSKEY)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def recovery_codes(request: HttpRequest) -> HttpResponse:
    """Say what recovery codes are for; a POST makes new ones, which this answer alone shows."""
    person = who_asks(request)
    if not can_generate_recovery_codes(person):
        messages.error(request, "Recovery codes stand in for a second factor: first add one.")
        return redirect("account")
    if request.method != "POST":
        return render(request, "pages/recovery_codes.html")
    with sessions.still_open(request, person):
        codes = generate_recovery_codes(request)
        audit.append("second factor added", person.get_username(), subject=CODES)
    return shown(request, codes)


def shown(request: HttpRequest, codes: Authenticator) -> HttpResponse:
    """Show recovery codes, in the answer to what made them and nowhere else."""
    return render(request, "pages/recovery_codes.html", {"codes": RecoveryCodes(codes).get_unused_codes()})
