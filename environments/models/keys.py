"""Personal API keys (contract 1.2 and 9)."""

from __future__ import annotations

from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

from environments import clock, secrets
from environments.models.users import User

MAX_KEYS_PER_USER = 10  # contract 9
LAST_USED_STEP = timedelta(hours=1)  # contract 1.2: last_used_at is written when null or older than this


class PersonalAPIKeyManager(models.Manager["PersonalAPIKey"]):
    """Makes keys and finds them by their value."""

    def issue(self, user: User, label: str, scopes: list[str], **fields: object) -> tuple[PersonalAPIKey, str]:
        """Create a key for ``user`` and return the row with the key's value, which cannot be had again."""
        value = secrets.personal_api_key()
        key = self.create(
            user=user,
            label=label,
            scopes=scopes,
            secure_value=secrets.hash_key(value),
            mask_value=secrets.mask_key(value),
            **fields,
        )
        return key, value


class PersonalAPIKey(models.Model):
    """A key with which a program acts as its user, within its scopes."""

    id = models.CharField(primary_key=True, max_length=50, default=secrets.key_id, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="personal_api_keys")
    label = models.CharField(max_length=40)
    mask_value = models.CharField(max_length=11, editable=False)
    secure_value = models.CharField(max_length=300, unique=True, editable=False)
    created_at = models.DateTimeField(default=clock.now)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    scopes = ArrayField(models.CharField(max_length=100), null=True, blank=True)
    scoped_teams = ArrayField(models.IntegerField(), null=True, blank=True, help_text="Null or empty: no limit.")
    scoped_organizations = ArrayField(
        models.CharField(max_length=100), null=True, blank=True, help_text="Null or empty: no limit."
    )

    objects: ClassVar[PersonalAPIKeyManager] = PersonalAPIKeyManager()

    def __str__(self) -> str:
        return f"{self.label} ({self.mask_value})"
