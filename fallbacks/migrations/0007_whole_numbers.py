"""Whole numbers of events are bigint: the recorder copies them in binary, where a smaller type would cut them."""

from django.db import migrations, models

FIELDS = {
    "attempts": models.BigIntegerField(default=1),
    "primary_latency_ms": models.BigIntegerField(null=True),
    "fallback_latency_ms": models.BigIntegerField(null=True),
}


class Migration(migrations.Migration):
    dependencies = [("fallbacks", "0006_removed_rows")]

    operations = [migrations.AlterField("event", name, field) for name, field in FIELDS.items()]
