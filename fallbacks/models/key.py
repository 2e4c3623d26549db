"""API keys: what services show at the door."""

from datetime import datetime
from typing import Literal

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

State = Literal["good", "expired", "revoked"]


class ApiKey(models.Model):
    """One key. The key itself is shown once and not stored: only its hash, and a prefix to tell it by."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, unique=True)
    # SHA-256 of the whole key: with 256 bits of secret in it, a slow hash would protect nothing.
    digest = models.BinaryField(unique=True)
    # Null: made by manage.py, which belongs to nobody. Somebody who has keys is deactivated and never deleted.
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    scopes = ArrayField(models.CharField(max_length=32))
    # Empty: every workload, every environment.
    workloads = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    environments = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    # Items a second, over some seconds; null: what the settings say for every key.
    rate = models.IntegerField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    # To the minute. Not indexed: a change of it alone then writes no index.
    last_used_at = models.DateTimeField(null=True, blank=True)
    # The key in whose place it was made. That no two take the place of one is what keeps a rotation from being done
    # twice.
    replaces = models.OneToOneField(
        "self", on_delete=models.SET_NULL, null=True, blank=True, related_name="replaced_by"
    )
    # The number of the form that made it: the same form, sent again, makes no second key.
    made_by_form = models.UUIDField(null=True, blank=True, unique=True)

    class Meta:
        db_table = "api_key"
        constraints = [
            # It acts for its owner.
            models.CheckConstraint(
                condition=models.Q(owner__isnull=False) | ~models.Q(scopes__contains=["keys:manage"]),
                name="api_key_manages_for_somebody",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def state(self, now: datetime) -> State:
        """Tell whether it opens anything."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "good"
