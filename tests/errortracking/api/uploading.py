"""A client of symbol sets, and what tests of their uploads say again and again."""

from __future__ import annotations

from typing import Any

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from environments.models import Project
from errortracking.models import SymbolSet
from errortracking.symbols.storage import new_key, storage
from tests.environments.world import Api, World, answer, error
from tests.errortracking.api.making import make_symbol_set

HASH = "a" * 128
OTHER_HASH = "b" * 128
UNKNOWN = "01a201fd-0000-7000-8000-000000000000"
SUCCESS = {"success": True}


@pytest.fixture
def symbol_sets(world: World) -> Api:
    """A client of the project's symbol sets, under the prefix that posthog-cli uses."""
    return Api(world.project, world.key("*"), "projects", "error_tracking/symbol_sets/")


def refused(code: str, detail: str, attr: str | None = None) -> tuple[int, dict[str, Any]]:
    return error(400, "validation_error", code, detail, attr)


def bare(detail: str, status: int = 400) -> tuple[int, dict[str, Any]]:
    return status, {"detail": detail}


def make_uploaded(project: Project, data: bytes = b"data", **fields: Any) -> SymbolSet:
    """Make a set whose upload is finished."""
    key = new_key()
    storage().write(project.pk, key, [data])
    return make_symbol_set(project, **{"storage_ptr": key, "content_hash": HASH} | fields)


def begun(symbol_sets: Api, *items: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Begin uploads and return the answer's map."""
    status, body = answer(symbol_sets.post("bulk_start_upload", {"symbol_sets": list(items)} | fields))
    assert status == 201, body
    assert list(body) == ["id_map"]
    return dict(body["id_map"])


def send(project: Project, ref: str, data: bytes = b"data") -> SymbolSet:
    """Put data where a begun upload wants it, and return the set."""
    row = SymbolSet.objects.get(environment=project, ref=ref)
    assert row.storage_ptr is not None
    storage().write(project.pk, row.storage_ptr, [data])
    return row


def asked_again(project: Project) -> list[list[str]]:
    """Return the refs of each job that resolves frames again, in the order in which the jobs were queued."""
    jobs = ProcrastinateJob.objects.filter(task_name="errortracking.symbols.resolve_again").order_by("id")
    return [job.args["refs"] for job in jobs if job.args["environment_id"] == project.pk]
