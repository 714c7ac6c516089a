"""The Django app of the way the server runs: commands, probes, metrics."""

from __future__ import annotations

from django.apps import AppConfig


class RuntimeConfig(AppConfig):
    """Has no models: what runs is known to the kernel and to a file, not to the database."""

    name = "runtime"
    verbose_name = "Runtime"

    def ready(self) -> None:
        """Choose where counters are kept, before the first module that makes one is imported."""
        from runtime import metrics  # noqa: F401
