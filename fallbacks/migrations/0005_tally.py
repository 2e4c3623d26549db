"""Counters of what was drained, in the database beside the rows that they count."""

import django.db.models.functions.datetime
from django.db import migrations, models

# One row a shard, updated with every batch: room in its page keeps the new version there.
TALLY = """
CREATE TABLE tally (
  epoch bigint NOT NULL,
  shard integer NOT NULL,
  stored bigint NOT NULL DEFAULT 0,
  duplicate bigint NOT NULL DEFAULT 0,
  kept_aside bigint NOT NULL DEFAULT 0,
  discarded bigint NOT NULL DEFAULT 0,
  uncounted bigint NOT NULL DEFAULT 0,
  settled_ms numeric(20) NOT NULL DEFAULT 0,
  settled_seq numeric(20) NOT NULL DEFAULT 0,
  PRIMARY KEY (epoch, shard)
) WITH (fillfactor = 50)
"""

# Comes and goes all the time: cleaned up long before a fifth of it is dead.
DRAINED_ENTRY = """
CREATE TABLE drained_entry (
  epoch bigint NOT NULL,
  shard integer NOT NULL,
  ms numeric(20) NOT NULL,
  seq numeric(20) NOT NULL,
  items integer NOT NULL,
  drained_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (epoch, shard, ms, seq)
) WITH (autovacuum_vacuum_scale_factor = 0.05)
"""


def number() -> models.DecimalField:
    return models.DecimalField(max_digits=20, decimal_places=0)


def key(*columns: str) -> models.CompositePrimaryKey:
    return models.CompositePrimaryKey(*columns, blank=True, editable=False, primary_key=True, serialize=False)


class Migration(migrations.Migration):
    dependencies = [("fallbacks", "0004_event_fields")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(TALLY, "DROP TABLE tally"),
                migrations.RunSQL(DRAINED_ENTRY, "DROP TABLE drained_entry"),
            ],
            state_operations=[
                migrations.CreateModel(
                    name="Tally",
                    fields=[
                        ("pk", key("epoch", "shard")),
                        ("epoch", models.BigIntegerField()),
                        ("shard", models.IntegerField()),
                        ("stored", models.BigIntegerField(default=0)),
                        ("duplicate", models.BigIntegerField(default=0)),
                        ("kept_aside", models.BigIntegerField(default=0)),
                        ("discarded", models.BigIntegerField(default=0)),
                        ("uncounted", models.BigIntegerField(default=0)),
                        ("settled_ms", models.DecimalField(max_digits=20, decimal_places=0, default=0)),
                        ("settled_seq", models.DecimalField(max_digits=20, decimal_places=0, default=0)),
                    ],
                    options={"db_table": "tally"},
                ),
                migrations.CreateModel(
                    name="DrainedEntry",
                    fields=[
                        ("pk", key("epoch", "shard", "ms", "seq")),
                        ("epoch", models.BigIntegerField()),
                        ("shard", models.IntegerField()),
                        ("ms", number()),
                        ("seq", number()),
                        ("items", models.IntegerField()),
                        ("drained_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                    ],
                    options={"db_table": "drained_entry"},
                ),
            ],
        ),
        migrations.AddField("keptaside", "epoch", models.BigIntegerField(default=0)),
        migrations.AddField("keptaside", "shard", models.IntegerField(default=0)),
        migrations.AddField("keptaside", "items", models.IntegerField(default=1)),
        migrations.AddField("keptaside", "tried_at", models.DateTimeField(null=True)),
    ]
