"""The admin of the other tables. Those with composite keys (the ledger, fingerprints' users) Django cannot show."""

from __future__ import annotations

import json

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from environments.tenancy.admin import OneOf
from errortracking.admin.pipeline import GoesWithItsPerson, PipelineAdmin
from errortracking.api.external_references import PROVIDERS
from errortracking.models import (
    ErrorTrackingSettings,
    Event,
    EventCount,
    ExternalReference,
    Fingerprint,
    FingerprintStatistics,
    FingerprintText,
    IssueAssignment,
    IssueCohort,
    IssueStatistics,
    OutcomeCount,
    QueuedRequest,
    RateLimitBucket,
    Recommendation,
    Release,
    SpikeDetectionConfig,
    SpikeEvent,
    SpikeSnooze,
)
from errortracking.models.release_metadata import without_credentials


@admin.register(Event)
class EventAdmin(PipelineAdmin):
    """Events. What happened is shown by the issue's page."""

    list_display = ("id", "environment", "timestamp", "sdk", "sdk_version", "exception")
    list_select_related = ("environment", "fingerprint")
    fields = (
        *("exception", "id", "environment", "timestamp", "received_at", "fingerprint"),
        *("distinct_id", "sdk", "sdk_version"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        """Return events without their payload."""
        events: QuerySet[Event] = super().get_queryset(request).defer("payload")
        return events

    @admin.display(empty_value="(its exceptions could not be read)")
    def exception(self, event: Event) -> str | None:
        """Return a link to where the event is shown as a person reads it."""
        if event.fingerprint is None:
            return None
        address = reverse("admin:errortracking_issue_change", args=[event.fingerprint.issue_id])
        return format_html('<a href="{}?event={}" class="text-primary-600 underline">Show</a>', address, event.pk)


@admin.register(Fingerprint)
class FingerprintAdmin(PipelineAdmin):
    """Fingerprints; each leads to its issue."""

    list_display = ("fingerprint", "environment", "kind", "version", "first_seen")
    search_fields = ("fingerprint__exact",)
    search_help_text = "A fingerprint as a whole, or an id."


@admin.register(FingerprintStatistics)
class FingerprintStatisticsAdmin(PipelineAdmin):
    """What was counted of fingerprints."""

    list_display = ("fingerprint_id", "environment", "occurrences", "first_seen", "last_seen")
    ordering = ("-environment_id", "-fingerprint_id")


@admin.register(FingerprintText)
class FingerprintTextAdmin(PipelineAdmin):
    """What fingerprints are found by when issues are searched."""

    list_display = ("fingerprint_id", "environment", "__str__")
    ordering = ("-environment_id", "-fingerprint_id")


@admin.register(IssueStatistics)
class IssueStatisticsAdmin(PipelineAdmin):
    """What was counted of issues."""

    list_display = ("issue_id", "environment", "occurrences", "users", "first_seen", "last_seen")
    ordering = ("-environment_id", "-issue_id")


@admin.register(Release)
class ReleaseAdmin(PipelineAdmin):
    """Releases; the address of the repository without the credentials that builds leave in it."""

    list_display = ("version", "project", "environment", "hash_id", "created_at")
    search_fields = ("version", "project", "hash_id__exact")
    search_help_text = "A part of the version or the project, a hash id as a whole, or an id."
    fields = ("environment", "project", "version", "hash_id", "created_at", "shown_metadata")

    @admin.display(description="Metadata")
    def shown_metadata(self, release: Release) -> str:
        """Return the metadata as JSON."""
        return json.dumps(without_credentials(release.metadata), indent=2, ensure_ascii=False)


@admin.register(IssueAssignment)
class IssueAssignmentAdmin(GoesWithItsPerson, PipelineAdmin):
    """Who takes care of issues."""

    list_display = ("issue_id", "environment", "user", "role", "created_at")
    list_select_related = ("environment", "user", "role")


@admin.register(IssueCohort)
class IssueCohortAdmin(PipelineAdmin):
    """The cohorts that issues are linked to."""

    list_display = ("issue_id", "environment", "cohort_id", "created_at")


class ByProvider(OneOf):
    """By tracker."""

    title = "provider"
    parameter_name = "provider"

    def known(self) -> tuple[str, ...]:
        """Return the trackers that the API knows."""
        return PROVIDERS


@admin.register(ExternalReference)
class ExternalReferenceAdmin(PipelineAdmin):
    """The issues' twins in other trackers."""

    list_display = ("issue_id", "environment", "provider", "created_at")
    list_filter = ("environment", ByProvider)


@admin.register(SpikeEvent)
class SpikeEventAdmin(PipelineAdmin):
    """Spikes."""

    list_display = ("id", "environment", "detected_at", "computed_baseline", "current_bucket_value", "which")
    list_filter = ("environment", "detected_at")
    list_select_related = ("environment", "issue")
    fields = ("environment", "which", "detected_at", "computed_baseline", "current_bucket_value")

    @admin.display(description="Issue")
    def which(self, spike: SpikeEvent) -> str:
        """Return a link to the issue, with its name."""
        address = reverse("admin:errortracking_issue_change", args=[spike.issue_id])
        return format_html('<a href="{}" class="text-primary-600 underline">{}</a>', address, spike.issue)


@admin.register(SpikeSnooze)
class SpikeSnoozeAdmin(PipelineAdmin):
    """Until when issues are not reported as spiking again."""

    list_display = ("issue_id", "environment", "snoozed_at", "snoozed_until")
    ordering = ("-environment_id", "-issue_id")


@admin.register(Recommendation)
class RecommendationAdmin(PipelineAdmin):
    """Recommendations."""

    list_display = ("type", "environment", "status", "computed_at", "dismissed_at")
    list_filter = ("environment", "status")
    search_fields = ("type",)
    search_help_text = "A part of the type, or an id."


@admin.register(OutcomeCount)
class OutcomeCountAdmin(PipelineAdmin):
    """What became of accepted events."""

    list_display = ("day", "environment", "outcome", "reason", "count")
    list_filter = ("environment", "outcome", "day")
    search_fields = ("reason",)
    search_help_text = "A part of the reason, or an id."


@admin.register(EventCount)
class EventCountAdmin(PipelineAdmin):
    """Which events projects send."""

    list_display = ("day", "environment", "event", "sdk", "sdk_version", "count")
    list_filter = ("environment", "day")
    search_fields = ("event__exact",)
    search_help_text = "An event's name as a whole, or an id."


@admin.register(QueuedRequest)
class QueuedRequestAdmin(PipelineAdmin):
    """Requests that wait for the worker."""

    list_display = ("id", "environment", "received_at", "events", "bytes", "attempts", "leased_at", "not_before")
    exclude = ("payload",)


@admin.register(RateLimitBucket)
class RateLimitBucketAdmin(PipelineAdmin):
    """How much the rate limits still admit, by issue; of the project itself where the id is all zeros."""

    list_display = ("id", "environment", "tokens", "value", "minutes", "at")


@admin.register(ErrorTrackingSettings)
class ErrorTrackingSettingsAdmin(PipelineAdmin):
    """The projects' rate limits."""

    list_display = (
        *("environment", "project_rate_limit_value", "project_rate_limit_bucket_size_minutes"),
        *("per_issue_rate_limit_value", "per_issue_rate_limit_bucket_size_minutes"),
    )
    ordering = ("-environment_id",)
    search_fields = ("environment__name",)
    search_uuid = None
    search_help_text = "A part of the project's name."


@admin.register(SpikeDetectionConfig)
class SpikeDetectionConfigAdmin(PipelineAdmin):
    """When projects call something a spike."""

    list_display = ("environment", "snooze_duration_minutes", "multiplier", "threshold")
    ordering = ("-environment_id",)
    search_fields = ("environment__name",)
    search_uuid = None
    search_help_text = "A part of the project's name."
