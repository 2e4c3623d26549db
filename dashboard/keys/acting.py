"""For whom a key of the scope `keys:manage` acts: its owner, as long as they may make keys."""

from dataclasses import dataclass

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework.exceptions import AuthenticationFailed, NotFound, PermissionDenied
from rest_framework.request import Request

from dashboard.bound_keys import key_of, name_of
from fallbacks import key_ring
from fallbacks.models import ApiKey, User
from fallbacks.permissions import MAKE_KEYS
from fallbacks.reading import is_storable


@dataclass(frozen=True, slots=True)
class Acting:
    """The key that is shown, and its owner."""

    key: ApiKey
    owner: User

    @property
    def name(self) -> str:
        """Under which its changes are kept."""
        return name_of(self.key)

    def seen(self) -> QuerySet[ApiKey]:
        return key_ring.seen_by(self.owner)

    def find(self, prefix: str) -> ApiKey:
        """Return the key that begins like that. Raises NotFound."""
        row = self.seen().filter(prefix=prefix).first() if is_storable(prefix) else None
        if row is None:
            raise NotFound("You see no key that begins like that: see GET /api/v1/keys.")
        return row


def acting(request: Request) -> Acting:
    """Return for whom the request's key acts: as it is now, not as it is remembered. Raises APIException."""
    row = ApiKey.objects.select_related("owner").get(pk=key_of(request).id)
    if row.state(timezone.now()) != "good":
        raise AuthenticationFailed("The key was revoked, or has expired just now.", "wrong_key")
    if row.owner is None or not row.owner.may(MAKE_KEYS):
        whose = row.owner.username if row.owner else "nobody"
        raise PermissionDenied(f"The key belongs to {whose}, who may make none: use one of somebody who may.", "owner")
    return Acting(row, row.owner)
