"""The audit log: who did what that others rely on. It only grows."""

from django.db import models


class AuditEntry(models.Model):
    """One entry. Its hash covers all of it and the hash of the entry before: `fallbacks.audit` says how.

    Written by `audit.append` alone; the database refuses to change, delete or truncate (migration 0012).
    `details` is JSON text, kept as the bytes that were hashed.
    """

    number = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    actor = models.TextField()
    action = models.TextField()
    # The slug of the workload that it is about, and what of it; both may be empty.
    workload = models.TextField(blank=True)
    subject = models.TextField(blank=True)
    details = models.TextField()
    # The first one's is 64 zeros. Unique: the chain has no fork.
    previous = models.CharField(max_length=64, unique=True)
    hash = models.CharField(max_length=64, unique=True)

    class Meta:
        db_table = "audit_entry"
        indexes = [
            models.Index(fields=["workload", "-number"], name="audit_of_workload"),
            models.Index(fields=["at"], name="audit_by_time"),
        ]

    def __str__(self) -> str:
        return f"#{self.number} {self.action}"
