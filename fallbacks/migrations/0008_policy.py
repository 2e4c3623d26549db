"""The catalogue, policies and their versions, routes, the verdict of each event, and breakdowns."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

EVENT = """
ALTER TABLE event
  ADD COLUMN error_class text NOT NULL DEFAULT '',
  ADD COLUMN rules integer NOT NULL DEFAULT 0,
  ADD COLUMN policy_version integer,
  ADD COLUMN who_acts text NOT NULL DEFAULT '';
-- The lists of events that broke a rule, newest first: few of many.
CREATE INDEX event_broken ON event (occurred_at, workload_id, id) WHERE rules <> 0
"""
VERDICT = {
    "error_class": models.TextField(default=""),
    "rules": models.IntegerField(default=0),
    "policy_version": models.IntegerField(null=True),
    "who_acts": models.TextField(default=""),
}

# As the rollups; counted from the rows that there are, which have no verdict yet.
BREAKDOWN = """
CREATE TABLE {name} (
  workload_id bigint NOT NULL,
  bucket timestamptz NOT NULL,
  environment text NOT NULL,
  "primary" text NOT NULL,
  fallback text NOT NULL,
  error_class text NOT NULL,
  outcome text NOT NULL,
  rules integer NOT NULL,
  events bigint NOT NULL,
  PRIMARY KEY (workload_id, bucket, environment, "primary", fallback, error_class, outcome, rules)
) WITH (fillfactor = 60);
-- Windows over all workloads.
CREATE INDEX {name}_by_time ON {name} (bucket);
INSERT INTO {name}
SELECT workload_id, date_trunc('{step}', occurred_at, 'UTC'), environment, "primary", coalesce(fallback, ''),
       error_class, outcome, rules, count(*)
FROM event GROUP BY 1, 2, 3, 4, 5, 6, 7, 8;
"""
KEY = ("workload_id", "bucket", "environment", "primary", "fallback", "error_class", "outcome", "rules")


def breakdown(name: str, step: str) -> migrations.SeparateDatabaseAndState:
    """Return the table of one step: the three differ in nothing else."""
    table = f"breakdown_{step}"
    fields = [
        ("pk", models.CompositePrimaryKey(*KEY, blank=True, editable=False, primary_key=True, serialize=False)),
        ("bucket", models.DateTimeField()),
        *((word, models.TextField()) for word in ("environment", "primary", "fallback", "error_class", "outcome")),
        ("rules", models.IntegerField()),
        ("events", models.BigIntegerField(default=0)),
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
    ]
    return migrations.SeparateDatabaseAndState(
        database_operations=[
            migrations.RunSQL(BREAKDOWN.format(name=table, step=step), f"DROP TABLE {table}"),
        ],
        state_operations=[migrations.CreateModel(name=name, fields=fields, options={"db_table": table})],
    )


class Migration(migrations.Migration):
    dependencies = [("fallbacks", "0007_whole_numbers")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    EVENT,
                    "DROP INDEX event_broken; ALTER TABLE event "
                    + ", ".join(f"DROP COLUMN {name}" for name in VERDICT),
                )
            ],
            state_operations=[migrations.AddField("event", name, field) for name, field in VERDICT.items()],
        ),
        breakdown("MinuteBreakdown", "minute"),
        breakdown("HourBreakdown", "hour"),
        breakdown("DayBreakdown", "day"),
        migrations.CreateModel(
            name="CatalogueModel",
            fields=[
                ("name", models.CharField(max_length=128, primary_key=True, serialize=False)),
                ("provider", models.CharField(max_length=128)),
                ("family", models.CharField(max_length=128)),
                (
                    "request_shapes",
                    django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), size=None),
                ),
                (
                    "features",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64), blank=True, default=list, size=None
                    ),
                ),
                ("data_region", models.CharField(blank=True, max_length=128, null=True)),
                ("billing_account", models.CharField(blank=True, max_length=128, null=True)),
                ("input_price", models.DecimalField(blank=True, decimal_places=10, max_digits=20, null=True)),
                ("cached_input_price", models.DecimalField(blank=True, decimal_places=10, max_digits=20, null=True)),
                ("output_price", models.DecimalField(blank=True, decimal_places=10, max_digits=20, null=True)),
                ("updated_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("updated_by", models.CharField(max_length=200)),
            ],
            options={
                "db_table": "model",
            },
        ),
        migrations.CreateModel(
            name="Rulebook",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("revision", models.BigIntegerField(default=1)),
            ],
            options={
                "db_table": "rulebook",
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="rulebook_is_one")],
            },
        ),
        migrations.CreateModel(
            name="EarlierVerdict",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("occurred_at", models.DateTimeField()),
                ("event", models.TextField()),
                ("error_class", models.TextField(default="")),
                ("rules", models.IntegerField(default=0)),
                ("policy_version", models.IntegerField(null=True)),
                ("who_acts", models.TextField(default="")),
                ("replaced_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "workload",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="fallbacks.workload",
                    ),
                ),
            ],
            options={
                "db_table": "earlier_verdict",
                "indexes": [models.Index(fields=["workload", "occurred_at", "event"], name="earlier_verdict_of_event")],
            },
        ),
        migrations.CreateModel(
            name="Enablement",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("primary", models.CharField(max_length=128)),
                ("fallback", models.CharField(max_length=128)),
                ("since", models.DateTimeField()),
                ("until", models.DateTimeField(blank=True, null=True)),
                ("approved_by", models.CharField(max_length=200)),
                (
                    "workload",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="fallbacks.workload"
                    ),
                ),
            ],
            options={
                "db_table": "enablement",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("until", None)),
                        fields=("workload", "primary", "fallback"),
                        name="enablement_open_once",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="PolicyVersion",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("version", models.IntegerField()),
                ("since", models.DateTimeField()),
                ("body", models.JSONField()),
                ("made_by", models.CharField(max_length=200)),
                (
                    "workload",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="policy_versions",
                        to="fallbacks.workload",
                    ),
                ),
            ],
            options={
                "db_table": "policy_version",
                "constraints": [models.UniqueConstraint(fields=("workload", "version"), name="policy_version_once")],
            },
        ),
        migrations.CreateModel(
            name="Verification",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=64)),
                ("primary", models.CharField(max_length=128)),
                ("fallback", models.CharField(max_length=128)),
                ("payload_class", models.CharField(max_length=64)),
                ("passed", models.BooleanField()),
                ("details", models.TextField(blank=True)),
                ("received_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("sent_by", models.CharField(max_length=200)),
                (
                    "workload",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="fallbacks.workload"
                    ),
                ),
            ],
            options={
                "db_table": "verification",
                "indexes": [
                    models.Index(
                        fields=["workload", "primary", "fallback", "payload_class", "-received_at"],
                        name="verification_newest",
                    )
                ],
                "constraints": [models.UniqueConstraint(fields=("workload", "name"), name="verification_once")],
            },
        ),
        migrations.RunSQL(
            "CREATE SEQUENCE rulebook_revision;"
            " INSERT INTO rulebook (id, revision) VALUES (1, nextval('rulebook_revision'))",
            "DROP SEQUENCE rulebook_revision",
        ),
    ]
