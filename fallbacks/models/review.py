"""Samples of answers by a fallback, and what reviewers say of them."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class Sample(models.Model):
    """One answer that was picked for review, with its masked texts: an item of the queue until it is scored.

    It is of one event, and is picked once. Its route is the event's pair. `held_by` may look at it until
    `held_until`; then it is free again. `batch` and `place` tell where it stands in what that person claimed.
    """

    id = models.BigAutoField(primary_key=True)
    workload = models.ForeignKey("fallbacks.Workload", on_delete=models.PROTECT, related_name="+")
    occurred_at = models.DateTimeField()
    event = models.TextField()
    environment = models.TextField()
    primary = models.TextField()
    fallback = models.TextField()
    error_class = models.TextField()
    tier = models.TextField(blank=True)
    paid = models.BooleanField(default=False)
    payload_class = models.TextField(blank=True)
    policy_version = models.IntegerField()
    # Bits, as in an event.
    rules = models.IntegerField(default=0)
    # One of fallbacks.sampling.REASONS.
    reason = models.TextField()
    # Null: not sent, or removed when it was old (`texts_removed_at`).
    input = models.TextField(null=True)
    output = models.TextField(null=True)
    primary_output = models.TextField(null=True)
    # What was masked in the texts: how often by kind.
    masked = models.JSONField(default=dict)
    texts_removed_at = models.DateTimeField(null=True)
    criteria = models.JSONField(default=list)
    reviews_required = models.IntegerField(default=1)
    sampled_at = models.DateTimeField(db_default=Now())
    due_at = models.DateTimeField()
    # Whether the fallback's answer is shown as B where both are there.
    swapped = models.BooleanField(default=False)
    held_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, related_name="+")
    held_until = models.DateTimeField(null=True)
    batch = models.UUIDField(null=True)
    place = models.IntegerField(default=0)
    # Set when as many as are required have scored it and agree: whether the fallback's answer is good enough.
    scored_at = models.DateTimeField(null=True)
    passed = models.BooleanField(null=True)

    class Meta:
        db_table = "sample"
        constraints = [
            models.UniqueConstraint(fields=["workload", "occurred_at", "event"], name="sample_once"),
            models.CheckConstraint(
                condition=models.Q(scored_at=None, passed=None)
                | models.Q(scored_at__isnull=False, passed__isnull=False),
                name="sample_scored_one_way",
            ),
            models.CheckConstraint(
                condition=models.Q(held_by=None, held_until=None) | models.Q(held_until__isnull=False, scored_at=None),
                name="sample_held_while_open",
            ),
        ]
        indexes = [
            # The queue: what is not scored yet and can be, the most urgent first.
            models.Index(
                fields=["due_at", "id"],
                condition=models.Q(scored_at=None, texts_removed_at=None),
                name="sample_waiting",
            ),
            models.Index(fields=["workload", "primary", "fallback", "occurred_at"], name="sample_of_route"),
            models.Index(
                fields=["workload", "primary", "fallback", "-scored_at"],
                condition=models.Q(scored_at__isnull=False),
                name="sample_scored",
            ),
            # What reviews say of a window.
            models.Index(
                fields=["scored_at"], condition=models.Q(scored_at__isnull=False), name="sample_by_scored_time"
            ),
            models.Index(fields=["sampled_at"], condition=models.Q(texts_removed_at=None), name="sample_with_texts"),
        ]

    def __str__(self) -> str:
        return f"sample {self.id} of {self.event}"


class Review(models.Model):
    """What one reviewer says of a sample: once, and never changed.

    `marks` are of the fallback's answer, `primary_marks` of the primary's where there is one: by criterion `pass`,
    `fail` or `na`. `passed` and `primary_passed` are the overall marks.
    """

    id = models.BigAutoField(primary_key=True)
    sample = models.ForeignKey(Sample, on_delete=models.PROTECT, related_name="reviews")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    marks = models.JSONField()
    passed = models.BooleanField()
    primary_marks = models.JSONField(null=True)
    primary_passed = models.BooleanField(null=True)
    comment = models.TextField(blank=True)
    at = models.DateTimeField(db_default=Now())
    # When the reviewer had claimed it, and where it stood in what was claimed.
    batch = models.UUIDField(null=True)
    place = models.IntegerField(default=0)

    class Meta:
        db_table = "review"
        constraints = [models.UniqueConstraint(fields=["sample", "reviewer"], name="review_once")]
        indexes = [models.Index(fields=["batch"], name="review_of_batch")]

    def __str__(self) -> str:
        return f"review of sample {self.sample_id}"


class PassedOver(models.Model):
    """A sample that a reviewer skipped, and why: it is not given to that person again."""

    id = models.BigAutoField(primary_key=True)
    sample = models.ForeignKey(Sample, on_delete=models.PROTECT, related_name="passed_over")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.TextField()
    at = models.DateTimeField(db_default=Now())
    batch = models.UUIDField(null=True)
    place = models.IntegerField(default=0)

    class Meta:
        db_table = "passed_over"
        constraints = [models.UniqueConstraint(fields=["sample", "reviewer"], name="passed_over_once")]
        indexes = [models.Index(fields=["batch"], name="passed_over_of_batch")]

    def __str__(self) -> str:
        return f"sample {self.sample_id}: {self.reason}"
