"""Exports: who takes which list out, and how far each has come."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class ExportState(models.TextChoices):
    """How an export stands."""

    RUNNING = "running", "goes on"
    DONE = "done", "complete"
    BROKEN = "broken", "broke off"
    LEFT = "left", "was stopped by the browser"


class Export(models.Model):
    """One download of a list of events, while it is written and for some days after.

    `total` is null where nobody has counted. `seen_at` moves while the export lives: one that has not moved for long
    has died with its process.
    """

    # Random: it stands in an address.
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    what = models.TextField()
    # The window of what is exported.
    start = models.DateTimeField()
    end = models.DateTimeField()
    format = models.CharField(max_length=4)
    # The filters, as they stand in the address of the list.
    query = models.TextField(blank=True)
    total = models.BigIntegerField(null=True)
    written = models.BigIntegerField(default=0)
    state = models.CharField(max_length=7, choices=ExportState, default=ExportState.RUNNING)
    started_at = models.DateTimeField(db_default=Now())
    seen_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "export"
        # One's own, the newest first.
        indexes = [models.Index(fields=["owner", "-started_at"], name="export_newest")]

    def __str__(self) -> str:
        return f"{self.what} as {self.format}"
