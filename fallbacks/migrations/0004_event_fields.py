"""The rest of an event's fields, and a rate of a key's own."""

import django.contrib.postgres.fields
from django.db import migrations, models

EVENT = """
ALTER TABLE event
  ADD COLUMN error_code text,
  ADD COLUMN attempts smallint NOT NULL DEFAULT 1,
  ADD COLUMN user_visible boolean,
  ADD COLUMN user_notified boolean,
  ADD COLUMN tier text,
  ADD COLUMN payload_class text,
  ADD COLUMN provider_features text[],
  ADD COLUMN request_id text,
  ADD COLUMN trace_id text,
  ADD COLUMN primary_latency_ms integer,
  ADD COLUMN fallback_latency_ms integer,
  ADD COLUMN input_tokens bigint,
  ADD COLUMN cached_input_tokens bigint,
  ADD COLUMN output_tokens bigint,
  ADD COLUMN cost_usd numeric(20, 10),
  ADD COLUMN attributes jsonb
"""
FIELDS = {
    "error_code": models.TextField(null=True),
    "attempts": models.SmallIntegerField(default=1),
    "user_visible": models.BooleanField(null=True),
    "user_notified": models.BooleanField(null=True),
    "tier": models.TextField(null=True),
    "payload_class": models.TextField(null=True),
    "provider_features": django.contrib.postgres.fields.ArrayField(models.TextField(), null=True),
    "request_id": models.TextField(null=True),
    "trace_id": models.TextField(null=True),
    "primary_latency_ms": models.IntegerField(null=True),
    "fallback_latency_ms": models.IntegerField(null=True),
    "input_tokens": models.BigIntegerField(null=True),
    "cached_input_tokens": models.BigIntegerField(null=True),
    "output_tokens": models.BigIntegerField(null=True),
    "cost_usd": models.DecimalField(max_digits=20, decimal_places=10, null=True),
    "attributes": models.JSONField(null=True),
}


class Migration(migrations.Migration):
    dependencies = [("fallbacks", "0003_roles")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(EVENT, "ALTER TABLE event " + ", ".join(f"DROP COLUMN {name}" for name in FIELDS))
            ],
            state_operations=[migrations.AddField("event", name, field) for name, field in FIELDS.items()],
        ),
        migrations.AddField("apikey", "rate", models.IntegerField(null=True, blank=True)),
    ]
