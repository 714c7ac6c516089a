"""What the API shows of an issue (contract 9, 10), for whoever reads one and for whoever has changed it."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import BigIntegerField, F, Func, IntegerField, JSONField, OuterRef, QuerySet, Subquery, TextField
from rest_framework import serializers

from errortracking.api.rules_fields import ASSIGNEE, ASSIGNEE_TYPES
from errortracking.models import (
    ExternalReference,
    Fingerprint,
    Issue,
    IssueAssignment,
    IssueCohort,
    IssueStatus,
)
from errortracking.models.issues import Severity


class Described(Func):
    """``jsonb_build_object`` with its names in the text: parameters would keep the read path from keeping it."""

    output_field = JSONField()

    def __init__(self, **fields: Any) -> None:
        super().__init__(*fields.values())
        self.names = list(fields)

    def as_sql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        """Return the expression."""
        compiled = [compiler.compile(expression) for expression in self.source_expressions]
        pairs = ", ".join(f"'{name}', {text}" for name, (text, _) in zip(self.names, compiled, strict=True))
        return f"jsonb_build_object({pairs})", [value for _, values in compiled for value in values]


def _of_issue(model: Any) -> QuerySet[Any, Any]:
    rows: QuerySet[Any, Any] = model._default_manager.filter(
        environment_id=OuterRef("environment_id"), issue_id=OuterRef("pk")
    )
    return rows


def _null(field: Any) -> Func:
    return Func(template="NULL", output_field=field)


def _counted(column: str) -> Func:
    # Not Django's Coalesce: its 0 would be a parameter, and keep the read path from keeping the statement.
    template = "COALESCE(%(expressions)s, 0)"
    return Func(F(f"statistics__{column}"), template=template, output_field=BigIntegerField())


REFERENCE: Final = Described(
    id=F("id"),
    integration=Described(id=_null(IntegerField()), kind=F("provider"), display_name=F("provider")),
    external_url=Func(
        F("external_context"), template="COALESCE(%(expressions)s ->> 'url', '')", output_field=TextField()
    ),
)
"""An external reference as the API shows it."""


class ErrorTrackingIssueAssigneeSerializer(serializers.Serializer[Any]):
    """Who takes care of an issue."""

    id = serializers.UUIDField(help_text="The id of the user or of the role.")
    type = serializers.ChoiceField(
        ASSIGNEE_TYPES, help_text="`user` for a member of the organization, `role` for one of its roles."
    )


class ErrorTrackingExternalReferenceIntegrationSerializer(serializers.Serializer[Any]):
    """Which tracker an external reference leads to."""

    id = serializers.IntegerField(allow_null=True, help_text="Always null: this server keeps no integrations.")
    kind = serializers.CharField(help_text="`github`, `gitlab`, `linear` or `jira`.")
    display_name = serializers.CharField(help_text="What to call it.")


class ErrorTrackingExternalReferenceSerializer(serializers.Serializer[Any]):
    """An issue's twin in another tracker."""

    id = serializers.UUIDField(help_text="The reference's id.")
    integration = ErrorTrackingExternalReferenceIntegrationSerializer(help_text="Where the twin is.")
    external_url = serializers.CharField(help_text="The twin's address, as a client gave it: untrusted.")


class ErrorTrackingIssueCohortSerializer(serializers.Serializer[Any]):
    """The cohort of persons that an issue is linked to."""

    id = serializers.IntegerField(help_text="The cohort's id, which the client chose.")
    name = serializers.CharField(allow_null=True, help_text="Always null: cohorts live with the client.")


