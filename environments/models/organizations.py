"""Organizations and who belongs to them."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from environments import clock
from environments.ids import uuid7


class LivingOrganizations(models.Manager["Organization"]):
    """The organizations that nobody has deleted. To everybody else, one that is being deleted is gone."""

    def get_queryset(self) -> models.QuerySet[Organization]:
        """Return those that are not being deleted."""
        return super().get_queryset().filter(deleted_at__isnull=True)


class Organization(models.Model):
    """A group of people that owns projects."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=clock.now)
    members = models.ManyToManyField(
        settings.AUTH_USER_MODEL, through="environments.Membership", related_name="organizations"
    )
    deleted_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Since when its projects are being deleted. Empty: it lives."
    )

    objects: ClassVar[LivingOrganizations] = LivingOrganizations()
    every: ClassVar[models.Manager[Organization]] = models.Manager()
    """With those that are being deleted: for what deletes them."""

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """One person in one organization. Every member may use every project of it."""

    class Level(models.IntegerChoices):
        """What a member may do in the organization itself; the numbers are those of PostHog's API."""

        MEMBER = 1, "member"
        ADMIN = 8, "administrator"
        OWNER = 15, "owner"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships")
    level = models.PositiveSmallIntegerField(choices=Level.choices, default=Level.MEMBER)
    joined_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="unique_membership_per_organization")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.organization_id}"


class Role(models.Model):
    """A named group of members, to whom an issue can be assigned."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="roles")
    name = models.CharField(max_length=200)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="roles")
    created_at = models.DateTimeField(default=clock.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="unique_role_name_per_organization")
        ]

    def __str__(self) -> str:
        return self.name
