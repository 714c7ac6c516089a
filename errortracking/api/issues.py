"""Issues: groups of exceptions that have one cause (contract 9, 10). What changes them is in ``issue_actions``."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.decorators import action

from environments import clock
from environments.api import inputs
from environments.api.renderers import json_response
from environments.api.requests import APIRequest
from environments.api.rows import Reader
from environments.api.schema import ErrorSerializer
from environments.api.viewsets import Listed, Retrieved, Undeletable
from errortracking.api import issue_search_common
from errortracking.api.issue_actions import ACTION_SCOPES, IssueActions
from errortracking.api.issue_actions_activity import ACTIVITY_SCOPES, IssueActivity
from errortracking.api.issue_fields import (
    ErrorTrackingIssueDetailSerializer,
    ErrorTrackingIssueExistsSerializer,
    ErrorTrackingIssueFullSerializer,
    ErrorTrackingIssueMovedSerializer,
    ErrorTrackingIssueValuesSerializer,
)
from errortracking.api.issue_filters import (
    NEWEST_FIRST,
    ORDERS,
    PARAMETERS,
    common_search,
    filtered,
    ids_by,
    order_of,
)
from errortracking.api.issue_moved import moved, successor
from errortracking.api.issue_search import in_time
from errortracking.api.issue_search_common import Among
from errortracking.api.issue_values import VALUE_PARAMETERS, values_of
from errortracking.models import Fingerprint, Issue
from errortracking.spikes.volume import Series, volume

WRONG_FILTER: Final = OpenApiResponse(ErrorSerializer, description="A parameter is wrong; `attr` names it.")
DEEP: Final = 1
"""From this offset on ids are found first: an issue has more to compute than to skip."""
READERS: Final = {
    name: Reader(Issue, ErrorTrackingIssueFullSerializer, columns, counted=True, deep_offset=DEEP)
    for name, columns in ORDERS.items()
}


class IssueViewSet(IssueActions, IssueActivity, Listed, Retrieved, Undeletable):
    """Groups of exceptions that have one cause."""

    model = Issue
    scope_object = "error_tracking"
    scopes = {
        "list": "error_tracking:read",
        "retrieve": "error_tracking:read",
        "exists": "error_tracking:read",
        "values": "error_tracking:read",
        "destroy": "error_tracking:write",
        **ACTION_SCOPES,
        **ACTIVITY_SCOPES,
    }
    serializer_class = ErrorTrackingIssueFullSerializer
    ordering = NEWEST_FIRST
    counted = True
    deep_offset = DEEP

    @extend_schema(
        parameters=PARAMETERS, responses={200: ErrorTrackingIssueFullSerializer(many=True), 400: WRONG_FILTER}
    )
    def list(self, request: APIRequest, **path: str) -> HttpResponse:
        """Return one page of issues, the newest first unless `order_by` says otherwise."""
        order = order_of(request.query_params)
        found = filtered(self.get_queryset(), self.project.pk, request.query_params)
        reader = READERS.get(order, self.reader)
        if request.query_params.get("search", "").strip() and found is not None:
            return self._searched(found, reader, order)
        if found is not None:
            return self.page(found, reader)
        return self.page(self.own(), reader, ids_by(order, self.project.pk))

    def _searched(self, found: QuerySet[Issue], reader: Reader, order: str) -> HttpResponse:
        with in_time():
            common = common_search(self.get_queryset(), self.project.pk, order, self.request.query_params)
            if not common:
                return self.page_found(found, reader)
            response = self.page_of(common, lambda ids: self.get_queryset().filter(Among(ids)), reader)
        response["X-Searched-Issues"] = str(issue_search_common.REACH)
        return response

    @extend_schema(
        parameters=[
            OpenApiParameter("fingerprint", str, description="One of the issue's fingerprints, if it is known.")
        ],
        responses={
            200: ErrorTrackingIssueDetailSerializer,
            308: OpenApiResponse(
                ErrorTrackingIssueMovedSerializer,
                description="The fingerprint belongs to another issue, or the issue was merged into another.",
            ),
        },
    )
    def retrieve(self, request: APIRequest, id: str, **path: str) -> HttpResponse:
        """Return one issue and when its exceptions came; 404 for an unknown or malformed id."""
        key = inputs.uuid_in_path(id)
        fingerprint = request.query_params.get("fingerprint", "")
        if fingerprint and not inputs.text_problem(fingerprint):
            row = Fingerprint.objects.filter(**self.own(fingerprint=fingerprint)).values_list("issue_id").first()
            if row and row[0] != key:
                return moved(request, id, row[0])
        try:
            shown = self.one(id=key)
        except Http404:
            return successor(request, self.project.pk, id)
        series = volume(self.project.pk, key, clock.now())._asdict()
        shown["sparklines"] = {name: _shown(one) for name, one in series.items()}
        return json_response(shown)

    @extend_schema(responses={200: ErrorTrackingIssueExistsSerializer})
    @action(detail=False)
    def exists(self, request: APIRequest, **path: str) -> HttpResponse:
        """Tell whether the project has any issue."""
        return json_response({"exists": self.get_queryset().exists()})

    @extend_schema(parameters=VALUE_PARAMETERS, responses={200: ErrorTrackingIssueValuesSerializer, 400: WRONG_FILTER})
    @action(detail=False)
    def values(self, request: APIRequest, **path: str) -> HttpResponse:
        """Return values that the project's issues have, to choose from in a filter."""
        found = values_of(self.project.pk, request.query_params)
        return json_response({"results": [{"name": value} for value in found], "refreshing": False})


def _shown(series: Series) -> dict[str, Any]:
    return {"start": series.start, "step_seconds": int(series.step.total_seconds()), "counts": series.counts}
