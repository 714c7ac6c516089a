"""Batches of any exceptions go through all stages: whatever was sent is stored and counted, nothing fails."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from environments.models import Project
from errortracking.models import Event, FrameContent, StackFrame, event_payload, partitions
from errortracking.pipeline.process import process
from tests.errortracking.pipeline.anything import JSON, PROPERTIES
from tests.errortracking.pipeline.making import NOON, batch, entry

OBJECTS = PROPERTIES | st.dictionaries(st.text(max_size=12), JSON, max_size=3)


class _Undone(Exception):
    """Takes an example's rows away again."""


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sent=st.lists(OBJECTS, min_size=1, max_size=8))
def test_any_batch_is_stored_as_a_whole(project: Project, sent: list[dict[str, Any]]) -> None:
    partitions.ensure([NOON.date()])
    work = batch(project, *[entry() | {"properties": properties} for properties in sent])
    try:
        with transaction.atomic():
            process(work)
            check(project, len(sent))
            raise _Undone
    except _Undone:
        pass


def check(project: Project, events: int) -> None:
    """Read everything back: each event, each of its frames, and the content it had."""
    rows = Event.objects.filter(environment_id=project.id)
    stored = [(event_payload.unpack(row.payload), row.fingerprint_id) for row in rows]
    assert len(stored) == events
    frames = {str(id_) for id_ in StackFrame.objects.filter(environment_id=project.id).values_list("id", flat=True)}
    contents = {str(row.id): row for row in FrameContent.objects.filter(environment_id=project.id)}
    for event, fingerprint_id in stored:
        assert (fingerprint_id is not None) == bool(event["exceptions"])
        assert event["exceptions"] or event["properties"]["$cymbal_errors"]
        for one in event["exceptions"]:
            for frame in one["frames"]:
                assert frame["frame"] in frames
                assert "code_variables" not in contents[frame["content"]].contents
