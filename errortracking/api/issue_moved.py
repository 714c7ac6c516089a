"""Where an issue is found that was merged into another: the 308 of all that reads one (contract 10)."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.http import Http404, HttpResponse
from drf_spectacular.utils import OpenApiResponse

from environments.api import inputs
from environments.api.renderers import json_response
from environments.api.requests import APIRequest
from errortracking.api.issue_fields import ErrorTrackingIssueMovedSerializer
from errortracking.issues.successors import successor_of

MOVED: Final = OpenApiResponse(
    ErrorTrackingIssueMovedSerializer, description="The issue was merged into another, which has all of it now."
)


def successor(request: APIRequest, environment_id: int, gone: str) -> HttpResponse:
    """Return the redirect to what a merged issue is part of now; raise ``Http404`` where it was never merged."""
    found = successor_of(environment_id, inputs.uuid_in_path(gone))
    if found is None:
        raise Http404
    return moved(request, gone, found)


def moved(request: APIRequest, gone: str, issue_id: UUID) -> HttpResponse:
    """Return the redirect to the address of ``request``, in whose path an issue stands as ``gone``, with another's id.

    The query goes along, since a key may stand in it; not the fingerprint, which has been of use already.
    """
    response = json_response({"issue_id": str(issue_id)}, status=308)
    parameters = request.query_params.copy()
    parameters.pop("fingerprint", None)
    query = f"?{parameters.urlencode()}" if parameters else ""
    path = request.path.replace(f"/issues/{gone}", f"/issues/{issue_id}", 1)
    response["Location"] = request.build_absolute_uri(path + query)
    return response
