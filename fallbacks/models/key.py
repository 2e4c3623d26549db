"""API keys: what services show at the door."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now


class ApiKey(models.Model):
    """One key. The key itself is shown once and not stored: only its hash, and a prefix to tell it by."""

    id = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=16, unique=True)
    # SHA-256 of the whole key: with 256 bits of secret in it, a slow hash would protect nothing.
    digest = models.BinaryField(unique=True)
    scopes = ArrayField(models.CharField(max_length=32))
    # Empty: every workload, every environment.
    workloads = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    environments = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    # Items a second, over some seconds; null: what the settings say for every key.
    rate = models.IntegerField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "api_key"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"
