"""The Django app of error tracking."""

from __future__ import annotations

from django.apps import AppConfig


class ErrorTrackingConfig(AppConfig):
    """Exceptions, from the SDK's request to the issue."""

    name = "errortracking"
    verbose_name = "Error tracking"
