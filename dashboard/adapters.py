"""What allauth asks us: how accounts, second factors and the provider's people are treated here."""

import base64
import hashlib
import logging
import secrets
import time
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin
from allauth.socialaccount.providers.base.constants import AuthError
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from dashboard import asked_again, provider, sessions
from dashboard.errors import told
from fallbacks import arriving, audit, members
from fallbacks.models import User

log = logging.getLogger(__name__)

# Whoever signs in by allauth is read, at every request, by the backend that reads the roles along.
BACKEND = "fallbacks.people.WithRoles"
# Seconds that the provider's clock may be ahead of ours.
MOST_AHEAD = 60
# What takes the place of allauth's steps of signing in.
STEPS = {"allauth.mfa.stages.AuthenticateStage": "dashboard.second_step.SecondStep"}


class Accounts(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts are made by invitation or by the provider; wrong passwords are counted by django-axes."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "incorrect_password": "The password is wrong. Try again. After 5 wrong tries you wait 15 minutes.",
        "too_many_login_attempts": "Too many wrong codes. Wait 5 minutes, then try again.",
        "rate_limited": "Too many tries. Wait a minute, then try again.",
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_client_ip(self, request: HttpRequest) -> str:
        return sessions.address_of(request)

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Nothing: allauth would count by the name alone, and so let anybody lock somebody else out."""

    def get_login_stages(self) -> list[str]:
        return [STEPS.get(stage, stage) for stage in super().get_login_stages()]

    def login(self, request: HttpRequest, user: User) -> None:
        user.backend = BACKEND
        super().login(request, user)

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        return not asked_again.is_fresh(self.request)

    def respond_user_inactive(self, request: HttpRequest, user: User) -> HttpResponse:
        return closed(request)


def closed(request: HttpRequest) -> HttpResponse:
    return told(request, 403, "closed", "This account is closed.", "If it should not be, ask an admin of your company.")


class Factors(DefaultMFAAdapter):  # type: ignore[misc]
    """Second factors. What they are checked by lies in the database encrypted, so that a dump of it is no factor."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "That is not right, or was used already. Codes change every 30 seconds: take the next one.",
    }

    def encrypt(self, text: str) -> str:
        return _cipher().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        try:
            return _cipher().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            # Of another SECRET_KEY. No code is right then: nobody knows this one.
            log.error("a second factor was encrypted by another SECRET_KEY")
            return base64.b32encode(secrets.token_bytes(20)).decode()

    def generate_authenticator_name(self, user: User, type: Authenticator.Type) -> str:
        return f"Passkey {Authenticator.objects.filter(user=user, type=type).count() + 1}"

    def get_totp_label(self, user: User) -> str:
        return user.get_username()

    def _get_site_name(self) -> str:
        return "Fallback observatory"


def _cipher() -> MultiFernet:
    """Return what encrypts by the newest key, and decrypts by any that is still good."""
    digests = [hashlib.sha256(f"second factors {key}".encode()).digest() for key in _secrets()]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])


def _secrets() -> list[str]:
    return [settings.SECRET_KEY, *map(str, settings.SECRET_KEY_FALLBACKS)]