class ErrorTrackingIssueFullSerializer(serializers.Serializer[Issue]):
    """An issue: a group of exceptions that have one cause. Its texts come from events or from people: untrusted."""

    id = serializers.UUIDField(help_text="The issue's id.")
    status = serializers.ChoiceField(
        IssueStatus.choices,
        help_text="`active`; `resolved`: the next exception makes it active again; `suppressed`: its exceptions are "
        "dropped. `archived` and `pending_release` are of old and behave like `resolved`.",
    )
    name = serializers.CharField(
        allow_null=True, help_text="Usually the type of the first exception, or what somebody has called it. Untrusted."
    )
    description = serializers.CharField(
        allow_null=True, help_text="Usually the message of the first exception. Untrusted."
    )
    # Not a choice: a type of its own that may be null is two types to generators of clients.
    severity = serializers.CharField(
        allow_null=True,
        help_text=f"How bad it is, where somebody or the exception has said so: {', '.join(Severity.values)}.",
    )
    first_seen = serializers.DateTimeField(
        source="statistics.first_seen",
        allow_null=True,
        help_text="Time of its earliest exception; null: none is stored.",
    )
    last_seen = serializers.DateTimeField(
        source="statistics.last_seen",
        allow_null=True,
        help_text="Time of its latest exception; null: none is stored.",
    )
    occurrences = serializers.IntegerField(help_text="How many of its exceptions have been stored.")
    users = serializers.IntegerField(help_text="How many different `distinct_id`s they had.")
    created_at = serializers.DateTimeField(help_text="When the issue was made here.")
    fingerprint = serializers.CharField(
        allow_null=True, help_text="Its oldest fingerprint, for links that survive merges (`?fingerprint=`). Untrusted."
    )
    assignee = ErrorTrackingIssueAssigneeSerializer(allow_null=True, help_text="Who takes care of it, if anybody.")
    external_issues = ErrorTrackingExternalReferenceSerializer(
        many=True, help_text="Its twins in other trackers, the oldest first."
    )
    cohort = ErrorTrackingIssueCohortSerializer(allow_null=True, help_text="The cohort that it is linked to, if any.")

    expressions = {
        "occurrences": _counted("occurrences"),
        "users": _counted("users"),
        "fingerprint": Subquery(_of_issue(Fingerprint).order_by("created_at", "pk").values("fingerprint")[:1]),
        "assignee": Subquery(_of_issue(IssueAssignment).values_list(ASSIGNEE)),
        "external_issues": ArraySubquery(_of_issue(ExternalReference).order_by("pk").values_list(REFERENCE)),
        "cohort": Subquery(_of_issue(IssueCohort).values_list(Described(id=F("cohort_id"), name=_null(TextField())))),
    }


class ErrorTrackingIssueSeriesSerializer(serializers.Serializer[Any]):
    """How many exceptions came in each of several equal spans of time."""

    start = serializers.DateTimeField(help_text="When the first span begins, in UTC.")
    step_seconds = serializers.IntegerField(help_text="How long a span is.")
    counts = serializers.ListField(
        child=serializers.IntegerField(), help_text="A number for each span, the oldest first; the last has only begun."
    )


class ErrorTrackingIssueSparklinesSerializer(serializers.Serializer[Any]):
    """When an issue's exceptions were received. From counts of 5 minutes that are kept for 30 days."""

    last_24_hours = ErrorTrackingIssueSeriesSerializer(help_text="The last 24 hours, an hour each.")
    last_30_days = ErrorTrackingIssueSeriesSerializer(help_text="The last 30 days of UTC, a day each.")


class ErrorTrackingIssueDetailSerializer(ErrorTrackingIssueFullSerializer):
    """An issue and when its exceptions came."""

    sparklines = ErrorTrackingIssueSparklinesSerializer(help_text="For small charts.")


class ErrorTrackingIssueMovedSerializer(serializers.Serializer[Any]):
    """Where an issue has gone that was merged into another."""

    issue_id = serializers.UUIDField(help_text="The issue that it is part of now; `Location` is its address.")


class ErrorTrackingIssueExistsSerializer(serializers.Serializer[Any]):
    """Whether there is any issue."""

    exists = serializers.BooleanField(help_text="False: no exception has come yet.")


class ErrorTrackingIssueValueSerializer(serializers.Serializer[Any]):
    """One value that issues have."""

    name = serializers.CharField(help_text="The value. Untrusted.")


class ErrorTrackingIssueValuesSerializer(serializers.Serializer[Any]):
    """Values to choose from in a filter."""

    results = ErrorTrackingIssueValueSerializer(many=True, help_text="Each once, in alphabetical order, at most 100.")
    refreshing = serializers.BooleanField(help_text="Always false: nothing is cached.")
