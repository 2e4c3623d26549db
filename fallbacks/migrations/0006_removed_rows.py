"""How far rows have been removed."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("fallbacks", "0005_tally")]

    operations = [
        migrations.CreateModel(
            name="RemovedRows",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("before", models.DateTimeField()),
            ],
            options={
                "db_table": "removed_rows",
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="removed_rows_is_one")],
            },
        ),
    ]
