"""The audit log: who did what that others rely on. It only grows."""

from typing import Any

from django.db import models


class ReadableMoment(models.DateTimeField):  # type: ignore[type-arg]  # its parameters are the stubs' alone
    """A time that is read as None where Python has none that is as far away: in every zone of the world.

    Only who tampered with the database put it there, and what shows that must not fail by it.
    """

    def select_format(self, compiler: Any, sql: str, params: Any) -> tuple[str, Any]:
        return f"CASE WHEN {sql} >= '0001-01-02' AND {sql} < '9999-12-30' THEN {sql} END", [*params] * 3

    def deconstruct(self) -> Any:
        """To the database it is a time like any other."""
        name, _, args, kwargs = super().deconstruct()
        return name, "django.db.models.DateTimeField", args, kwargs


class AuditEntry(models.Model):
    """One entry. Its hash covers all of it and the hash of the entry before: `fallbacks.audit` says how.

    Written by `audit.append` alone; the database refuses to change, delete or truncate (migration 0012).
    `details` is JSON text, kept as the bytes that were hashed. Where it is None, `at` was tampered with.
    """

    number = models.BigIntegerField(primary_key=True)
    at = ReadableMoment()
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
        # Below the first one nobody looks for an entry.
        constraints = [models.CheckConstraint(condition=models.Q(number__gt=0), name="audit_entry_from_one")]

    def __str__(self) -> str:
        return f"#{self.number} {self.action}"
