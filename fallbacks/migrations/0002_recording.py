"""Events, traffic and rollups. Made by SQL: Django has no words for partitions and fill factors."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

EVENT = """
CREATE TABLE event (
  workload_id bigint NOT NULL,
  occurred_at timestamptz NOT NULL,
  id text NOT NULL,
  received_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  environment text NOT NULL,
  "primary" text NOT NULL,
  fallback text,
  status text NOT NULL,
  reason text NOT NULL,
  outcome text NOT NULL,
  PRIMARY KEY (workload_id, occurred_at, id),
  CONSTRAINT event_outcome CHECK (outcome IN ('served', 'failed', 'blocked')),
  CONSTRAINT event_served_by_somebody CHECK (outcome <> 'served' OR fallback IS NOT NULL)
) PARTITION BY RANGE (occurred_at);
-- The list of events over all workloads; that of one workload is served by the key.
CREATE INDEX event_by_time ON event (occurred_at);
"""

TRAFFIC = """
CREATE TABLE traffic (
  workload_id bigint NOT NULL,
  id text NOT NULL,
  start timestamptz NOT NULL,
  seconds integer NOT NULL,
  environment text NOT NULL,
  model text,
  requests bigint NOT NULL,
  received_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (workload_id, id),
  CONSTRAINT traffic_window CHECK (seconds BETWEEN 1 AND 3600),
  CONSTRAINT traffic_requests CHECK (requests >= 0)
);
-- For recounting a span of time: counts come in the order of their time, which is all that BRIN needs.
CREATE INDEX traffic_by_time ON traffic USING brin (start);
"""

# Every cell is updated many times: free room in each page keeps the new version beside the old one, and no
# index on the counters lets it stay there.
ROLLUP = """
CREATE TABLE {name} (
  workload_id bigint NOT NULL,
  bucket timestamptz NOT NULL,
  environment text NOT NULL,
  requests bigint,
  served bigint NOT NULL DEFAULT 0,
  failed bigint NOT NULL DEFAULT 0,
  blocked bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (workload_id, bucket, environment)
) WITH (fillfactor = 60);
-- Windows over all workloads.
CREATE INDEX {name}_by_time ON {name} (bucket);
"""
ROLLUPS = {"MinuteRollup": "rollup_minute", "HourRollup": "rollup_hour", "DayRollup": "rollup_day"}


def rollup(name: str, table: str) -> migrations.CreateModel:
    """Return the state of one of the three: they differ in nothing but their step."""
    return migrations.CreateModel(
        name=name,
        fields=[
            (
                "pk",
                models.CompositePrimaryKey(
                    "workload_id",
                    "bucket",
                    "environment",
                    blank=True,
                    editable=False,
                    primary_key=True,
                    serialize=False,
                ),
            ),
            ("bucket", models.DateTimeField()),
            ("environment", models.TextField()),
            ("requests", models.BigIntegerField(null=True)),
            ("served", models.BigIntegerField(default=0)),
            ("failed", models.BigIntegerField(default=0)),
            ("blocked", models.BigIntegerField(default=0)),
            (
                "workload",
                models.ForeignKey(
                    db_constraint=False,
                    db_index=False,
                    on_delete=django.db.models.deletion.DO_NOTHING,
                    related_name="+",
                    to="fallbacks.workload",
                ),
            ),
        ],
        options={
            "db_table": table,
        },
    )


class Migration(migrations.Migration):
    dependencies = [("fallbacks", "0001_people_keys_workloads")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(EVENT, "DROP TABLE event"),
                migrations.RunSQL(TRAFFIC, "DROP TABLE traffic"),
                *[migrations.RunSQL(ROLLUP.format(name=name), f"DROP TABLE {name}") for name in ROLLUPS.values()],
            ],
            state_operations=[
                migrations.CreateModel(
                    name="Event",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "workload_id",
                                "occurred_at",
                                "id",
                                blank=True,
                                editable=False,
                                primary_key=True,
                                serialize=False,
                            ),
                        ),
                        ("occurred_at", models.DateTimeField()),
                        ("id", models.TextField()),
                        ("received_at", models.DateTimeField()),
                        ("recorded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        ("environment", models.TextField()),
                        ("primary", models.TextField()),
                        ("fallback", models.TextField(null=True)),
                        ("status", models.TextField()),
                        ("reason", models.TextField()),
                        (
                            "outcome",
                            models.TextField(
                                choices=[
                                    ("served", "answered by a fallback"),
                                    ("failed", "not answered"),
                                    ("blocked", "refused by policy"),
                                ]
                            ),
                        ),
                        (
                            "workload",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="fallbacks.workload",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "event",
                    },
                ),
                migrations.CreateModel(
                    name="Traffic",
                    fields=[
                        (
                            "pk",
                            models.CompositePrimaryKey(
                                "workload_id", "id", blank=True, editable=False, primary_key=True, serialize=False
                            ),
                        ),
                        ("id", models.TextField()),
                        ("start", models.DateTimeField()),
                        ("seconds", models.IntegerField()),
                        ("environment", models.TextField()),
                        ("model", models.TextField(null=True)),
                        ("requests", models.BigIntegerField()),
                        ("received_at", models.DateTimeField()),
                        ("recorded_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                        (
                            "workload",
                            models.ForeignKey(
                                db_constraint=False,
                                db_index=False,
                                on_delete=django.db.models.deletion.DO_NOTHING,
                                related_name="+",
                                to="fallbacks.workload",
                            ),
                        ),
                    ],
                    options={
                        "db_table": "traffic",
                    },
                ),
                *[rollup(model, table) for model, table in ROLLUPS.items()],
            ],
        ),
    ]
