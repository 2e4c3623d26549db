"""A row an event, and a row for each of its minutes, hours and days."""

from django.db import models


class UsualWorkload(models.Model):
    """What has a name."""

    objects: models.Manager["UsualWorkload"] = models.Manager()
    slug = models.SlugField(max_length=64, unique=True)

    def __str__(self) -> str:
        return self.slug


class UsualEvent(models.Model):
    """One event."""

    objects: models.Manager["UsualEvent"] = models.Manager()
    workload = models.ForeignKey(UsualWorkload, on_delete=models.CASCADE)
    event_id = models.CharField(max_length=64, unique=True)
    occurred_at = models.DateTimeField(db_index=True)
    received_at = models.DateTimeField(auto_now_add=True)
    environment = models.CharField(max_length=64, default="production")
    primary = models.CharField(max_length=128)
    fallback = models.CharField(max_length=128, null=True)
    status = models.CharField(max_length=32)
    reason = models.CharField(max_length=500)
    outcome = models.CharField(max_length=16, default="served")

    def __str__(self) -> str:
        return self.event_id


class UsualCount(models.Model):
    """The events of a workload in one minute, hour or day."""

    objects: models.Manager["UsualCount"] = models.Manager()
    workload = models.ForeignKey(UsualWorkload, on_delete=models.CASCADE)
    step = models.CharField(max_length=8)
    bucket = models.DateTimeField()
    environment = models.CharField(max_length=64)
    events = models.BigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workload", "step", "bucket", "environment"], name="usual_count_once")
        ]

    def __str__(self) -> str:
        return f"{self.step} {self.bucket.isoformat()}"
