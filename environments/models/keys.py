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


class ArrayRemove(models.Func):
    """An array without one of its values."""

    function = "array_remove"
    arity = 2


class TooManyKeys(ValueError):
    """The user has as many keys as a user may have."""


class PersonalAPIKeyManager(models.Manager["PersonalAPIKey"]):
    """Makes keys."""

    def held_by(self, user: User) -> models.QuerySet[PersonalAPIKey]:
        """Return the user's keys, after locking the user's row: of two that add a key, the second counts the first's.

        Must be called in a transaction.
        """
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        return self.filter(user=user)

    def check_room(self, user: User) -> None:
        """Raise `TooManyKeys` where the user may have no further key; until the transaction ends that stays true."""
        if self.held_by(user).count() >= MAX_KEYS_PER_USER:
            raise TooManyKeys(f"A user can have at most {MAX_KEYS_PER_USER} personal API keys. Delete one first.")

    def forget_project(self, project_id: int) -> None:
        """Take a project that is gone from the limits of all keys; one that was limited to it alone is deleted.

        Without its only limit it could suddenly reach everything.
        """
        limited = self.filter(scoped_teams__contains=[project_id])
        limited.filter(scoped_teams=[project_id]).delete()
        limited.update(scoped_teams=ArrayRemove("scoped_teams", project_id))

    def issue(self, user: User, label: str, scopes: list[str], **fields: object) -> tuple[PersonalAPIKey, str]:
        """Create a key for ``user`` and return the row with the key's value, which cannot be had again."""
        key = self.model(user=user, label=label, scopes=scopes, **fields)
        value = key.renew()
        key.save(force_insert=True)
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
    last_rolled_at = models.DateTimeField(null=True, blank=True, editable=False)
    expires_at = models.DateTimeField(
        null=True, blank=True, help_text="From this moment on the key is refused. Empty: never."
    )
    scopes = ArrayField(models.CharField(max_length=100), null=True, blank=True)
    scoped_teams = ArrayField(models.IntegerField(), null=True, blank=True, help_text="Null or empty: no limit.")
    scoped_organizations = ArrayField(
        models.CharField(max_length=100), null=True, blank=True, help_text="Null or empty: no limit."
    )

    objects: ClassVar[PersonalAPIKeyManager] = PersonalAPIKeyManager()

    class Meta:
        verbose_name = "personal API key"

    def __str__(self) -> str:
        return f"{self.label} ({self.mask_value})"

    def renew(self) -> str:
        """Give the unsaved row a new value and return the value; the row holds its hash and its mask."""
        value = secrets.personal_api_key()
        self.secure_value, self.mask_value = secrets.hash_key(value), secrets.mask_key(value)
        return value

    def roll(self) -> str:
        """Give the key a new value and return it. The old one is refused from now on; everything else stays."""
        value = self.renew()
        self.last_rolled_at = clock.now()
        self.save(update_fields=["secure_value", "mask_value", "last_rolled_at"])
        return value
