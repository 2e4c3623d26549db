"""When last a model changed in what routes are verified by."""

import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("fallbacks", "0008_policy")]

    operations = [
        migrations.AddField(
            model_name="cataloguemodel",
            name="reshaped_at",
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
        ),
    ]
