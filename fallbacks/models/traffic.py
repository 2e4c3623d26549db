"""Traffic: how many requests a workload had, as its services count them."""

from django.db import models
from django.db.models.functions import Now


class Traffic(models.Model):
    """`requests` of one workload in `start`..`start + seconds`: the denominator of every rate.

    The key has no time in it, other than an event's: a count with an id counts once whatever its start,
    and counts are few.
    """

    pk = models.CompositePrimaryKey("workload_id", "id")
    workload = models.ForeignKey(
        "fallbacks.Workload", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    id = models.TextField()
    start = models.DateTimeField()
    seconds = models.IntegerField()
    environment = models.TextField()
    model = models.TextField(null=True)
    requests = models.BigIntegerField()
    received_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "traffic"

    def __str__(self) -> str:
        return f"{self.requests} requests from {self.start.isoformat()}"
