"""The audit log counts from 1: before that, an entry that somebody put in would be overlooked."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("fallbacks", "0014_broken_cells"),
    ]

    operations = [
        # For new entries alone: one that is there already must not stop an update, and `verify_audit` names it.
        AddConstraintNotValid(
            model_name="auditentry",
            constraint=models.CheckConstraint(condition=models.Q(("number__gt", 0)), name="audit_entry_from_one"),
        ),
    ]
