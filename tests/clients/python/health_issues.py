"""The five operations of health issues."""

from __future__ import annotations

from datetime import timedelta

from common import Place, typed
from healthtrack_client.api.health_issues import (
    health_issues_list,
    health_issues_partial_update,
    health_issues_resolve_create,
    health_issues_retrieve,
    health_issues_summary_retrieve,
)
from healthtrack_client.models import (
    HealthIssue,
    HealthIssueDetail,
    HealthIssueSeverityEnum,
    HealthIssueStatusEnum,
    HealthIssueSummary,
    JSONObject,
    PaginatedHealthIssueList,
    PatchedHealthIssue,
    PatchedHealthIssueForm,
    PatchedHealthIssueMultipart,
    ShortError,
)
from healthtrack_client.types import UNSET


def walk(place: Place) -> None:
    """Read, page, filter, dismiss, count and resolve."""
    expected = HealthIssue(
        id=place.critical,
        kind="client_check",
        severity=HealthIssueSeverityEnum.CRITICAL,
        status=HealthIssueStatusEnum.ACTIVE,
        dismissed=False,
        payload=JSONObject.from_dict({"seen": ["1.0", "1.2"]}),
        created_at=place.moment,
        updated_at=place.moment,
        resolved_at=None,
    )
    everything = listed(place)
    assert (everything.count, everything.next_, everything.previous) == (3, None, None)
    assert [issue.id for issue in everything.results] == [place.critical, place.warning, place.resolved]
    assert everything.results[0] == expected
    assert everything.results[2].resolved_at == place.moment
    walk_detail(place, expected)
    walk_pages_and_filters(place)
    walk_changes(place, expected)


def walk_detail(place: Place, issue: HealthIssue) -> None:
    """One issue comes with what to say about it; of a kind that the server does not know, only in general."""
    told = typed(HealthIssueDetail, health_issues_retrieve.sync(place.project, str(issue.id), client=place.client))
    assert told.to_dict() == issue.to_dict() | {
        "title": "Client check",
        "summary": "client_check (critical)",
        "link": "/admin/healthtrack/healthissue/",
        "remediation": None,
    }


def listed(place: Place, **how: int) -> PaginatedHealthIssueList:
    limit, offset = how.get("limit", UNSET), how.get("offset", UNSET)
    return typed(
        PaginatedHealthIssueList,
        health_issues_list.sync(place.project, client=place.client, limit=limit, offset=offset),
    )


def walk_pages_and_filters(place: Place) -> None:
    """The second of three pages has both neighbours; filters are typed."""
    page = listed(place, limit=1, offset=1)
    assert [issue.id for issue in page.results] == [place.warning]
    assert page.next_ is not None
    assert page.next_.endswith("/health_issues/?limit=1&offset=2")
    assert page.previous is not None
    assert page.previous.endswith("/health_issues/?limit=1")
    found = typed(
        PaginatedHealthIssueList,
        health_issues_list.sync(
            place.project, client=place.client, status=HealthIssueStatusEnum.RESOLVED, kind="other_check"
        ),
    )
    assert [issue.id for issue in found.results] == [place.resolved]


def summary(place: Place) -> tuple[int, dict[str, int], dict[str, int]]:
    found = typed(HealthIssueSummary, health_issues_summary_retrieve.sync(place.project, client=place.client))
    return found.total, found.by_severity.additional_properties, found.by_kind.additional_properties


def walk_changes(place: Place, issue: HealthIssue) -> None:
    """Dismissing changes one field, by each encoding of the body; resolving happens once."""
    both = {"client_check": 1, "other_check": 1}
    assert summary(place) == (2, {"critical": 1, "warning": 1}, both)
    bodies = (PatchedHealthIssue(dismissed=True), PatchedHealthIssueForm(dismissed=False))
    for body in (*bodies, PatchedHealthIssueMultipart(dismissed=True)):
        changed = typed(
            HealthIssue,
            health_issues_partial_update.sync(place.project, str(issue.id), client=place.client, body=body),
        )
        assert changed.dismissed is body.dismissed
        assert changed.updated_at - issue.updated_at > timedelta()
        assert (changed.status, changed.payload) == (issue.status, issue.payload)
    assert summary(place) == (1, {"warning": 1}, {"other_check": 1})
    resolved = typed(
        HealthIssue, health_issues_resolve_create.sync(place.project, str(place.warning), client=place.client)
    )
    assert resolved.status is HealthIssueStatusEnum.RESOLVED
    assert resolved.resolved_at == resolved.updated_at
    assert summary(place) == (0, {}, {})
    refused = typed(
        ShortError, health_issues_resolve_create.sync(place.project, str(place.warning), client=place.client)
    )
    assert refused == ShortError(detail="Could not resolve health issue.")
    assert (refused.type_, refused.code, refused.attr) == (UNSET, UNSET, UNSET)
