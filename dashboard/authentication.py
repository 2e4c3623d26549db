"""API keys for the reading half of the API."""

from typing import TYPE_CHECKING

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from fallbacks import keys

if TYPE_CHECKING:  # DRF imports this module while it makes its views
    from rest_framework.views import APIView


class KeysUnavailable(APIException):
    status_code = 503
    default_code = "keys_unavailable"
    default_detail = "The key cannot be looked up just now: ask again."


class KeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer <key>`. The key is `request.auth`; there is no user."""

    def authenticate(self, request: Request) -> tuple[None, keys.Key] | None:
        try:
            return None, keys.shown_in(request.META.get("HTTP_AUTHORIZATION", ""))
        except keys.NoKey as none:
            raise AuthenticationFailed(none.message, none.code) from none
        except keys.KeysUnavailable as error:
            raise KeysUnavailable from error

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class HasScope(BasePermission):
    """The key has the view's `scope`. A view without one is closed to everybody."""

    code = "lacks_scope"

    def has_permission(self, request: Request, view: "APIView") -> bool:
        scope = getattr(view, "scope", None)
        self.message = f"The key lacks the scope {scope}: use a key that has it."
        return isinstance(request.auth, keys.Key) and scope in request.auth.scopes
