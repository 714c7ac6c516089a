"""What people do with issues: change, merge, split, undo, assign (contract 10). `errortracking.issues` does it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

from django.db import transaction
from django.http import Http404, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError

from environments.api import inputs
from environments.api.exceptions import Conflict, FieldError
from environments.api.renderers import json_response
from environments.api.requests import APIRequest
from environments.api.viewsets import ProjectViewSet
from errortracking.api import issue_actions_fields as fields
from errortracking.issues import changing, merging, splitting, undoing
from errortracking.issues.changing import Assignee
from errortracking.issues.errors import Busy, IssueGone, Refused
from errortracking.issues.recording import Effect
from errortracking.issues.splitting import Part

ACTION_SCOPES: Final[Mapping[str, str]] = dict.fromkeys(
    ("update", "partial_update", "merge", "split", "undo", "assign", "cohort", "bulk"), "error_tracking:write"
)
_JSON: Final = "application/json"
DONE: Final = {"success": True}
_TRUE: Final = ("true", "1")
_FALSE: Final = ("false", "0", "")


class IssueActions(ProjectViewSet):
    """Adds what changes issues to their viewset, whose ``scopes`` take in `ACTION_SCOPES`.

    Bodies are described as JSON only: a form has no lists.
    """

    @extend_schema(request={_JSON: fields.ErrorTrackingIssueWriteSerializer})
    def update(self, request: APIRequest, id: str, **path: str) -> HttpResponse:
        """Change status, name, description or severity of an issue. Fields that are absent keep their value."""
        columns = self._checked(fields.ErrorTrackingIssueWriteSerializer)
        key = inputs.uuid_in_path(id)
        with self._writing():
            self._audit_all(changing.change(self.project.pk, key, columns))
        return json_response(self.one(id=key))

    @extend_schema(request={_JSON: fields.ErrorTrackingIssueWriteSerializer})
    def partial_update(self, request: APIRequest, id: str, **path: str) -> HttpResponse:
        """Change an issue; the same as PUT."""
        return self.update(request, id, **path)

    @extend_schema(
        request={_JSON: fields.ErrorTrackingIssueMergeRequestSerializer},
        responses={200: fields.ErrorTrackingIssueMergeResponseSerializer},
        parameters=[
            OpenApiParameter(
                "preview",
                OpenApiTypes.BOOL,
                description="`true`: say what would move, and change nothing.",
            )
        ],
    )
    @action(detail=True, methods=["post"])
    def merge(self, request: APIRequest, id: str, **path: str) -> HttpResponse:
        """Make other issues part of this one: their fingerprints, and so all that comes of them later, are its own.

        The issues that are merged are gone then, with this one as their successor. It is remembered, and can be undone.
        """
        ids = self._checked(fields.ErrorTrackingIssueMergeRequestSerializer)["ids"]
        key = inputs.uuid_in_path(id)
        if _flag(request, "preview"):
            with _refusals():
                found = merging.preview(self.project.pk, key, ids)
            names = ("issues", "fingerprints", "occurrences", "users")
            return json_response({**DONE, "would_move": {name: getattr(found, name) for name in names}})
        with self._writing():
            self._audit_all(merging.merge(self.project.pk, key, ids, self.actor()).effects)
        return json_response(DONE)

    @extend_schema(
        request={_JSON: fields.ErrorTrackingIssueSplitRequestSerializer},
        responses={200: fields.ErrorTrackingIssueSplitResponseSerializer},
    )
    @action(detail=True, methods=["post"])
    def split(self, request: APIRequest, id: str, **path: str) -> HttpResponse:
        """Make issues of some of this one's fingerprints, one of each. It is remembered, and can be undone."""
        parts = self._checked(fields.ErrorTrackingIssueSplitRequestSerializer)["fingerprints"]
        key = inputs.uuid_in_path(id)
        with self._writing():
            done = splitting.split(self.project.pk, key, [Part(**part) for part in parts], self.actor())
            self._audit_all(done.effects)
        return json_response({**DONE, "new_issue_ids": done.new_issues})

    @extend_schema(
        request={_JSON: fields.ErrorTrackingIssueUndoRequestSerializer},
        responses={200: fields.ErrorTrackingIssueUndoResponseSerializer},
    )
    @action(detail=True, methods=["post"])
    def undo(self, request: APIRequest, id: str, **path: str) -> HttpResponse:
        """Undo a merge into this issue, or a split of it: the latest that has not been undone, or the one named.

        A 400 says why where it cannot be undone any more, such as where fingerprints have moved again.
        """
        operation = self._checked(fields.ErrorTrackingIssueUndoRequestSerializer).get("operation")
        key = inputs.uuid_in_path(id)
        with self._writing():
            done = undoing.undo(self.project.pk, key, self.actor(), operation)
            self._audit_all(done.effects)
        return json_response({**DONE, "operation": done.operation.pk, "issue_ids": done.issues})

    @extend_schema(
        request={_JSON: fields.ErrorTrackingIssueAssignRequestSerializer},
        responses={200: fields.ErrorTrackingIssueSuccessSerializer},
    )
    @action(detail=True, methods=["patch"])
    def assign(self, request: APIRequest, id: str, **path: str) -> HttpResponse:
        """Assign an issue to a member or role of the organization, or to nobody."""
        named = self._checked(fields.ErrorTrackingIssueAssignRequestSerializer)["assignee"]
        key = inputs.uuid_in_path(id)
        assignee = self._assignee(named)
        with self._writing():
            self._audit_all(changing.assign(self.project.pk, key, assignee))
        return json_response(DONE)

    @extend_schema(
        request={_JSON: fields.ErrorTrackingIssueCohortRequestSerializer},
        responses={200: fields.ErrorTrackingIssueSuccessSerializer},
    )
    @action(detail=True, methods=["put"])
    def cohort(self, request: APIRequest, id: str, **path: str) -> HttpResponse:
        """Link an issue to a cohort, or to none."""
        cohort_id = self._checked(fields.ErrorTrackingIssueCohortRequestSerializer)["cohortId"]
        key = inputs.uuid_in_path(id)
        with self._writing():
            self._audit_all(changing.set_cohort(self.project.pk, key, cohort_id))
        return json_response(DONE)

    @extend_schema(
        request={_JSON: fields.ErrorTrackingIssueBulkRequestSerializer},
        responses={200: fields.ErrorTrackingIssueSuccessSerializer},
    )
    @action(detail=False, methods=["post"])
    def bulk(self, request: APIRequest, **path: str) -> HttpResponse:
        """Set the status of several issues, or assign them: all or, where anything is wrong, none."""
        wanted = self._checked(fields.ErrorTrackingIssueBulkRequestSerializer)
        assignee = self._assignee(wanted["assignee"]) if wanted["action"] == "assign" else None
        with self._writing():
            if wanted["action"] == "assign":
                effects = changing.assign_many(self.project.pk, wanted["ids"], assignee)
            else:
                effects = changing.change_many(self.project.pk, wanted["ids"], {"status": wanted["status"]})
            self._audit_all(effects)
        return json_response(DONE)

    def _checked(self, kind: type[serializers.Serializer[Any]]) -> dict[str, Any]:
        """Return the fields of the body; raise a 400 that names what is wrong with it."""
        checked = kind(data=inputs.body(self.request))
        checked.is_valid(raise_exception=True)
        return dict(checked.validated_data)

    def _assignee(self, named: Mapping[str, Any] | None) -> Assignee | None:
        """Return whom the body names, who must belong to the project's organization."""
        if named is None:
            return None
        assignee = Assignee(named["type"], named["id"])
        if not changing.assignable(self.project.organization_id, assignee):
            text = f"Assignee {assignee.kind} does not belong to this organization."
            raise ValidationError({"assignee": {"id": [text]}})
        return assignee

    def _audit_all(self, effects: Iterable[Effect]) -> None:
        for issue_id, before, after in effects:
            self.audit(issue_id, before, after)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction for the change and its record; what keeps it from being made becomes the API's answer."""
        with _refusals(), transaction.atomic():
            yield


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except IssueGone:
        raise Http404 from None
    except Refused as error:
        detail: Any = [error.message]
        for place in reversed(error.place):
            detail = {place: detail}
        raise ValidationError(detail, error.code) from error
    except Busy as error:
        raise Conflict from error


def _flag(request: APIRequest, name: str) -> bool:
    """Return a parameter that says yes or no, of several whether one says yes.

    Raises a 400 for any other word: it might have meant "change nothing".
    """
    words = [text.strip().lower() for text in request.query_params.getlist(name)]
    if not {*words} <= {*_TRUE, *_FALSE}:
        raise FieldError(name, "Must be a valid boolean.")
    return not {*words}.isdisjoint(_TRUE)
