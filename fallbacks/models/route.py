"""Routes: a workload's primary and fallback, what was verified of the pair, and when it was enabled for users."""

from django.db import models
from django.db.models.functions import Now


class Verification(models.Model):
    """One run of somebody's integration test: whether the fallback took the same payload class as the primary.

    `name` is the sender's own id of the run: sent again, it counts once.
    """

    id = models.BigAutoField(primary_key=True)
    workload = models.ForeignKey("fallbacks.Workload", on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=64)
    primary = models.CharField(max_length=128)
    fallback = models.CharField(max_length=128)
    payload_class = models.CharField(max_length=64)
    passed = models.BooleanField()
    details = models.TextField(blank=True)
    received_at = models.DateTimeField(db_default=Now())
    sent_by = models.CharField(max_length=200)

    class Meta:
        db_table = "verification"
        constraints = [models.UniqueConstraint(fields=["workload", "name"], name="verification_once")]
        indexes = [
            # The newest of each payload class of a pair.
            models.Index(
                fields=["workload", "primary", "fallback", "payload_class", "-received_at"], name="verification_newest"
            )
        ]

    def __str__(self) -> str:
        return f"{self.primary} to {self.fallback}, {self.payload_class}"


class Enablement(models.Model):
    """A span of time in which a route was enabled for users; `until` is null while it is."""

    id = models.BigAutoField(primary_key=True)
    workload = models.ForeignKey("fallbacks.Workload", on_delete=models.PROTECT, related_name="+")
    primary = models.CharField(max_length=128)
    fallback = models.CharField(max_length=128)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)
    approved_by = models.CharField(max_length=200)

    class Meta:
        db_table = "enablement"
        constraints = [
            models.UniqueConstraint(
                fields=["workload", "primary", "fallback"],
                condition=models.Q(until=None),
                name="enablement_open_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.primary} to {self.fallback} from {self.since.isoformat()}"


class Rulebook(models.Model):
    """How often anything changed that events are judged by: what a process remembers of it holds while this does."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    revision = models.BigIntegerField(default=1)

    class Meta:
        db_table = "rulebook"
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="rulebook_is_one")]

    def __str__(self) -> str:
        return f"revision {self.revision}"
