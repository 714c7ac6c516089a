"""Rows that the endpoints of error tracking show."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from itertools import count
from typing import Any

from environments.models import Project
from errortracking.models import FrameContent, Release, StackFrame, SymbolSet

CREATED = datetime(2026, 3, 1, 12, 30, 5, 120_000, tzinfo=UTC)
CONTENTS = {"mangled_name": "load", "line": 12, "in_app": True, "source": "shop/cart.py", "lang": "python"}
CONTEXT = {"before": [{"number": 11, "line": "def load():"}], "line": {"number": 12, "line": "  raise"}, "after": []}
UNKNOWN = "01a201fd-0000-7000-8000-000000000000"
MALFORMED_IDS = [
    "x",
    "1",
    "0" * 31,
    "g" * 36,
    "%00",
    "%F0%9F%92%A5",
    "null",
    "9" * 5000,
    f"{{{UNKNOWN}}}",
    UNKNOWN + "0",
]
_numbers = count(1)


def make_release(project: Project, /, **fields: Any) -> Release:
    number = next(_numbers)
    fields = {"hash_id": f"hash-{number}", "version": "1.0", "project": "web", "created_at": CREATED} | fields
    return Release.objects.create(environment=project, **fields)


def make_symbol_set(project: Project, **fields: Any) -> SymbolSet:
    fields = {"ref": f"chunk-{next(_numbers)}", "created_at": CREATED} | fields
    return SymbolSet.objects.create(environment=project, **fields)


def make_frame(project: Project, raw_id: str | None = None, part: int = 0, **fields: Any) -> StackFrame:
    """Make a frame; ``contents``, ``context`` and ``resolved`` go into its content."""
    number = next(_numbers)
    content = FrameContent.objects.create(
        environment=project,
        hash=hashlib.sha256(str(number).encode()).digest(),
        contents=fields.pop("contents", CONTENTS),
        context=fields.pop("context", None),
        resolved=fields.pop("resolved", True),
    )
    fields = {"created_at": CREATED} | fields
    return StackFrame.objects.create(
        environment=project, raw_id=raw_id or f"frame-{number}", part=part, content=content, **fields
    )


def shown_release(release: Release) -> dict[str, Any]:
    """What the API shows of a release that `make_release` made."""
    return {
        "id": str(release.id),
        "hash_id": release.hash_id,
        "team_id": release.environment_id,
        "created_at": "2026-03-01T12:30:05.120000Z",
        "metadata": release.metadata,
        "version": release.version,
        "project": release.project,
    }


def shown_frame(frame: StackFrame, **fields: Any) -> dict[str, Any]:
    """What the API shows of a frame that `make_frame` made."""
    return {
        "id": str(frame.id),
        "raw_id": f"{frame.raw_id}/{frame.part}",
        "created_at": "2026-03-01T12:30:05.120000Z",
        "contents": CONTENTS,
        "resolved": True,
        "context": None,
        "symbol_set_ref": None,
        "release": None,
    } | fields
