"""The Django app of project health."""

from __future__ import annotations

from django.apps import AppConfig


class HealthtrackConfig(AppConfig):
    """Health issues: what is wrong with the way a project is set up."""

    name = "healthtrack"
    verbose_name = "Project health"
