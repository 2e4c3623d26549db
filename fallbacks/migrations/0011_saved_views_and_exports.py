"""Addresses that people gave a name, and how far each export has come."""

import uuid

import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

OWNER = models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL)
NOW = django.db.models.functions.datetime.Now()
STATES = [
    ("running", "goes on"),
    ("done", "complete"),
    ("broken", "broke off"),
    ("left", "was stopped by the browser"),
]


class Migration(migrations.Migration):
    dependencies = [("fallbacks", "0010_measures")]

    operations = [
        migrations.CreateModel(
            name="SavedView",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=80)),
                ("path", models.CharField(max_length=200)),
                ("query", models.TextField(blank=True)),
                ("shared", models.BooleanField(default=False)),
                ("created_at", models.DateTimeField(db_default=NOW)),
                ("owner", OWNER),
            ],
            options={
                "db_table": "saved_view",
                "constraints": [models.UniqueConstraint(fields=("owner", "name"), name="saved_view_name_once")],
            },
        ),
        migrations.CreateModel(
            name="Export",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("what", models.TextField()),
                ("start", models.DateTimeField()),
                ("end", models.DateTimeField()),
                ("format", models.CharField(max_length=4)),
                ("query", models.TextField(blank=True)),
                ("total", models.BigIntegerField(null=True)),
                ("written", models.BigIntegerField(default=0)),
                ("state", models.CharField(choices=STATES, default="running", max_length=7)),
                ("started_at", models.DateTimeField(db_default=NOW)),
                ("seen_at", models.DateTimeField(db_default=NOW)),
                ("ended_at", models.DateTimeField(null=True)),
                ("owner", OWNER.clone()),
            ],
            options={
                "db_table": "export",
                "indexes": [models.Index(fields=["owner", "-started_at"], name="export_newest")],
            },
        ),
    ]
