"""Daily counters that the health checks read: page views and their like, and how exceptions are sent."""

from __future__ import annotations

from typing import Final

from django.db import models

from environments.tenancy.models import ProjectRow

KEPT_DAYS: Final = 35
"""The longest look back of a check is 30 days."""


class TrafficCount(ProjectRow):
    """How many page views and the like came on one UTC day of receipt from one SDK on one host.

    By version of the SDK they are counted in `EventCount`, as all events are; but there each name is one of the many
    that a project may send, and counted as `other` where it came late. SDKs beyond a limit are `other` here.
    """

    pk = models.CompositePrimaryKey("environment_id", "day", "event", "sdk", "host", "has_session", "is_proxied")
    day = models.DateField()
    event = models.TextField(help_text="`$pageview`, `$pageleave`, `$screen` or `$web_vitals`.")
    sdk = models.TextField()
    host = models.TextField(
        help_text="Of the page, in small letters; empty: none was named; `other`: one beyond the limit."
    )
    has_session = models.BooleanField(help_text="Whether it carries a valid `$session_id`.")
    is_proxied = models.BooleanField(help_text="Whether the SDK sends to a host of the customer's own.")
    count = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.count} {self.event} of {self.host} on {self.day}"


class Tally(models.TextChoices):
    """What of the exceptions of a day is counted."""

    WITH_RELEASE = "with_release"
    WITHOUT_RELEASE = "without_release"
    CLOCK_SKEW = "clock_skew"
    UNREADABLE = "unreadable"


class DailyTally(ProjectRow):
    """How many exceptions stored on one UTC day of receipt were sent in one way."""

    pk = models.CompositePrimaryKey("environment_id", "day", "what")
    day = models.DateField()
    what = models.CharField(max_length=20, choices=Tally.choices)
    count = models.BigIntegerField()
    last_received_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.count} {self.what} on {self.day}"
