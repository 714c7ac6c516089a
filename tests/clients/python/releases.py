"""The six operations of releases, and PUT."""

from __future__ import annotations

from uuid import UUID

from common import Place, typed
from healthtrack_client.api.error_tracking import (
    environments_error_tracking_releases_create,
    environments_error_tracking_releases_destroy,
    environments_error_tracking_releases_hash_retrieve,
    environments_error_tracking_releases_list,
    environments_error_tracking_releases_partial_update,
    environments_error_tracking_releases_retrieve,
    environments_error_tracking_releases_update,
)
from healthtrack_client.models import (
    Error,
    ErrorTrackingRelease,
    ErrorTrackingReleaseCreateRequest,
    ErrorTrackingReleaseCreateRequestForm,
    ErrorTrackingReleaseCreateRequestMultipart,
    ErrorTrackingReleaseUpdateRequest,
    JSONObject,
    PaginatedErrorTrackingReleaseList,
    PatchedErrorTrackingReleaseUpdateRequest,
)

create = environments_error_tracking_releases_create
destroy = environments_error_tracking_releases_destroy
hash_retrieve = environments_error_tracking_releases_hash_retrieve
partial_update = environments_error_tracking_releases_partial_update
retrieve = environments_error_tracking_releases_retrieve
update = environments_error_tracking_releases_update


def walk(place: Place) -> None:
    """Create by each encoding of the body, read, change, page and delete."""
    body = ErrorTrackingReleaseCreateRequest(
        version="3.0", project="web", hash_id="hash-3", metadata=JSONObject.from_dict({"git": {"commit": "abc"}})
    )
    answer = create.sync_detailed(place.project, client=place.client, body=body, x_request_id="walk-1")
    assert answer.headers["X-Request-ID"] == "walk-1"
    made = typed(ErrorTrackingRelease, answer.parsed)
    assert (made.version, made.project, made.hash_id, made.team_id) == ("3.0", "web", "hash-3", int(place.project))
    assert made.metadata is not None
    assert made.metadata["git"] == {"commit": "abc"}
    assert create.sync(place.project, client=place.client, body=body) == Error(
        type_="validation_error", code="release_hash_in_use", detail="Hash id hash-3 already in use", attr=None
    )
    assert found(place, made.id) == made
    assert hash_retrieve.sync(place.project, "hash-3", client=place.client) == made
    walk_changes(place, made)
    walk_pages(place, made)


def found(place: Place, name: UUID) -> ErrorTrackingRelease:
    return typed(ErrorTrackingRelease, retrieve.sync(place.project, str(name), client=place.client))


def walk_changes(place: Place, made: ErrorTrackingRelease) -> None:
    """What is left out, null or empty stays as it is."""
    put = ErrorTrackingReleaseUpdateRequest(version="3.1", project=None)
    answer = update.sync_detailed(place.project, str(made.id), client=place.client, body=put)
    assert (answer.status_code, answer.content) == (204, b"")
    made.version = "3.1"
    assert found(place, made.id) == made
    patch = PatchedErrorTrackingReleaseUpdateRequest(metadata=JSONObject.from_dict({"by": "ci"}))
    answer = partial_update.sync_detailed(place.project, str(made.id), client=place.client, body=patch)
    assert (answer.status_code, answer.content) == (204, b"")
    made.metadata = JSONObject.from_dict({"by": "ci"})
    assert found(place, made.id) == made


def walk_pages(place: Place, made: ErrorTrackingRelease) -> None:
    """Four releases are on three pages of at most two, the newest first; deleted is gone."""
    bodies = (
        ErrorTrackingReleaseCreateRequestForm(version="4.0", project="web"),
        ErrorTrackingReleaseCreateRequestMultipart(version="5.0", project="web"),
    )
    later = [typed(ErrorTrackingRelease, create.sync(place.project, client=place.client, body=body)) for body in bodies]
    assert [(release.version, release.metadata) for release in later] == [("4.0", None), ("5.0", None)]
    assert [release.hash_id for release in later] == [str(release.id) for release in later]
    assert pages(place) == [["5.0", "4.0"], ["3.1", "2.4.0"]]
    answer = destroy.sync_detailed(place.project, str(made.id), client=place.client)
    assert (answer.status_code, answer.content) == (204, b"")
    assert pages(place) == [["5.0", "4.0"], ["2.4.0"]]
    gone = Error(type_="invalid_request", code="not_found", detail="Not found.", attr=None)
    assert destroy.sync(place.project, str(made.id), client=place.client) == gone
    assert retrieve.sync(place.project, str(made.id), client=place.client) == gone


def pages(place: Place) -> list[list[str]]:
    """Return the versions on each page, following the pages to the last."""
    collected: list[list[str]] = []
    while True:
        page = typed(
            PaginatedErrorTrackingReleaseList,
            environments_error_tracking_releases_list.sync(
                place.project, client=place.client, limit=2, offset=2 * len(collected)
            ),
        )
        collected.append([release.version for release in page.results])
        if page.next_ is None:
            assert page.count == sum(map(len, collected))
            return collected
