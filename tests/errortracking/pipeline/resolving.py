"""What the tests of stack frames' rows share: events at a time, and the rows and contents that a project has."""

from __future__ import annotations

from datetime import timedelta

from environments import clock
from environments.models import Project
from errortracking.models import FrameContent, StackFrame
from tests.errortracking.pipeline.making import NOON, entry, exception, send

MINIFIED = {
    "platform": "web:javascript",
    "filename": "https://shop.example/app.js",
    "function": "t",
    "lineno": 1,
    "colno": 4711,
}


def rows(project: Project) -> list[StackFrame]:
    return list(StackFrame.objects.filter(environment_id=project.id).order_by("raw_id", "part"))


def contents(project: Project) -> list[FrameContent]:
    return list(FrameContent.objects.filter(environment_id=project.id).order_by("created_at", "id"))


def send_at(project: Project, seconds: float, *frames: dict[str, object]) -> str:
    """Process an event with these frames so many seconds after noon; return its uuid."""
    event = entry(exception(frames=list(frames)))
    with clock.stopped_at(NOON + timedelta(seconds=seconds)):
        send(project, event)
    return event["uuid"]
