"""The events of an issue: each occurrence with its stack, and why it is in this issue."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.http import HttpResponse, QueryDict
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema

from environments.api import inputs
from environments.api.exceptions import FieldError
from environments.api.pagination import Pagination
from environments.api.renderers import json_response
from environments.api.requests import APIRequest
from environments.api.schema import ErrorSerializer
from environments.api.viewsets import ProjectViewSet
from errortracking.api.issue_event_fields import ErrorTrackingIssueEventSerializer
from errortracking.api.issue_event_rows import BUDGET, BUDGET_OF_ONE, shown
from errortracking.api.issue_moved import MOVED, successor
from errortracking.api.spike_event_filters import WRONG_MOMENT, moment
from errortracking.models import Event
from errortracking.occurrences import events
from errortracking.occurrences.events import MOST, Asked

_DATES: Final = "ISO 8601; UTC unless it has an offset; a date without time is its midnight. Blank: no bound."
PARAMETERS: Final = [
    OpenApiParameter("date_from", OpenApiTypes.DATETIME, description=f"Only events of then or later. {_DATES}"),
    OpenApiParameter("date_to", OpenApiTypes.DATETIME, description=f"Only events of then or earlier. {_DATES}"),
    OpenApiParameter(
        "distinct_id",
        str,
        description=f"Only what happened to this person, among the {MOST} newest events between the dates.",
    ),
    OpenApiParameter(
        "release",
        str,
        description=f"Only events of a release, its id or the version of some, among the {MOST} newest between the "
        "dates.",
    ),
    OpenApiParameter(
        "sdk",
        str,
        description=f"Only events of an SDK, its `$lib` such as `posthog-python`, among the {MOST} newest between the "
        "dates.",
    ),
]
_PLACE: Final = OpenApiParameter("id", str, OpenApiParameter.PATH, description="The issue's id, a UUID.")
_EVENT: Final = OpenApiParameter(
    "uuid", str, OpenApiParameter.PATH, description="The event's uuid. A malformed one is answered like an unknown one."
)


class EventPagination(Pagination):
    """20 at a time, at most 100: an event is some 30 KB."""

    default_limit = 20
    max_limit = 100


class IssueEventViewSet(ProjectViewSet):
    """What happened, each time that it did."""

    model = Event
    scope_object = "error_tracking"
    scopes = {"list": "error_tracking:read", "retrieve": "error_tracking:read"}
    pagination_class = EventPagination
    lookup_field = "uuid"

    @extend_schema(
        parameters=[_PLACE, *PARAMETERS],
        responses={
            200: ErrorTrackingIssueEventSerializer(many=True),
            308: MOVED,
            400: OpenApiResponse(ErrorSerializer, description="A filter is wrong; `attr` names it."),
        },
    )
    def list(self, request: APIRequest, id: str, **path: str) -> HttpResponse:
        """Return one page of the issue's events, the newest first.

        The list reaches back over the 10000 newest events between the dates, and `count` is exact up to there; for
        older ones set `date_to`. How often the issue has occurred in all is among its statistics.
        """
        asked = _asked(self.project.pk, id, request.query_params)
        paginator: EventPagination = self.paginator  # type: ignore[assignment]
        wanted = paginator.wanted(request)
        counted = events.count(asked)
        if counted is None:
            return successor(request, self.project.pk, id)
        paginator.count = counted.number
        rows = events.rows(counted, wanted, BUDGET) if wanted.start < counted.number else []
        return json_response(paginator.envelope(shown(self.project.pk, rows, BUDGET)))

    @extend_schema(parameters=[_PLACE, _EVENT], responses={200: ErrorTrackingIssueEventSerializer, 308: MOVED})
    def retrieve(self, request: APIRequest, id: str, uuid: str, **path: str) -> HttpResponse:
        """Return one event of the issue; 404 for an unknown or malformed id, and for an event of another issue."""
        issue = inputs.uuid_in_path(id)
        row = events.one(self.project.pk, issue, inputs.uuid_in_path(uuid))
        if row is None:
            return successor(request, self.project.pk, id)
        return json_response(shown(self.project.pk, [row], BUDGET_OF_ONE)[0])


def _asked(project: int, issue: str, parameters: QueryDict) -> Asked:
    """Return what the request asks for. Blank parameters mean nothing. Raises the 404 or the first 400."""
    release = _text(parameters, "release")
    return Asked(
        project,
        inputs.uuid_in_path(issue),
        _moment(parameters, "date_from"),
        _moment(parameters, "date_to"),
        _text(parameters, "distinct_id"),
        _text(parameters, "sdk"),
        release,
        inputs.uuid_or_none(release or ""),  # a version may be anything
    )


def _text(parameters: QueryDict, name: str) -> str | None:
    text = parameters.get(name, "")
    return inputs.text_field(name, text) if text else None


def _moment(parameters: QueryDict, name: str) -> datetime | None:
    text = parameters.get(name, "").strip()
    try:
        return moment(text) if text else None
    except ValueError:
        raise FieldError(name, WRONG_MOMENT) from None
