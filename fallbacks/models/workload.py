"""Workloads: the named kinds of traffic that everything else is scoped to."""

from django.db import models
from django.db.models.functions import Now


class Workload(models.Model):
    """One workload, made when its first event or traffic count is recorded."""

    id = models.BigAutoField(primary_key=True)
    slug = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "workload"

    def __str__(self) -> str:
        return self.slug
