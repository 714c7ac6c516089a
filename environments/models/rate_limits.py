"""How many requests were made with each key, as far as the rate limits must know."""

from __future__ import annotations

from django.db import models


class RateLimit(models.Model):
    """What one key has used and what is leased to processes; see `environments.api.buckets`.

    No foreign key to the key: a lease that is just being written would make the deletion of its key fail. Rows that
    were left behind are deleted once a day.
    """

    key_id = models.CharField(primary_key=True, max_length=50)
    revision = models.BigIntegerField()
    """A random number, another one after each change: who knows it knows the row as it is."""
    state = models.BinaryField()
    asked_at = models.DateTimeField()  # without an index: it would have to follow each change

    def __str__(self) -> str:
        return self.key_id
