"""Whose a key is, when it was last used, and which one it takes over from."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("fallbacks", "0018_invitations")]

    operations = [
        migrations.AddField(
            model_name="apikey",
            name="owner",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="apikey", name="last_used_at", field=models.DateTimeField(blank=True, null=True)
        ),
        migrations.AddField(
            model_name="apikey",
            name="replaces",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="replaced_by",
                to="fallbacks.apikey",
            ),
        ),
        migrations.AddField(
            model_name="apikey",
            name="made_by_form",
            field=models.UUIDField(blank=True, null=True, unique=True),
        ),
        migrations.AddConstraint(
            model_name="apikey",
            constraint=models.CheckConstraint(
                condition=models.Q(owner__isnull=False) | ~models.Q(scopes__contains=["keys:manage"]),
                name="api_key_manages_for_somebody",
            ),
        ),
    ]