class Comers(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """People who come by the provider."""

    def get_provider(self, request: HttpRequest, provider_: str = "", client_id: Any = None, **kwargs: Any) -> Any:
        return provider.there(request)

    def list_apps(self, request: HttpRequest, **kwargs: Any) -> list[SocialApp]:
        return [provider.there(request).app] if provider.configured() else []

    def is_open_for_signup(self, request: HttpRequest, sociallogin: SocialLogin) -> bool:
        return True

    def on_authentication_error(self, request: HttpRequest, provider_: Any = None, *args: Any, **kwargs: Any) -> None:
        if kwargs.get("error") == AuthError.CANCELLED:
            raise ImmediateHttpResponse(provider.cancelled(request))
        told_why = str(
            kwargs.get("exception") or request.GET.get("error") or "the sign-in was not begun in this browser"
        )
        raise ImmediateHttpResponse(provider.not_understood(request, told_why))

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Let in whom the settings let in. Raises ImmediateHttpResponse with the answer for everybody else."""
        of, claims = provider.must_be(), sociallogin.claims
        kept = sociallogin.state.get("data") or {}
        if not secrets.compare_digest(str(claims.get("nonce") or ""), str(kept.get("nonce") or "-")):
            raise ImmediateHttpResponse(provider.not_understood(request, "the nonce is of another sign-in"))
        if not of.lets_in(*sociallogin.email):
            domains = ", ".join(sorted(of.domains))
            advice = f"People with an address of {domains}, which {of.name} has verified, are: ask an admin."
            raise ImmediateHttpResponse(told(request, 403, "not_let_in", "You are not let in.", advice))
        what = kept.get("what")
        if what != provider.SIGN_IN and (not request.user.is_authenticated or request.user.pk != kept.get("user")):
            raise ImmediateHttpResponse(provider.not_understood(request, "somebody else is signed in by now"))
        if what == provider.AGAIN:
            self._shown_again(request, sociallogin)
        if what == provider.LINK:
            self._link(request, sociallogin)
        if not sociallogin.is_existing:
            self._must_be_free(request, sociallogin.user)
        elif sociallogin.user.is_active:
            roles = of.roles_of(claims)
            if roles is not None:
                arriving.take_roles(sociallogin.user, roles)

    def _shown_again(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Go on with what somebody did, if they are still the same, and the provider did ask them."""
        if sociallogin.user.pk != request.user.pk:
            advice = "Sign out, and in again as who you want to be."
            answer = told(request, 403, "somebody_else", "There you are somebody else than here.", advice)
            raise ImmediateHttpResponse(answer)
        # Not every provider tells. One that does not is believed, as it is when somebody signs in.
        if "auth_time" in sociallogin.claims and not _just_now(sociallogin.claims["auth_time"]):
            advice = "It has not asked you who you are. Sign out there and here, and in again."
            answer = told(request, 403, "not_asked", f"{provider.must_be().name} let you pass.", advice)
            raise ImmediateHttpResponse(answer)
        request.goes_on_to = sociallogin.state.get("next") or ""  # type: ignore[attr-defined]
        raise ImmediateHttpResponse(HttpResponse())

    def _link(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Let the person who is signed in come by the provider from now on."""
        of, person = provider.must_be(), request.user
        assert isinstance(person, User)  # noqa: S101
        if sociallogin.is_existing and sociallogin.user.pk != person.pk:
            advice = f"It opens the account of {sociallogin.user.get_username()}: ask an admin which should go."
            answer = told(request, 409, "linked_already", "Your account there is linked already.", advice)
            raise ImmediateHttpResponse(answer)
        if not sociallogin.is_existing and provider.linked(person) is None:
            with sessions.still_open(request, person):
                SocialAccount.objects.create(user=person, provider=of.issuer, uid=sociallogin.account.uid)
                audit.append("sign-in linked", person.get_username(), provider=of.name)
        messages.success(request, f"You can sign in by {of.name} from now on.")
        raise ImmediateHttpResponse(HttpResponseRedirect(reverse("account")))

    def _must_be_free(self, request: HttpRequest, user: User) -> None:
        """Refuse whoever would get the name or the address of somebody who is here already."""
        if User.objects.filter(username__iexact=user.username).exists():
            taken = f"There is an account named {user.username} already."
        elif user.email and User.objects.filter(email__iexact=user.email).exists():
            taken = f"There is an account with the address {user.email} already."
        else:
            return
        name = provider.must_be().name
        advice = (
            f"If it is yours, sign in with its password, open your account, and link it to {name} there. If not, "
            "ask an admin."
        )
        raise ImmediateHttpResponse(told(request, 409, "taken", taken, advice))

    def populate_user(self, request: HttpRequest, sociallogin: SocialLogin, data: dict[str, Any]) -> User:
        user: User = super().populate_user(request, sociallogin, data)
        user.username = next(filter(_is_name, (data.get("username"), data.get("email"), sociallogin.account.uid)), "")
        return user

    def save_user(self, request: HttpRequest, sociallogin: SocialLogin, form: Any = None) -> User:
        of, comer = provider.must_be(), sociallogin.user
        if arriving.stands_for_somebody(comer.get_full_name()):
            # They are known by their user name then.
            comer.first_name = comer.last_name = ""
        with transaction.atomic():
            user: User = super().save_user(request, sociallogin, form)
            arriving.joined(user, of.roles_of(sociallogin.claims), of.name)
        return user


def _just_now(at: Any) -> bool:
    """Tell whether somebody was asked lately who they are, at a time of the provider's clock in seconds."""
    if isinstance(at, bool) or not isinstance(at, (int, float)):
        return False
    return -MOST_AHEAD <= time.time() - at <= settings.ACCOUNT_REAUTHENTICATION_TIMEOUT


def _is_name(text: Any) -> bool:
    """Tell whether somebody may be called that."""
    if not isinstance(text, str) or not members.NAME.fullmatch(text) or text.lower() == members.SERVER:
        return False
    try:
        User._meta.get_field("username").run_validators(text)
    except ValidationError:
        return False
    return True
