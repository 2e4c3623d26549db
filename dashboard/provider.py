"""Signing in by the provider of OpenID Connect: allauth's way there and back, and what it leaves to us.

Ours are: the nonce, the signature of the ID token (allauth trusts the connection alone), that ID token and user info
are of one person, that the provider is the one in the settings, who is let in, and asking again.
"""

import hashlib
import logging
import secrets
from collections.abc import Mapping
from typing import Any

from allauth.account.models import EmailAddress
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.internal import jwtkit
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialLogin, SocialToken
from allauth.socialaccount.providers.base.constants import AuthProcess
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.oauth2.views import OAuth2CallbackView
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from requests import RequestException

from dashboard import going_on
from dashboard.errors import told
from fallbacks.models import User
from fallbacks.provider import Provider
from fallbacks.reading import is_plain, is_storable, plain

log = logging.getLogger(__name__)

MOST_LOGGED = 300
# Of allauth's column for what the provider calls somebody, and what stands in front of a digest in there.
MOST_SUB, DIGEST = 191, "sha256:"
# What somebody goes to the provider for.
SIGN_IN, AGAIN, LINK = "sign in", "again", "link"


def configured() -> Provider | None:
    """Return the provider that people may sign in by."""
    found: Provider | None = settings.OIDC
    return found


def must_be() -> Provider:
    """Return the provider. Raises Http404 where the settings name none."""
    if (found := configured()) is None:
        raise Http404
    return found


def linked(user: User) -> SocialAccount | None:
    """Return by which account at the provider somebody may sign in. One query, and none without a provider."""
    provider = configured()
    return SocialAccount.objects.filter(user=user, provider=provider.issuer).first() if provider else None


