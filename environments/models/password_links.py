"""Links by which a person sets a password."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar, Final

from django.conf import settings
from django.db import models
from django.db.models.signals import post_save
from django.dispatch import receiver

from environments import clock, secrets
from environments.models.users import User

VALID_FOR: Final = timedelta(days=3)  # Django's own PASSWORD_RESET_TIMEOUT


class PasswordLinkManager(models.Manager["PasswordLink"]):
    """Makes and finds links."""

    def issue(self, user: User) -> str:
        """Return the secret of a new link for ``user``, which cannot be had again; an earlier link is refused."""
        secret = secrets.link_secret()
        fields = {"secure_value": secrets.hash_key(secret), "created_at": clock.now()}
        self.update_or_create(user=user, defaults=fields)
        return secret

    def by_secret(self, secret: str) -> models.QuerySet[PasswordLink]:
        """Return the link, if it is still good and its user active."""
        since = clock.now() - VALID_FOR
        found = self.filter(secure_value=secrets.hash_key(secret), created_at__gt=since, user__is_active=True)
        return found.select_related("user")


class PasswordLink(models.Model):
    """That somebody with the link may set a user's password. It is deleted when it is used.

    A row and not Django's signed token: a command makes such links, and does not have the key with which web processes
    sign.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="+")
    secure_value = models.CharField(max_length=300, unique=True, editable=False)
    created_at = models.DateTimeField(default=clock.now)

    objects: ClassVar[PasswordLinkManager] = PasswordLinkManager()

    def __str__(self) -> str:
        return f"for {self.user_id}"


@receiver(post_save, sender=User, dispatch_uid="a-new-password-ends-its-link")
def _spend(instance: User, created: bool, **_: Any) -> None:
    """Refuse the link of a user who gets a new password in any way: somebody else may have the link, or the mail."""
    if getattr(instance, "_password", None) is not None and not created:  # `set_password`'s, until it is saved
        PasswordLink.objects.filter(user_id=instance.pk).delete()
