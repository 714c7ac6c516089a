"""The admin of error tracking: for looking."""

from __future__ import annotations

from django.contrib import admin

from environments.tenancy.admin import ReadOnlyAdmin
from errortracking.models import (
    Fingerprint,
    Issue,
    Recommendation,
    Release,
    SetAsideEvent,
    SpikeEvent,
    StackFrame,
    SymbolSet,
)


@admin.register(Issue)
class IssueAdmin(ReadOnlyAdmin):
    """Issues."""

    list_display = ("name", "environment", "status", "severity", "created_at")
    list_filter = ("environment", "status")
    search_fields = ("name",)


@admin.register(Fingerprint)
class FingerprintAdmin(ReadOnlyAdmin):
    """Fingerprints; each leads to its issue."""

    list_display = ("fingerprint", "environment", "kind", "version", "first_seen")
    search_fields = ("fingerprint",)


@admin.register(StackFrame)
class StackFrameAdmin(ReadOnlyAdmin):
    """Stack frames."""

    list_display = ("raw_id", "part", "environment", "created_at")
    search_fields = ("raw_id",)


@admin.register(Release)
class ReleaseAdmin(ReadOnlyAdmin):
    """Releases."""

    list_display = ("version", "project", "environment", "hash_id", "created_at")
    search_fields = ("version", "hash_id")


@admin.register(SymbolSet)
class SymbolSetAdmin(ReadOnlyAdmin):
    """Symbol sets, with the reason where one could not be had."""

    list_display = ("ref", "environment", "failure_reason", "last_used", "created_at")
    search_fields = ("ref",)


@admin.register(SpikeEvent)
class SpikeEventAdmin(ReadOnlyAdmin):
    """Spikes."""

    list_display = ("id", "environment", "detected_at", "computed_baseline", "current_bucket_value")


@admin.register(Recommendation)
class RecommendationAdmin(ReadOnlyAdmin):
    """Recommendations."""

    list_display = ("type", "environment", "status", "computed_at", "dismissed_at")


@admin.register(SetAsideEvent)
class SetAsideEventAdmin(ReadOnlyAdmin):
    """Events that could not be processed, with the reason."""

    list_display = ("event_uuid", "environment", "received_at", "reason")
    search_fields = ("event_uuid",)
    exclude = ("payload",)
