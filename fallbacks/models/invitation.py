"""Invitations: links by which people join."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from fallbacks.permissions import ROLES


class Invitation(models.Model):
    """One link, good for one person until `expires_at`. The link is shown once: only its token's hash is stored.

    A row stays when it was used, so that whoever opens the link again is told.
    """

    id = models.BigAutoField(primary_key=True)
    # SHA-256 of the token: with 256 bits of secret in it, a slow hash would protect nothing.
    digest = models.BinaryField(unique=True)
    roles = ArrayField(models.CharField(max_length=32))
    # For whom it is, as the admin who made it wrote.
    note = models.TextField(blank=True)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    invited_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    used_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "invitation"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(used_at=None, used_by=None)
                | models.Q(used_at__isnull=False, used_by__isnull=False, withdrawn_at=None),
                name="invitation_used_or_withdrawn",
            ),
        ]

    def __str__(self) -> str:
        return f"invitation {self.id}"

    @property
    def state(self) -> str:
        """Return `used`, `withdrawn`, `expired`, or `open`, while somebody can join by it."""
        if self.used_at:
            return "used"
        if self.withdrawn_at:
            return "withdrawn"
        return "open" if self.expires_at > timezone.now() else "expired"

    @property
    def roles_in_order(self) -> list[str]:
        """Return the roles in the order of `ROLES`."""
        return [role for role in ROLES if role in self.roles]
