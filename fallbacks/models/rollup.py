"""Rollups: counts by minute, hour and day (UTC). Every page reads these and never the events.

They hold additive measures only; a rate is divided when it is read. They are increased in the
transaction that inserts the rows they count, and `manage.py check_rollups` proves them equal.
"""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models

MONEY: dict[str, Any] = {"max_digits": 30, "decimal_places": 10, "default": 0}


class Rollup(models.Model):
    """Counts of one workload and environment in one bucket of time.

    `requests` is null where no traffic was reported: that is not the same as none.
    """

    pk = models.CompositePrimaryKey("workload_id", "bucket", "environment")
    workload = models.ForeignKey(
        "fallbacks.Workload", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    bucket = models.DateTimeField()
    environment = models.TextField()
    requests = models.BigIntegerField(null=True)
    served = models.BigIntegerField(default=0)
    failed = models.BigIntegerField(default=0)
    blocked = models.BigIntegerField(default=0)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.workload_id} {self.environment} {self.bucket.isoformat()}"


class MinuteRollup(Rollup):
    """Counts by minute."""

    class Meta:
        db_table = "rollup_minute"


class HourRollup(Rollup):
    """Counts by hour."""

    class Meta:
        db_table = "rollup_hour"


class DayRollup(Rollup):
    """Counts by day."""

    class Meta:
        db_table = "rollup_day"


class Breakdown(models.Model):
    """Counts of events by everything that a chart or a list breaks them down by. `fallback` is empty where none was
    used; `rules` are bits, as an event's."""

    pk = models.CompositePrimaryKey(
        "workload_id", "bucket", "environment", "primary", "fallback", "error_class", "outcome", "rules"
    )
    workload = models.ForeignKey(
        "fallbacks.Workload", on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    bucket = models.DateTimeField()
    environment = models.TextField()
    primary = models.TextField()
    fallback = models.TextField()
    error_class = models.TextField()
    outcome = models.TextField()
    rules = models.IntegerField()
    events = models.BigIntegerField(default=0)
    # Answers of which users had to be told.
    notices_due = models.BigIntegerField(default=0)
    # Answers whose cost is known, and the primary's as well: what those cost, and would have cost.
    priced = models.BigIntegerField(default=0)
    cost_usd = models.DecimalField(**MONEY)
    primary_cost_usd = models.DecimalField(**MONEY)
    # Of all answers. A sum of counts that senders choose may be beyond any bigint.
    cached_tokens_lost = models.DecimalField(max_digits=30, decimal_places=0, default=0)
    cache_loss_usd = models.DecimalField(**MONEY)
    # Histograms of `fallbacks.latencies`: how long the primary took to fail, and the fallback to answer.
    primary_ms = ArrayField(models.BigIntegerField(), null=True)
    fallback_ms = ArrayField(models.BigIntegerField(), null=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.workload_id} {self.environment} {self.error_class} {self.bucket.isoformat()}"


class MinuteBreakdown(Breakdown):
    """By minute."""

    class Meta:
        db_table = "breakdown_minute"


class HourBreakdown(Breakdown):
    """By hour."""

    class Meta:
        db_table = "breakdown_hour"


class DayBreakdown(Breakdown):
    """By day."""

    class Meta:
        db_table = "breakdown_day"
