"""What the tests have in common that walk over every route of a project."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import pytest
from django.apps import apps

from environments.models import Project
from environments.tenancy.models import ProjectRow
from tests.isolation import KINDS, routes

ROUTES: Final = routes()


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a walk ask for the checks of its project as often as it likes."""
    monkeypatch.setattr("healthtrack.checks.refreshing.EVERY", timedelta())


def stored(project: Project) -> dict[str, Any]:
    """Return every row of every table of a project."""
    kinds = [model for model in apps.get_models() if issubclass(model, ProjectRow)]
    found = {
        model._meta.label: sorted(map(repr, model._default_manager.filter(environment_id=project.pk).values_list()))
        for model in kinds
    }
    return {label: rows for label, rows in found.items() if rows}


def addresses(method: str, path: str, project: Project, names: dict[str, list[str]]) -> list[str]:
    """Return the full paths of a route; each names an object of its own, so that one can be deleted after another."""
    kind = next((kind for place, kind in KINDS.items() if path.startswith(place)), "release")
    return [
        template.format(
            project=project.pk,
            id=names[kind][number % len(names[kind])],
            hash_id=names["hash"][number],
            uuid=names["event"][number],
        )
        for number, template in enumerate(ROUTES[method, path])
    ]


def fill(value: Any, names: dict[str, str]) -> Any:
    """Return ``value`` with the names that stand in braces in its texts and keys."""
    if isinstance(value, dict):
        return {fill(name, names): fill(item, names) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(fill(item, names) for item in value)
    return value.format(**names) if isinstance(value, str) else value
