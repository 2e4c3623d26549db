"""Routes: a workload's primary and fallback, what was verified of the pair, and when it was enabled for users."""

from django.conf import settings
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


class RouteRequest(models.Model):
    """Somebody asked that a route be enabled for users, and what became of it.

    The database itself refuses that one person asks and approves, a second open request of a workload, and that a
    request to which an enablement goes back becomes another one, or is approved later than it was (migration 0013).
    """

    class State(models.TextChoices):
        OPEN = "open", "waits for a decision"
        APPROVED = "approved", "approved"
        REJECTED = "rejected", "rejected"
        WITHDRAWN = "withdrawn", "withdrawn"
        # The pair, a model or the payload classes changed: what was asked for is of another route.
        SENT_BACK = "sent back", "sent back"

    id = models.BigAutoField(primary_key=True)
    workload = models.ForeignKey("fallbacks.Workload", on_delete=models.PROTECT, related_name="+")
    primary = models.CharField(max_length=128)
    fallback = models.CharField(max_length=128)
    state = models.CharField(max_length=9, choices=State, default=State.OPEN)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    why = models.TextField(blank=True)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision = models.TextField(blank=True)

    class Meta:
        db_table = "route_request"
        constraints = [
            models.UniqueConstraint(
                fields=["workload"], condition=models.Q(state="open"), name="route_request_open_once"
            ),
            models.CheckConstraint(
                condition=~models.Q(state="approved")
                | (models.Q(decided_by__isnull=False) & ~models.Q(decided_by=models.F("asked_by"))),
                name="route_request_approved_by_another",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.primary} to {self.fallback}, {self.state}"


class Enablement(models.Model):
    """A span of time in which a route was enabled for users; `until` is null while it is.

    It ends by itself at `expires_at`. `ended` tells what ended it, `request` what it goes back to: null in rows of
    before migration 0012, when nobody had to ask.

    The database itself refuses a row whose request is not approved, or is of another workload, primary or fallback, or
    was approved by somebody else than `approved_by` or later than `since`; and that a span is made longer or opened
    again. Triggers of migration 0013 see to it, whoever writes. Rows of before end as all do.
    """

    class Ended(models.TextChoices):
        SUSPENDED = "suspended", "suspended"
        EXPIRED = "expired", "expired"
        SENT_BACK = "sent back", "sent back"

    id = models.BigAutoField(primary_key=True)
    workload = models.ForeignKey("fallbacks.Workload", on_delete=models.PROTECT, related_name="+")
    primary = models.CharField(max_length=128)
    fallback = models.CharField(max_length=128)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True)
    approved_by = models.CharField(max_length=200)
    expires_at = models.DateTimeField(null=True)
    ended = models.CharField(max_length=9, choices=Ended, blank=True, default="")
    # One approval, one span.
    request = models.OneToOneField(RouteRequest, on_delete=models.PROTECT, null=True, related_name="enablement")

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
