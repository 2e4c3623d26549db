"""What became of the items that were drained: counters a shard, and which entries are in them."""

from django.db import models
from django.db.models.functions import Now


class Tally(models.Model):
    """Counters of one shard, increased in the transaction that stores the rows they count.

    `epoch` is the life of the stream's counts (`fallbacks.tally`). Entries up to `settled_ms`-`settled_seq` are off
    the stream and in the counters.
    """

    pk = models.CompositePrimaryKey("epoch", "shard")
    epoch = models.BigIntegerField()
    shard = models.IntegerField()
    stored = models.BigIntegerField(default=0)
    duplicate = models.BigIntegerField(default=0)
    # Ever; those that still are, are the rows of `KeptAside`.
    kept_aside = models.BigIntegerField(default=0)
    discarded = models.BigIntegerField(default=0)
    # Drained, but never counted at the door: written into the stream by others, or before there was a count.
    uncounted = models.BigIntegerField(default=0)
    # Redis's ids are two unsigned numbers of 64 bits.
    settled_ms = models.DecimalField(max_digits=20, decimal_places=0, default=0)
    settled_seq = models.DecimalField(max_digits=20, decimal_places=0, default=0)

    class Meta:
        db_table = "tally"

    def __str__(self) -> str:
        return f"{self.epoch}/{self.shard}"


class DrainedEntry(models.Model):
    """A stream entry whose items are in the counters: taken again after a crash, it is not counted again."""

    pk = models.CompositePrimaryKey("epoch", "shard", "ms", "seq")
    epoch = models.BigIntegerField()
    shard = models.IntegerField()
    ms = models.DecimalField(max_digits=20, decimal_places=0)
    seq = models.DecimalField(max_digits=20, decimal_places=0)
    items = models.IntegerField()
    drained_at = models.DateTimeField(db_default=Now())

    class Meta:
        db_table = "drained_entry"

    def __str__(self) -> str:
        return f"{self.shard}/{self.ms}-{self.seq}"
