"""Project tokens that no project has, and that SDKs report with nevertheless."""

from __future__ import annotations

from typing import Final

from django.db import models

MAX_ROWS: Final = 1_000
"""More than a person reads; somebody who tries tokens fills no table."""
RECENT_DAYS: Final = 30
"""A token that came again and again is kept before others while it was seen within so many days."""


class UnknownToken(models.Model):
    """One token with which requests were refused. Of no project, and never the whole token."""

    digest = models.CharField(max_length=32, primary_key=True, help_text="Keyed hash of the token, to tell two apart.")
    prefix = models.CharField(max_length=16, help_text="How the token begins. A client wrote it.")
    first_seen = models.DateTimeField()
    last_seen = models.DateTimeField()
    requests = models.BigIntegerField(help_text="Refused requests, but for some of the last seconds.")

    class Meta:
        indexes = [models.Index(fields=["-last_seen"], name="unknown_token_last_seen")]

    def __str__(self) -> str:
        return self.prefix
