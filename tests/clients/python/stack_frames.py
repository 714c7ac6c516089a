"""The four operations of stack frames."""

from __future__ import annotations

from common import Place, typed
from healthtrack_client.api.error_tracking import (
    environments_error_tracking_stack_frames_batch_get_create,
    environments_error_tracking_stack_frames_destroy,
    environments_error_tracking_stack_frames_list,
    environments_error_tracking_stack_frames_retrieve,
)
from healthtrack_client.models import (
    ErrorTrackingStackFrame,
    ErrorTrackingStackFrameBatchGetRequest,
    ErrorTrackingStackFrameBatchGetRequestForm,
    ErrorTrackingStackFrameBatchGetResponse,
    PaginatedErrorTrackingStackFrameList,
)
from healthtrack_client.types import UNSET

batch_get = environments_error_tracking_stack_frames_batch_get_create
destroy = environments_error_tracking_stack_frames_destroy
retrieve = environments_error_tracking_stack_frames_retrieve


def walk(place: Place) -> None:
    """Read, and be told that a frame is never deleted."""
    page = typed(
        PaginatedErrorTrackingStackFrameList,
        environments_error_tracking_stack_frames_list.sync(place.project, client=place.client),
    )
    assert [frame.id for frame in page.results] == place.frames
    assert [frame.raw_id for frame in page.results] == ["aaaa/0", "aaaa/1", "bbbb/0"]
    frame = typed(ErrorTrackingStackFrame, retrieve.sync(place.project, str(place.frames[0]), client=place.client))
    assert frame == page.results[0]
    assert (frame.created_at, frame.resolved, frame.symbol_set_ref) == (place.moment, True, "chunk-shop")
    assert frame.contents["mangled_name"] == "load"
    assert frame.context is not None
    assert frame.context["line"] == {"number": 12, "line": "  raise"}
    assert frame.release is not None
    assert (frame.release.id, frame.release.version) == (place.release, "2.4.0")
    bare = page.results[2]
    assert (bare.resolved, bare.context, bare.symbol_set_ref, bare.release) == (False, None, None, None)
    walk_batches(place)
    refused = destroy.sync_detailed(place.project, str(frame.id), client=place.client)
    assert (refused.status_code, refused.content) == (405, b"")


def walk_batches(place: Place) -> None:
    """By raw ids, as JSON and as a form, and within a symbol set."""
    wanted = ["bbbb/0", "aaaa/1", "unknown/0"]
    assert batch(place, ErrorTrackingStackFrameBatchGetRequest(raw_ids=wanted)) == {"aaaa/1", "bbbb/0"}
    assert batch(place, ErrorTrackingStackFrameBatchGetRequestForm(raw_ids=wanted)) == {"aaaa/1", "bbbb/0"}
    within = ErrorTrackingStackFrameBatchGetRequest(raw_ids=[], symbol_set=place.symbol_set)
    assert batch(place, within) == {"aaaa/0"}


def batch(
    place: Place, body: ErrorTrackingStackFrameBatchGetRequest | ErrorTrackingStackFrameBatchGetRequestForm
) -> set[str]:
    assert body.symbol_set in {UNSET, place.symbol_set}
    answer = batch_get.sync(place.project, client=place.client, body=body)
    return {frame.raw_id for frame in typed(ErrorTrackingStackFrameBatchGetResponse, answer).results}
