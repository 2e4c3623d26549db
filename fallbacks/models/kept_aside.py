"""What could not be recorded, kept with its error until an admin has looked."""

from django.db import models
from django.db.models.functions import Now


class KeptAside(models.Model):
    """The bytes of one stream entry, or of one item of it, that the database or the decoder refused."""

    id = models.BigAutoField(primary_key=True)
    # Stream, entry and item: the same bytes taken twice from the stream are kept once.
    origin = models.TextField(unique=True)
    body = models.BinaryField()
    error = models.TextField()
    kept_at = models.DateTimeField(db_default=Now())
    # In whose counters it stands, and for how many items: a whole entry that cannot be read may have held several.
    epoch = models.BigIntegerField(default=0)
    shard = models.IntegerField(default=0)
    items = models.IntegerField(default=1)
    # When an admin last tried it again, in vain.
    tried_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "kept_aside"

    def __str__(self) -> str:
        return self.origin
