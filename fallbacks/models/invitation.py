"""Invitations: links by which people join."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from fallbacks.models.link import Link
from fallbacks.models.user import User
from fallbacks.permissions import ROLES


class Invitation(Link):
    """A link by which one person joins with these roles."""

    roles = ArrayField(models.CharField(max_length=32))
    # For whom it is, as the admin who made it wrote.
    note = models.TextField(blank=True)
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    invited_at = models.DateTimeField(db_default=Now())
    used_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")

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
    def maker(self) -> User:
        return self.invited_by

    @property
    def roles_in_order(self) -> list[str]:
        """Return the roles in the order of `ROLES`."""
        return [role for role in ROLES if role in self.roles]
