"""Events: requests that left their primary path, a row each, in daily partitions."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now


class Outcome(models.TextChoices):
    """How the request ended."""

    SERVED = "served", "answered by a fallback"
    FAILED = "failed", "not answered"
    BLOCKED = "blocked", "refused by policy"


class Event(models.Model):
    """One event. Three clocks: when it happened, when ingest took it, when it was stored.

    The table is partitioned by day of `occurred_at`, and its key starts with the workload: random ids
    in front would cost many times the write-ahead log. No foreign key is enforced from here: the
    recorder makes the workload first, and a check a row would cost more than the row.
    """

    pk = models.CompositePrimaryKey("workload_id", "occurred_at", "id")
    workload = models.ForeignKey(
        "fallbacks.Workload", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    occurred_at = models.DateTimeField()
    id = models.TextField()
    received_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    environment = models.TextField()
    primary = models.TextField()
    fallback = models.TextField(null=True)
    status = models.TextField()
    reason = models.TextField()
    outcome = models.TextField(choices=Outcome)
    error_code = models.TextField(null=True)
    attempts = models.BigIntegerField(default=1)
    # Null: the service did not say.
    user_visible = models.BooleanField(null=True)
    user_notified = models.BooleanField(null=True)
    tier = models.TextField(null=True)
    payload_class = models.TextField(null=True)
    provider_features = ArrayField(models.TextField(), null=True)
    request_id = models.TextField(null=True)
    trace_id = models.TextField(null=True)
    primary_latency_ms = models.BigIntegerField(null=True)
    fallback_latency_ms = models.BigIntegerField(null=True)
    input_tokens = models.BigIntegerField(null=True)
    cached_input_tokens = models.BigIntegerField(null=True)
    output_tokens = models.BigIntegerField(null=True)
    cost_usd = models.DecimalField(max_digits=20, decimal_places=10, null=True)
    attributes = models.JSONField(null=True)
    # By the catalogue as it was when the event was recorded: what the primary would have cost, and what it cost that
    # the primary's prompt cache was of no use. Null: not known.
    primary_cost_usd = models.DecimalField(max_digits=20, decimal_places=10, null=True)
    cache_loss_usd = models.DecimalField(max_digits=20, decimal_places=10, null=True)
    # The verdict. Rules are bits, in the order of `fallbacks.verdict.RULES`; no version where there was no policy.
    error_class = models.TextField(default="")
    rules = models.IntegerField(default=0)
    policy_version = models.IntegerField(null=True)
    who_acts = models.TextField(default="")
    # Whether the policy asked that the user be told of this answer.
    notice_due = models.BooleanField(default=False)

    class Meta:
        db_table = "event"

    def __str__(self) -> str:
        return f"{self.id} at {self.occurred_at.isoformat()}"


class EarlierVerdict(models.Model):
    """What an event was judged to be before it was judged again."""

    id = models.BigAutoField(primary_key=True)
    workload = models.ForeignKey(
        "fallbacks.Workload", on_delete=models.DO_NOTHING, db_constraint=False, related_name="+"
    )
    occurred_at = models.DateTimeField()
    event = models.TextField()
    error_class = models.TextField(default="")
    rules = models.IntegerField(default=0)
    policy_version = models.IntegerField(null=True)
    who_acts = models.TextField(default="")
    replaced_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "earlier_verdict"
        indexes = [models.Index(fields=["workload", "occurred_at", "event"], name="earlier_verdict_of_event")]

    def __str__(self) -> str:
        return f"{self.event}, until {self.replaced_at.isoformat()}"
