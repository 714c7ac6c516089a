"""The Django app of tenancy: who may do what in which project."""

from __future__ import annotations

import os

from django.apps import AppConfig


class EnvironmentsConfig(AppConfig):
    """Users, organizations, projects and keys."""

    name = "environments"
    verbose_name = "Access"

    def ready(self) -> None:
        """Switch the SQL guard on where the environment asks for it, as the tests do."""
        if os.environ.get("HEALTHTRACK_SQL_GUARD") == "1":
            from environments.tenancy import guard

            guard.enable()
