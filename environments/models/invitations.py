"""Invitations: links by which a person joins an organization."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import ClassVar, Final

from django.conf import settings
from django.db import models

from environments import clock, secrets
from environments.ids import uuid7
from environments.models.organizations import Membership, Organization

VALID_FOR: Final = timedelta(
    days=3
)  # as upstream: long enough for a weekend, short enough for a mail that is found later


class InvitationManager(models.Manager["Invitation"]):
    """Makes and finds invitations."""

    def issue(self, organization: Organization, target_email: str, **fields: object) -> tuple[Invitation, str]:
        """Create an invitation and return it with the secret of its link, which cannot be had again.

        An earlier invitation of the same address to the organization gives way. Must be called in a transaction.
        """
        self.filter(organization=organization, target_email__iexact=target_email).delete()
        secret = secrets.link_secret()
        made = self.create(
            organization=organization, target_email=target_email, secure_value=secrets.hash_key(secret), **fields
        )
        return made, secret

    def by_secret(self, secret: str) -> models.QuerySet[Invitation]:
        """Return the invitation of a link, if it is still good."""
        since = clock.now() - VALID_FOR
        known = secrets.hash_key(secret)
        of_link = models.Q(secure_value=known) | models.Q(mailed_secure_value=known)
        return self.filter(of_link, created_at__gt=since).select_related("organization")


class Invitation(models.Model):
    """An address that may join an organization. It is deleted when it is used."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="invitations")
    target_email = models.EmailField(max_length=254)
    first_name = models.CharField(max_length=150, blank=True, default="")
    level = models.PositiveSmallIntegerField(choices=Membership.Level.choices, default=Membership.Level.MEMBER)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(default=clock.now)
    secure_value = models.CharField(max_length=300, unique=True, editable=False, help_text="Of the link, its hash.")
    mailed_secure_value = models.CharField(
        max_length=300, unique=True, null=True, editable=False, help_text="Of the link that was mailed, its hash."
    )
    mailed_at = models.DateTimeField(
        null=True,
        editable=False,
        help_text="When a mail to the address was asked for last, if by an earlier invitation.",
    )
    emailing_attempt_made = models.BooleanField(default=False, help_text="Whether a mail was asked for.")

    objects: ClassVar[InvitationManager] = InvitationManager()

    def __str__(self) -> str:
        return self.target_email

    def renew_mailed(self) -> str:
        """Give the invitation another link for a mail, beside the one that was shown; return its secret.

        The one in an earlier mail is refused. Not the shown one: it would have to wait for the mail in the database.
        """
        secret = secrets.link_secret()
        self.mailed_secure_value = secrets.hash_key(secret)
        self.save(update_fields=["mailed_secure_value"])
        return secret

    @property
    def expires_at(self) -> datetime:
        """From when on the link is refused."""
        return self.created_at + VALID_FOR

    @property
    def is_expired(self) -> bool:
        """Whether the link is refused."""
        return clock.now() >= self.expires_at
