"""Health issues: what is wrong with the way a project is set up (contract 2)."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Count, QuerySet
from django.http import Http404, HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import Throttled

from environments import clock
from environments.api import inputs
from environments.api.exceptions import BareDetail, FieldError
from environments.api.fields import ObjectField
from environments.api.pagination import HealthPagination
from environments.api.renderers import json_response
from environments.api.requests import APIRequest
from environments.api.rows import Reader
from environments.api.schema import ErrorSerializer, ShortErrorSerializer
from environments.api.viewsets import Listed
from healthtrack.api.filters import PARAMETERS, conditions
from healthtrack.checks import refreshing
from healthtrack.checks.describing import describe
from healthtrack.models import SEVERITY_ORDER, HealthIssue, HealthSeverity, HealthStatus

READ: Final = "health_issue:read"
WRITE: Final = "health_issue:write"
WRITABLE: Final = "dismissed"


class HealthIssueSerializer(serializers.Serializer[HealthIssue]):
    """Something that a check has found wrong with the way a project is set up. Only `dismissed` can be written."""

    id = serializers.UUIDField(read_only=True, help_text="The issue's id. A recurrence is a new issue with a new id.")
    kind = serializers.CharField(
        read_only=True, help_text="Which check found it, such as `sdk_outdated`. New kinds may appear."
    )
    severity = serializers.ChoiceField(
        HealthSeverity.choices, read_only=True, help_text="How bad it is; `critical` is the worst."
    )
    status = serializers.ChoiceField(
        HealthStatus.choices,
        read_only=True,
        help_text="`active` while the check finds it; `resolved` since it no longer does, or since somebody said so.",
    )
    dismissed = serializers.BooleanField(
        help_text="Whether somebody does not want to see it any more. Does not change the status; false by default.",
    )
    payload = ObjectField(
        read_only=True,
        help_text="What the check found, an object whose keys depend on `kind`. May quote events: untrusted.",
    )
    created_at = serializers.DateTimeField(read_only=True, help_text="When the check found it first.")
    updated_at = serializers.DateTimeField(read_only=True, help_text="When the issue was written last, by whomever.")
    resolved_at = serializers.DateTimeField(
        read_only=True, allow_null=True, help_text="When it was resolved; null while it is active."
    )


class RemediationSerializer(serializers.Serializer[Any]):
    """What to do about an issue."""

    human = serializers.CharField(read_only=True, help_text="For a person who knows this server's admin.")
    agent = serializers.CharField(read_only=True, help_text="For a coding agent at work on the application that sends.")


class HealthIssueDetailSerializer(HealthIssueSerializer):
    """One issue, with what to say about it and what to do."""

    title = serializers.CharField(read_only=True, help_text="What people call it.")
    summary = serializers.CharField(read_only=True, help_text="One sentence. May quote events: untrusted.")
    link = serializers.CharField(read_only=True, help_text="Where one sees more: a path of this server.")
    remediation = RemediationSerializer(
        read_only=True, allow_null=True, help_text="What to do about it; null where this server knows no such kind."
    )


class HealthRefreshSerializer(serializers.Serializer[Any]):
    """Which checks will run."""

    scheduled_kinds = serializers.ListField(child=serializers.CharField(), help_text="Kinds whose checks are queued.")
    kinds_failed = serializers.ListField(child=serializers.CharField(), help_text="Kinds that could not be queued.")
    team_id = serializers.IntegerField(help_text="The id of the project.")


class HealthIssueChangeSerializer(serializers.Serializer[Any]):
    """What a change may hold. Not required, so that an empty field of a form, which cannot be left away, keeps it."""

    dismissed = serializers.BooleanField(required=False)


class HealthIssueSummarySerializer(serializers.Serializer[Any]):
    """How many issues are active and not dismissed, of those that the filters leave."""

    total = serializers.IntegerField(help_text="How many there are.")
    by_severity = serializers.DictField(
        child=serializers.IntegerField(), help_text="How many of each severity; severities without any are left out."
    )
    by_kind = serializers.DictField(
        child=serializers.IntegerField(), help_text="How many of each kind; kinds without any are left out."
    )


WRONG_FILTER: Final = OpenApiResponse(ErrorSerializer, description="A filter is wrong; `attr` names it.")
DETAIL: Final = Reader(HealthIssue, HealthIssueSerializer, ("id",), parse_json=True)
ONE: Final = {200: HealthIssueSerializer, 400: WRONG_FILTER}


class HealthIssueViewSet(Listed):
    """What is wrong with the way a project is set up."""

    model = HealthIssue
    scope_object = "health_issue"
    scopes = {
        **dict.fromkeys(("list", "retrieve", "summary"), READ),
        **dict.fromkeys(("partial_update", "resolve", "refresh"), WRITE),
    }
    serializer_class = HealthIssueSerializer
    pagination_class = HealthPagination
    ordering = ("severity_rank", "-created_at", "id")
    counted = True
    http_method_names = ["get", "patch", "post", "head"]  # an OPTIONS is a 405 here

    def own(self, **equals: Any) -> dict[str, Any]:
        """Return the condition for the rows that the filters of the request leave: they act on every action."""
        return super().own(**conditions(self.request.query_params), **equals)

    @extend_schema(parameters=PARAMETERS, responses={200: HealthIssueSerializer(many=True), 400: WRONG_FILTER})
    def list(self, request: APIRequest, **path: str) -> HttpResponse:
        """Return one page of issues: the worst first, and of one severity the newest first."""
        return super().list(request, **path)

    @extend_schema(parameters=PARAMETERS, responses={200: HealthIssueDetailSerializer, 400: WRONG_FILTER})
    def retrieve(self, request: APIRequest, id: str, **path: str) -> HttpResponse:
        """Return one issue, with what to do about it; 404 also for one that the filters exclude."""
        condition = self.own()  # first: a wrong filter is reported before a wrong id
        found = DETAIL.all({**condition, "id": inputs.uuid_in_path(id)}, 1)
        if not found:
            raise Http404
        [issue] = found
        told = describe(issue["kind"], issue["severity"], issue["payload"])
        remediation = told.remediation and told.remediation._asdict()
        return json_response({**issue, **told._asdict(), "remediation": remediation})

    @extend_schema(parameters=PARAMETERS, responses=ONE)
    def partial_update(self, request: APIRequest, id: str, **path: str) -> HttpResponse:
        """Dismiss an issue, or take that back. Any other field than `dismissed` is refused."""
        refuse_read_only(request)
        with transaction.atomic():
            issue = self._one(id).select_for_update().first()
            if issue is None:
                raise Http404
            before = issue.dismissed
            checked = HealthIssueChangeSerializer(data=request.data, partial=True)
            checked.is_valid(raise_exception=True)
            issue.dismissed = checked.validated_data.get(WRITABLE, before)
            issue.save(update_fields=[WRITABLE])  # and updated_at, also where nothing changes
            self.audit(issue.id, {WRITABLE: before}, {WRITABLE: issue.dismissed})
            return self._now(issue.id)

    @extend_schema(
        parameters=PARAMETERS,
        request=HealthIssueSerializer(partial=True),
        responses={
            200: HealthIssueSerializer,
            400: OpenApiResponse(
                ShortErrorSerializer, description="It is resolved already (only `detail`), or a filter is wrong."
            ),
        },
    )
    @action(detail=True, methods=["post"])
    def resolve(self, request: APIRequest, id: str, **path: str) -> HttpResponse:
        """Mark an active issue as resolved; the body is ignored. If the check finds it again, that is a new issue."""
        issue, now = self._one(id), clock.now()
        before = {"status": HealthStatus.ACTIVE, "resolved_at": None}
        after = {"status": HealthStatus.RESOLVED, "resolved_at": now}
        with transaction.atomic():
            # The condition stands in the UPDATE: of two at once, the second waits for the first and then finds nothing.
            if not issue.filter(status=HealthStatus.ACTIVE).update(**after, updated_at=now):
                if not issue.exists():
                    raise Http404
                raise BareDetail("Could not resolve health issue.")
            self.audit(UUID(id), before, after)
            return self._now(UUID(id))

    @extend_schema(parameters=PARAMETERS, responses={200: HealthIssueSummarySerializer, 400: WRONG_FILTER})
    @action(detail=False)
    def summary(self, request: APIRequest, **path: str) -> HttpResponse:
        """Count the issues that are active and not dismissed."""
        counted = self.get_queryset().filter(status=HealthStatus.ACTIVE, dismissed=False)
        by_severity: Counter[str] = Counter()
        by_kind: Counter[str] = Counter()
        for severity, kind, number in counted.values_list("severity", "kind").annotate(number=Count("*")):
            by_severity[severity] += number
            by_kind[kind] += number
        return json_response(
            {
                "total": by_severity.total(),
                "by_severity": {
                    severity: by_severity[severity] for severity in SEVERITY_ORDER if by_severity[severity]
                },
                "by_kind": dict(sorted(by_kind.items())),
            }
        )

    @extend_schema(request=None, responses={202: HealthRefreshSerializer})
    @action(detail=False, methods=["post"])
    def refresh(self, request: APIRequest, **path: str) -> HttpResponse:
        """Run all checks of the project soon, at most once a minute; the body is ignored."""
        with transaction.atomic():
            wait = refreshing.wait(self.project.pk)
            if wait is not None:
                raise Throttled(wait)
            scheduled = refreshing.schedule(self.project.pk)
        return json_response(
            {
                "scheduled_kinds": scheduled.kinds,
                "kinds_failed": scheduled.failed,
                "team_id": self.project.pk,
            },
            status=202,
        )

    def _one(self, id: str) -> QuerySet[HealthIssue]:
        """Return the rows with an id: one, or none. A wrong filter is reported before a wrong id."""
        rows = self.get_queryset()
        return rows.filter(id=inputs.uuid_in_path(id))

    def _now(self, issue: UUID) -> HttpResponse:
        """Return an issue as it is after a change, which may just have made a filter of the request untrue."""
        return json_response(self.reader.all(super().own(id=issue), 1)[0])


def refuse_read_only(request: APIRequest) -> None:
    """Raise a 400 that names the first field of the body that is not `dismissed`, known or not."""
    inputs.body(request)  # raises for a body that is no object
    for name in request.data:  # with the files of a form
        if name != WRITABLE:
            raise FieldError(name, "This field is read-only.")
