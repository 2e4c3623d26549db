"""What answers cost, how long they took, and who had to be told; and looking an event up by what somebody has of it."""

from typing import Any

import django.contrib.postgres.fields
from django.db import migrations, models

EVENT = """
ALTER TABLE event
  ADD COLUMN notice_due boolean NOT NULL DEFAULT false,
  ADD COLUMN primary_cost_usd numeric,
  ADD COLUMN cache_loss_usd numeric
"""
Fields = dict[str, models.Field]  # type: ignore[type-arg]
OF_EVENT: Fields = {
    "notice_due": models.BooleanField(default=False),
    "primary_cost_usd": models.DecimalField(max_digits=20, decimal_places=10, null=True),
    "cache_loss_usd": models.DecimalField(max_digits=20, decimal_places=10, null=True),
}

# Ids are random: a tree of them would cost the recorder as much as the rows do. A filter of the ids in each range of
# pages is written once, when the range is full, and an index of these is a hundredth of the table. Whoever looks up asks
# by the same collation: the planner, who expects every range to match, would else read the whole key for the id in it.
LOOK_UP = """
CREATE INDEX event_by_{column} ON event USING brin (
  {column} COLLATE "C" text_bloom_ops (n_distinct_per_range = 2000, false_positive_rate = 0.001)
) WITH (pages_per_range = 64, autosummarize = on)
"""
LOOKED_UP_BY = ("id", "request_id", "trace_id")

# A histogram is a list of numbers, each a count times 256 plus the bin that it is of: lists are put together to be
# added, and this brings each bin down to one number again. Bins that come to nothing go.
HISTOGRAMS = """
CREATE FUNCTION histogram(packed bigint[]) RETURNS bigint[] LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT array_agg(n * 256 + bin ORDER BY bin)
  FROM (SELECT part & 255 AS bin, sum(part >> 8)::bigint AS n FROM unnest(packed) AS part
        GROUP BY 1 HAVING sum(part >> 8) <> 0) AS bins
$$;
CREATE AGGREGATE histogram_sum(bigint[]) (sfunc = array_cat, stype = bigint[], finalfunc = histogram)
"""
NO_HISTOGRAMS = "DROP AGGREGATE histogram_sum(bigint[]); DROP FUNCTION histogram(bigint[])"

BREAKDOWN = """
ALTER TABLE {table}
  ADD COLUMN notices_due bigint NOT NULL DEFAULT 0,
  ADD COLUMN priced bigint NOT NULL DEFAULT 0,
  ADD COLUMN cost_usd numeric NOT NULL DEFAULT 0,
  ADD COLUMN primary_cost_usd numeric NOT NULL DEFAULT 0,
  ADD COLUMN cached_tokens_lost numeric NOT NULL DEFAULT 0,
  ADD COLUMN cache_loss_usd numeric NOT NULL DEFAULT 0,
  ADD COLUMN primary_ms bigint[],
  ADD COLUMN fallback_ms bigint[]
"""
MONEY: dict[str, Any] = {"max_digits": 30, "decimal_places": 10, "default": 0}
OF_BREAKDOWN: Fields = {
    "notices_due": models.BigIntegerField(default=0),
    "priced": models.BigIntegerField(default=0),
    "cost_usd": models.DecimalField(**MONEY),
    "primary_cost_usd": models.DecimalField(**MONEY),
    "cached_tokens_lost": models.DecimalField(max_digits=30, decimal_places=0, default=0),
    "cache_loss_usd": models.DecimalField(**MONEY),
    "primary_ms": django.contrib.postgres.fields.ArrayField(models.BigIntegerField(), null=True),
    "fallback_ms": django.contrib.postgres.fields.ArrayField(models.BigIntegerField(), null=True),
}


def dropping(table: str, columns: Fields) -> str:
    return f"ALTER TABLE {table} " + ", ".join(f"DROP COLUMN {name}" for name in columns)


class Migration(migrations.Migration):
    dependencies = [("fallbacks", "0009_reshaped_models")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(EVENT, dropping("event", OF_EVENT))],
            state_operations=[migrations.AddField("event", name, field) for name, field in OF_EVENT.items()],
        ),
        *(migrations.RunSQL(LOOK_UP.format(column=name), f"DROP INDEX event_by_{name}") for name in LOOKED_UP_BY),
        migrations.RunSQL(HISTOGRAMS, NO_HISTOGRAMS),
        *(
            migrations.SeparateDatabaseAndState(
                database_operations=[
                    migrations.RunSQL(
                        BREAKDOWN.format(table=f"breakdown_{step}"), dropping(f"breakdown_{step}", OF_BREAKDOWN)
                    )
                ],
                state_operations=[
                    migrations.AddField(f"{step}breakdown", name, field) for name, field in OF_BREAKDOWN.items()
                ],
            )
            for step in ("minute", "hour", "day")
        ),
    ]
