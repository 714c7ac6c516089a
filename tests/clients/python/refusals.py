"""What is refused has a type, too: 401, 403, 404 and 429. The 400s stand with their operations."""

from __future__ import annotations

from common import Place, typed
from healthtrack_client.api.error_tracking import environments_error_tracking_releases_list as releases
from healthtrack_client.api.health_issues import health_issues_list, health_issues_retrieve
from healthtrack_client.models import Error, PaginatedErrorTrackingReleaseList

PER_HOUR = 20  # requests with one key of the strict server; from nine tenths of it on, one may be refused


def error(kind: str, code: str, detail: str) -> Error:
    return Error(type_=kind, code=code, detail=detail, attr=None)


def walk(place: Place) -> None:
    """A wrong key, a key without the scope, what is not there, and too much."""
    wrong = place.client_of(place.url, "phx_unknown")
    assert releases.sync(place.project, client=wrong) == error(
        "authentication_error",
        "authentication_failed",
        "Personal API key found in request Authorization header is invalid.",
    )
    assert releases.sync(place.project, client=place.reader) == error(
        "authentication_error", "permission_denied", "API key missing required scope 'error_tracking:read'"
    )
    unknown = "01a201fd-0000-7000-8000-000000000000"
    not_found = error("invalid_request", "not_found", "Not found.")
    assert health_issues_retrieve.sync(place.project, unknown, client=place.client) == not_found
    assert health_issues_retrieve.sync(place.project, "no-uuid", client=place.client) == not_found
    nowhere = error("invalid_request", "not_found", "Project not found.")
    assert health_issues_list.sync("999999999", client=place.client) == nowhere
    walk_too_much(place)


def walk_too_much(place: Place) -> None:
    """Each request is answered or refused with the seconds to wait, and enough are answered."""
    with place.busy:
        answered = 0
        while True:
            answer = releases.sync_detailed(place.busy_project, client=place.busy)
            if answer.status_code != 200:
                break
            assert typed(PaginatedErrorTrackingReleaseList, answer.parsed).results == []
            answered += 1
    assert PER_HOUR * 9 // 10 <= answered <= PER_HOUR
    assert answer.status_code == 429
    seconds = int(answer.headers["Retry-After"])
    assert 1 <= seconds <= 3600
    unit = "second" if seconds == 1 else "seconds"
    detail = f"Request was throttled. Expected available in {seconds} {unit}."
    assert answer.parsed == error("throttled_error", "throttled", detail)
