"""Which stored events a rule would have touched, before it is saved. Upstream has nothing of the kind."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from django.http import HttpResponse
from rest_framework import serializers
from rest_framework.decorators import action

from environments import clock
from environments.api import inputs
from environments.api.renderers import json_response
from environments.api.requests import APIRequest
from environments.api.viewsets import ProjectViewSet
from errortracking.api.rules_fields import ShareField
from errortracking.api.rules_filters import FiltersField
from errortracking.api.rules_preview_events import DAYS, MOST_EVENTS, SAMPLES, Stored, Tried, attempt
from errortracking.api.spike_events import ErrorTrackingSpikeEventIssueSerializer
from errortracking.rules.filters import compile_filters
from errortracking.rules.sampling import drawn

_FILTERS: Final = "Which exceptions it matches; at least one filter."
_OWN_WORD: Final = "manual"  # the kind of a fingerprint that a client has chosen: no grouping rule changes it


class ErrorTrackingRulePreviewRequestSerializer(serializers.Serializer[Any]):
    """A candidate. What else a rule has may be sent along; it does not matter here."""

    filters = FiltersField(help_text=_FILTERS)


class ErrorTrackingAssignmentRulePreviewRequestSerializer(serializers.Serializer[Any]):
    """A candidate. What else a rule has may be sent along; it does not matter here."""

    filters = FiltersField(issue=True, help_text=_FILTERS)


class ErrorTrackingSuppressionRulePreviewRequestSerializer(serializers.Serializer[Any]):
    """A candidate. What else a rule has may be sent along; it does not matter here."""

    filters = FiltersField(help_text=_FILTERS)
    sampling_rate = ShareField(default=1.0, help_text="Which share of the exceptions that it matches is dropped.")


class ErrorTrackingRulePreviewSampleSerializer(serializers.Serializer[Any]):
    """An event that the candidate would have touched."""

    uuid = serializers.UUIDField(help_text="The event's uuid.")
    timestamp = serializers.DateTimeField(help_text="When it happened.")
    issue = ErrorTrackingSpikeEventIssueSerializer(help_text="The issue that it belongs to now.")


class ErrorTrackingRulePreviewFailureSerializer(serializers.Serializer[Any]):
    """Why the rule would have been switched off."""

    message = serializers.CharField(help_text="What is wrong. It may quote the event: untrusted.")
    event = serializers.UUIDField(help_text="The event on which the rule fails.")


class ErrorTrackingRulePreviewSerializer(serializers.Serializer[Any]):
    """What a candidate would have touched."""

    date_from = serializers.DateTimeField(help_text=f"{DAYS} days ago: events received since then are looked at.")
    date_to = serializers.DateTimeField(help_text="When the preview was made.")
    events_read = serializers.IntegerField(
        help_text=f"How many stored events of issues were looked at, the newest first; at most {MOST_EVENTS}."
    )
    truncated = serializers.BooleanField(help_text="Whether there are more events than were looked at.")
    count = serializers.IntegerField(help_text="How many of them the rule would have touched.")
    share = serializers.FloatField(help_text="`count` of `events_read`, from 0 to 1; 0 where there are none.")
    skipped = serializers.IntegerField(help_text="For how many the rule would have been skipped: it takes too long.")
    failure = ErrorTrackingRulePreviewFailureSerializer(
        allow_null=True,
        help_text="The newest event on which the rule fails; nothing older was looked at. Null: none.",
    )
    samples = ErrorTrackingRulePreviewSampleSerializer(
        many=True, help_text=f"The newest of the events that it would have touched; at most {SAMPLES}."
    )


PREVIEWS: Final[dict[str, type[serializers.Serializer[Any]]]] = {
    "assignment": ErrorTrackingAssignmentRulePreviewRequestSerializer,
    "grouping": ErrorTrackingRulePreviewRequestSerializer,
    "suppression": ErrorTrackingSuppressionRulePreviewRequestSerializer,
    "bypass": ErrorTrackingRulePreviewRequestSerializer,
}
"""The kind of rules, in one word → what is sent for a preview."""


class RulePreview(ProjectViewSet):
    """Adds ``preview`` to the viewset of a kind of rules."""

    @action(detail=False, methods=["post"])
    def preview(self, request: APIRequest, **path: str) -> HttpResponse:
        """Return which of the last 7 days' stored events a rule would have touched. Nothing is changed.

        Only what was stored can be looked at: what rules and limits have dropped is not there. Each event is seen as
        rules saw it then; other rules, which may come before this one, are left out of account.
        """
        kind = (self.basename or "").removesuffix("_rules")
        checked = PREVIEWS[kind](data=inputs.body(request))
        checked.is_valid(raise_exception=True)
        wanted, now, issue = checked.validated_data, clock.now(), kind == "assignment"
        predicate = compile_filters(wanted["filters"], issue=issue)
        found = attempt(self.project.pk, predicate, now, _touching(kind, wanted.get("sampling_rate", 1.0)), issue=issue)
        return json_response({"date_from": now - timedelta(days=DAYS), "date_to": now, **_shown(found)})


def _touching(kind: str, rate: float) -> Callable[[Stored], bool]:
    """Return which of the events that a rule matches it does something to."""
    if kind == "grouping":
        return lambda event: event.kind != _OWN_WORD
    if kind == "suppression":
        return lambda event: drawn(event.id, rate)
    return lambda event: True


def _shown(found: Tried) -> dict[str, Any]:
    return {
        "events_read": found.read,
        "truncated": found.truncated,
        "count": found.matched,
        "share": found.matched / found.read if found.read else 0.0,
        "skipped": found.skipped,
        "failure": found.failure and {"message": found.failure[0], "event": found.failure[1]},
        "samples": [
            {
                "uuid": event.id,
                "timestamp": event.timestamp,
                "issue": {"id": event.issue_id, "name": event.name, "description": event.description},
            }
            for event in found.samples
        ],
    }
