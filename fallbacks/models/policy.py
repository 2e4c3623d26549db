"""The catalogue of models, and each workload's policy in all its versions."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now


class CatalogueModel(models.Model):
    """One model of the catalogue, under the name that events and policies call it by.

    Prices are USD per million tokens; null is not known.
    """

    name = models.CharField(max_length=128, primary_key=True)
    provider = models.CharField(max_length=128)
    family = models.CharField(max_length=128)
    request_shapes = ArrayField(models.CharField(max_length=64))
    features = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    data_region = models.CharField(max_length=128, null=True, blank=True)
    billing_account = models.CharField(max_length=128, null=True, blank=True)
    input_price = models.DecimalField(max_digits=20, decimal_places=10, null=True, blank=True)
    cached_input_price = models.DecimalField(max_digits=20, decimal_places=10, null=True, blank=True)
    output_price = models.DecimalField(max_digits=20, decimal_places=10, null=True, blank=True)
    updated_at = models.DateTimeField(db_default=Now())
    updated_by = models.CharField(max_length=200)
    # When last its family, shapes, region or account changed: what was verified before is not known to hold any more.
    reshaped_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "model"

    def __str__(self) -> str:
        return self.name


class PolicyVersion(models.Model):
    """One version of a workload's policy. It is never changed: the next one follows it.

    `body` has the fields of the API. It is in force from `since` until the next one's.
    """

    id = models.BigAutoField(primary_key=True)
    workload = models.ForeignKey("fallbacks.Workload", on_delete=models.PROTECT, related_name="policy_versions")
    version = models.IntegerField()
    since = models.DateTimeField()
    body = models.JSONField()
    made_by = models.CharField(max_length=200)

    class Meta:
        db_table = "policy_version"
        constraints = [models.UniqueConstraint(fields=["workload", "version"], name="policy_version_once")]

    def __str__(self) -> str:
        return f"{self.workload} v{self.version}"
