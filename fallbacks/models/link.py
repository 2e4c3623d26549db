"""Links that are good once, whoever has them: what all kinds of them have in common."""

from django.db import models
from django.utils import timezone

from fallbacks.models.user import User


class Link(models.Model):
    """One link, good once until `expires_at`. It is shown once: only its token's hash is stored.

    A row stays when it was used, so that whoever opens the link again is told.
    """

    id = models.BigAutoField(primary_key=True)
    # SHA-256 of the token: with 256 bits of secret in it, a slow hash would protect nothing.
    digest = models.BinaryField(unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True

    @property
    def maker(self) -> User:
        """Return who made it."""
        raise NotImplementedError

    @property
    def state(self) -> str:
        """Return `used`, `withdrawn`, `expired`, or `open`, while it is good."""
        if self.used_at:
            return "used"
        if self.withdrawn_at:
            return "withdrawn"
        return "open" if self.expires_at > timezone.now() else "expired"