class Back(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]
    """What is done with what the provider answers."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request, must_be().issuer)

    @property
    def openid_config(self) -> dict[str, Any]:
        found: dict[str, Any] = super().openid_config
        # Or else somebody who can write this document at another address could speak for the provider.
        if str(found.get("issuer", "")).rstrip("/") != self.provider_id:
            raise OAuth2Error("the provider calls itself something else than OIDC_ISSUER")
        return found

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        return request.build_absolute_uri(reverse("openid_connect_callback"))

    def complete_login(self, request: HttpRequest, app: SocialApp, token: SocialToken, **kwargs: Any) -> SocialLogin:
        if not kwargs["response"].get("id_token"):
            raise OAuth2Error("the provider sent no ID token")
        app.settings["fetch_userinfo"] = "userinfo_endpoint" in self.openid_config
        login = super().complete_login(request, app, token, **kwargs)
        told_of = login.account.extra_data
        id_token, info = told_of["id_token"], told_of.get("userinfo") or {}
        if info and info.get("sub") != id_token["sub"]:
            raise OAuth2Error("ID token and user info are of two people")
        login.claims, login.email = _all(told_of), email_of(told_of)
        # What is not needed is not kept.
        login.account.extra_data, login.email_addresses = {}, []
        return login

    def _decode_id_token(self, app: SocialApp, id_token: str) -> dict[str, Any]:
        found: dict[str, Any] = jwtkit.verify_and_decode(
            credential=id_token,
            keys_url=self.openid_config["jwks_uri"],
            issuer=self.openid_config["issuer"],
            audience=app.client_id,
            lookup_kid=jwtkit.lookup_kid_jwk,
            verify_signature=True,
        )
        audiences = found["aud"] if isinstance(found["aud"], list) else [found["aud"]]
        client = found.get("azp") or ("" if len(audiences) > 1 else app.client_id)
        if client != app.client_id:
            # OpenID Connect Core 3.1.3.7: somebody was let in at another client, which may have passed it on.
            raise OAuth2Error("the ID token was made for another client")
        if "exp" not in found:
            # Its time is checked where it has one, and it must have one.
            raise OAuth2Error("the ID token has no end")
        return found


class There(OpenIDConnectProvider):  # type: ignore[misc]
    """The way to the provider, and how its claims are read."""

    def get_oauth2_adapter(self, request: HttpRequest) -> Back:
        return Back(request)

    def extract_uid(self, data: Mapping[str, Any]) -> str:
        return number_of(str(data["id_token"]["sub"]))

    def extract_common_fields(self, data: Mapping[str, Any]) -> dict[str, Any]:
        fields: dict[str, Any] = super().extract_common_fields(_all(data))
        texts = {field: text for field, text in fields.items() if isinstance(text, str)}
        # A user name is not made plain: with such signs it is none, and without them it might be somebody else's.
        plain_ones = {field: plain(text) for field, text in texts.items() if field != "username"}
        return {**texts, **plain_ones, "email": email_of(data)[0]}

    def extract_email_addresses(self, data: Mapping[str, Any]) -> list[EmailAddress]:
        """Return none: the address is read above."""
        return []


def there(request: HttpRequest | None) -> There:
    """Return the provider as allauth knows it: made of the settings alone, so that no row of a table adds one."""
    provider = must_be()
    app = SocialApp(
        provider=There.id,
        # In front of the person's number there: another provider may give the same number to somebody else.
        provider_id=provider.issuer,
        name=provider.name,
        client_id=provider.client_id,
        secret=provider.secret,
        settings={"server_url": provider.issuer, "oauth_pkce_enabled": True},
    )
    return There(request, app=app)


def _all(data: Mapping[str, Any]) -> dict[str, Any]:
    """Put what is told of a person together: what is signed comes first."""
    return {**(data.get("userinfo") or {}), **(data.get("id_token") or {})}


def number_of(sub: str) -> str:
    """Return by what somebody is known here who is known as `sub` at the provider.

    The standard allows 255 letters, and allauth's column has room for 191: of a longer one the digest is kept, which is
    the same at each sign-in. So it is of one that the database cannot store, and of one that looks like a digest: it
    must not pass for the other.
    """
    if len(sub) <= MOST_SUB and is_storable(sub) and not sub.startswith(DIGEST):
        return sub
    return DIGEST + hashlib.sha256(sub.encode(errors="surrogatepass")).hexdigest()


def email_of(data: Mapping[str, Any]) -> tuple[str, bool]:
    """Return a person's address, and whether the provider has checked it.

    One with signs that nobody sees is none: without them it might be somebody else's.
    """
    told_of = (data.get("id_token"), data.get("userinfo"))
    sources = [source for source in told_of if source and _is_address(source.get("email"))]
    checked = [source for source in sources if source.get("email_verified") in (True, "true")]
    return (checked or sources)[0]["email"] if sources else "", bool(checked)


def _is_address(told_of: Any) -> bool:
    return isinstance(told_of, str) and told_of != "" and is_plain(told_of)


def go(request: HttpRequest, what: str, following: str) -> HttpResponse:
    """Send somebody to the provider: to sign in, to sign in once more, or to link their account there to that here."""
    nonce = secrets.token_urlsafe(32)
    asked = {"nonce": nonce, **({"prompt": "login", "max_age": "0"} if what == AGAIN else {})}
    try:
        answer = (
            get_adapter()
            .get_provider(request, There.id)
            .redirect(
                request,
                process=AuthProcess.LOGIN,
                next_url=following,
                data={"nonce": nonce, "what": what, "user": request.user.pk},
                auth_params=asked,
            )
        )
    except (RequestException, OAuth2Error, KeyError, ValueError) as error:
        return away(request, repr(error))
    # A page in between: a browser lets forms go to ourselves alone, and through redirects as well.
    return render(request, "pages/provider.html", {"to": answer["Location"], "name": must_be().name})


def back(request: HttpRequest) -> HttpResponseBase:
    """Take somebody in who comes back from the provider; who was asked again goes on with what they did."""
    try:
        answer: HttpResponse = OAuth2CallbackView.adapter_view(Back(request))(request)
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        return not_understood(request, repr(error))
    following = getattr(request, "goes_on_to", None)
    return answer if following is None else going_on.go_on(request, following)


def away(request: HttpRequest, why: str) -> HttpResponse:
    log.warning("the provider does not answer", extra={"error_text": why[:MOST_LOGGED]})
    advice = f"Try again in a moment. If it stays so, an admin should look whether {must_be().issuer} can be reached."
    return told(request, 502, "provider_away", "The provider does not answer as it should.", advice)


def cancelled(request: HttpRequest) -> HttpResponse:
    name = must_be().name
    advice = (
        f"Nothing was done here. Try again; if you did not cancel it, ask who runs {name} whether it lets you in here."
    )
    return told(request, 403, "cancelled", f"The sign-in was cancelled or refused by {name}.", advice)


def not_understood(request: HttpRequest, why: str) -> HttpResponse:
    """Refuse an answer. Why is for the log: who made it up need not know what was wrong with it."""
    log.warning("a sign-in by the provider was refused", extra={"error_text": why[:MOST_LOGGED]})
    advice = "Start again from the login page. If it stays so, tell an admin: docs/signing-in.md says what to look at."
    return told(request, 400, "not_signed_in", "The provider’s answer is not good.", advice)
