"""How far rows have been removed: beyond that nothing can be recounted."""

from django.db import models


class RemovedRows(models.Model):
    """The one row says that events and counts from before `before` may have been removed.

    It never goes back: kept longer from now on, what was removed is gone all the same, and the rollups
    alone remember it.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    before = models.DateTimeField()

    class Meta:
        db_table = "removed_rows"
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="removed_rows_is_one")]

    def __str__(self) -> str:
        return f"before {self.before.isoformat()}"
