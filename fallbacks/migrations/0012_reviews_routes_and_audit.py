"""Samples and their reviews, requests for routes, how an enablement ends, and the audit log, which only grows."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models


# Whoever owns the table can take this away, but not without a trace: `manage.py verify_audit` finds what was changed.
ONLY_GROWS = """
CREATE FUNCTION audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit log only grows: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER audit_entry_stays BEFORE UPDATE OR DELETE ON audit_entry
  FOR EACH ROW EXECUTE FUNCTION audit_only_grows();
CREATE TRIGGER audit_stays BEFORE TRUNCATE ON audit_entry
  FOR EACH STATEMENT EXECUTE FUNCTION audit_only_grows();
ALTER TABLE audit_entry ENABLE ALWAYS TRIGGER audit_entry_stays, ENABLE ALWAYS TRIGGER audit_stays
"""
MAY_GROW = "DROP FUNCTION audit_only_grows CASCADE"


class Migration(migrations.Migration):
    dependencies = [
        ("fallbacks", "0011_saved_views_and_exports"),
    ]

    operations = [
        migrations.AddField(
            model_name="enablement",
            name="ended",
            field=models.CharField(
                blank=True,
                choices=[("suspended", "suspended"), ("expired", "expired"), ("sent back", "sent back")],
                default="",
                max_length=9,
            ),
        ),
        migrations.AddField(
            model_name="enablement",
            name="expires_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("number", models.BigIntegerField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField()),
                ("actor", models.TextField()),
                ("action", models.TextField()),
                ("workload", models.TextField(blank=True)),
                ("subject", models.TextField(blank=True)),
                ("details", models.TextField()),
                ("previous", models.CharField(max_length=64, unique=True)),
                ("hash", models.CharField(max_length=64, unique=True)),
            ],
            options={
                "db_table": "audit_entry",
                "indexes": [
                    models.Index(fields=["workload", "-number"], name="audit_of_workload"),
                    models.Index(fields=["at"], name="audit_by_time"),
                ],
            },
        ),
        migrations.CreateModel(
            name="RouteRequest",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("primary", models.CharField(max_length=128)),
                ("fallback", models.CharField(max_length=128)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("open", "waits for a decision"),
                            ("approved", "approved"),
                            ("rejected", "rejected"),
                            ("withdrawn", "withdrawn"),
                            ("sent back", "sent back"),
                        ],
                        default="open",
                        max_length=9,
                    ),
                ),
                ("asked_at", models.DateTimeField()),
                ("why", models.TextField(blank=True)),
                ("decided_at", models.DateTimeField(null=True)),
                ("decision", models.TextField(blank=True)),
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "workload",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="fallbacks.workload"
                    ),
                ),
            ],
            options={
                "db_table": "route_request",
            },
        ),
        migrations.AddField(
            model_name="enablement",
            name="request",
            field=models.OneToOneField(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="enablement",
                to="fallbacks.routerequest",
            ),
        ),
        migrations.CreateModel(
            name="Sample",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("occurred_at", models.DateTimeField()),
                ("event", models.TextField()),
                ("environment", models.TextField()),
                ("primary", models.TextField()),
                ("fallback", models.TextField()),
                ("error_class", models.TextField()),
                ("tier", models.TextField(blank=True)),
                ("paid", models.BooleanField(default=False)),
                ("payload_class", models.TextField(blank=True)),
                ("policy_version", models.IntegerField()),
                ("rules", models.IntegerField(default=0)),
                ("reason", models.TextField()),
                ("input", models.TextField(null=True)),
                ("output", models.TextField(null=True)),
                ("primary_output", models.TextField(null=True)),
                ("masked", models.JSONField(default=dict)),
                ("texts_removed_at", models.DateTimeField(null=True)),
                ("criteria", models.JSONField(default=list)),
                ("reviews_required", models.IntegerField(default=1)),
                ("sampled_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("due_at", models.DateTimeField()),
                ("swapped", models.BooleanField(default=False)),
                ("held_until", models.DateTimeField(null=True)),
                ("batch", models.UUIDField(null=True)),
                ("place", models.IntegerField(default=0)),
                ("scored_at", models.DateTimeField(null=True)),
                ("passed", models.BooleanField(null=True)),
                (
                    "held_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "workload",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="fallbacks.workload"
                    ),
                ),
            ],
            options={
                "db_table": "sample",
            },
        ),
        migrations.CreateModel(
            name="Review",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("marks", models.JSONField()),
                ("passed", models.BooleanField()),
                ("primary_marks", models.JSONField(null=True)),
                ("primary_passed", models.BooleanField(null=True)),
                ("comment", models.TextField(blank=True)),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("batch", models.UUIDField(null=True)),
                ("place", models.IntegerField(default=0)),
                (
                    "reviewer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "sample",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="reviews", to="fallbacks.sample"
                    ),
                ),
            ],
            options={
                "db_table": "review",
            },
        ),
        migrations.CreateModel(
            name="PassedOver",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("reason", models.TextField()),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("batch", models.UUIDField(null=True)),
                ("place", models.IntegerField(default=0)),
                (
                    "reviewer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "sample",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="passed_over", to="fallbacks.sample"
                    ),
                ),
            ],
            options={
                "db_table": "passed_over",
            },
        ),
        migrations.AddConstraint(
            model_name="routerequest",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "open")), fields=("workload",), name="route_request_open_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="routerequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "approved"), _negated=True),
                    models.Q(
                        ("decided_by__isnull", False), models.Q(("decided_by", models.F("asked_by")), _negated=True)
                    ),
                    _connector="OR",
                ),
                name="route_request_approved_by_another",
            ),
        ),
        migrations.AddIndex(
            model_name="sample",
            index=models.Index(
                condition=models.Q(("scored_at", None), ("texts_removed_at", None)),
                fields=["due_at", "id"],
                name="sample_waiting",
            ),
        ),
        migrations.AddIndex(
            model_name="sample",
            index=models.Index(fields=["workload", "primary", "fallback", "occurred_at"], name="sample_of_route"),
        ),
        migrations.AddIndex(
            model_name="sample",
            index=models.Index(
                condition=models.Q(("scored_at__isnull", False)),
                fields=["workload", "primary", "fallback", "-scored_at"],
                name="sample_scored",
            ),
        ),
        migrations.AddIndex(
            model_name="sample",
            index=models.Index(
                condition=models.Q(("scored_at__isnull", False)), fields=["scored_at"], name="sample_by_scored_time"
            ),
        ),
        migrations.AddIndex(
            model_name="sample",
            index=models.Index(
                condition=models.Q(("texts_removed_at", None)), fields=["sampled_at"], name="sample_with_texts"
            ),
        ),
        migrations.AddConstraint(
            model_name="sample",
            constraint=models.UniqueConstraint(fields=("workload", "occurred_at", "event"), name="sample_once"),
        ),
        migrations.AddConstraint(
            model_name="sample",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("passed", None), ("scored_at", None)),
                    models.Q(("passed__isnull", False), ("scored_at__isnull", False)),
                    _connector="OR",
                ),
                name="sample_scored_one_way",
            ),
        ),
        migrations.AddConstraint(
            model_name="sample",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("held_by", None), ("held_until", None)),
                    models.Q(("held_until__isnull", False), ("scored_at", None)),
                    _connector="OR",
                ),
                name="sample_held_while_open",
            ),
        ),
        migrations.AddIndex(
            model_name="review",
            index=models.Index(fields=["batch"], name="review_of_batch"),
        ),
        migrations.AddConstraint(
            model_name="review",
            constraint=models.UniqueConstraint(fields=("sample", "reviewer"), name="review_once"),
        ),
        migrations.AddIndex(
            model_name="passedover",
            index=models.Index(fields=["batch"], name="passed_over_of_batch"),
        ),
        migrations.AddConstraint(
            model_name="passedover",
            constraint=models.UniqueConstraint(fields=("sample", "reviewer"), name="passed_over_once"),
        ),
        migrations.RunSQL(ONLY_GROWS, MAY_GROW),
    ]
