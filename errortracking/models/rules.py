"""Rules that people give the pipeline: what to group, whom to assign, what to drop, what to let pass."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from environments.tenancy.models import TouchedModel


class Rule(TouchedModel):
    """What all rules share. They are tried by ``order_key``; the first that matches wins."""

    filters = models.JSONField(default=dict)
    order_key = models.IntegerField(default=0)
    disabled_data = models.JSONField(null=True, blank=True, help_text="Why the server switched the rule off.")

    class Meta:
        abstract = True
        indexes = [models.Index(fields=["environment", "order_key"], name="%(class)s_order")]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.order_key}"


class AssigningRule(Rule):
    """A rule that names who takes care of the issue."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    role = models.ForeignKey("environments.Role", on_delete=models.CASCADE, null=True, blank=True, related_name="+")

    class Meta(Rule.Meta):
        abstract = True


class AssignmentRule(AssigningRule):
    """Assigns issues when they are created or reopened."""


class GroupingRule(AssigningRule):
    """Puts the exceptions that it matches into one issue."""

    description = models.TextField(null=True, blank=True)


class SuppressionRule(Rule):
    """Drops the exceptions that it matches, or a share of them."""

    sampling_rate = models.FloatField(default=1.0, validators=[MinValueValidator(0.0), MaxValueValidator(1.0)])

    class Meta(Rule.Meta):
        constraints = [
            models.CheckConstraint(
                name="sampling_rate_is_a_share",
                condition=models.Q(sampling_rate__gte=0.0, sampling_rate__lte=1.0),
            )
        ]


class BypassRule(Rule):
    """Lets the exceptions that it matches pass the rate limits."""
