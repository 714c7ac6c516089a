"""The Django app of alerts."""

from __future__ import annotations

from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    """Destinations of alerts, and what became of each message."""

    name = "notifications"
    verbose_name = "Alerts"
