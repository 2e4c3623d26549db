"""Indexes of the cells that broke a rule, which are few: pages about violations read no others."""

from django.db import migrations

STEPS = ("minute", "hour")


class Migration(migrations.Migration):
    dependencies = [
        ("fallbacks", "0013_enablement_needs_approval"),
    ]

    operations = [
        migrations.RunSQL(
            [f"CREATE INDEX breakdown_{step}_broken ON breakdown_{step} (bucket) WHERE rules <> 0" for step in STEPS],
            [f"DROP INDEX breakdown_{step}_broken" for step in STEPS],
        ),
    ]
