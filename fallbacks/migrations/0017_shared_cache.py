"""The table of the cache that all processes share: what was tried too often, and which codes were used."""

from django.db import migrations

MAKE = """
CREATE TABLE shared_cache (
    cache_key varchar(255) PRIMARY KEY,
    value text NOT NULL,
    expires timestamp with time zone NOT NULL
);
CREATE INDEX shared_cache_expires ON shared_cache (expires);
"""


class Migration(migrations.Migration):
    dependencies = [("fallbacks", "0016_permissions")]

    operations = [migrations.RunSQL(MAKE, "DROP TABLE shared_cache")]
