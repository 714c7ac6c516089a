"""The form of a destination in the admin."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from notifications import targets
from notifications.changing import MAX_DESTINATIONS
from notifications.events import SEVERITIES, NoticeEvent
from notifications.models import Destination, DestinationKind


class DestinationForm(forms.ModelForm):  # type: ignore[type-arg]
    """Where alerts go. Of a target that is there only what may be shown is in the page; left as it is, it stays."""

    events = forms.MultipleChoiceField(choices=NoticeEvent.choices, widget=UnfoldAdminCheckboxSelectMultipleWidget)
    severities = forms.MultipleChoiceField(
        choices=[(severity, severity) for severity in SEVERITIES],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        required=False,
        help_text="Only of these, or of none. Nothing chosen: all.",
    )

    class Meta:
        model = Destination
        fields = ("environment", "name", "kind", "target", "events", "severities", "kinds", "hourly_limit", "enabled")
        labels = {"kinds": "Kinds of health issues", "hourly_limit": "Messages per hour"}
        help_texts = {
            "target": "An http or https address, or an address of mail. A host outside of the public internet has to "
            "be named in HEALTHTRACK_ALLOWED_PRIVATE_HOSTS.",
            "kinds": "Such as sdk_outdated, separated by commas. Empty: all.",
            "hourly_limit": "What comes beyond goes as one message every ten minutes.",
        }
        widgets = {"kinds": UnfoldAdminTextInputWidget, "target": UnfoldAdminTextInputWidget}

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._known = self.instance.target
        if "target" in self.fields:
            self.initial["target"] = self.instance.target_shown

    def clean(self) -> dict[str, Any]:
        """Return the fields; raise ``ValidationError`` for a target that does not fit its kind."""
        cleaned: dict[str, Any] = super().clean() or {}
        kind, target = cleaned.get("kind", self.instance.kind), cleaned.get("target")
        if not kind or not target:
            return cleaned
        if self._known and target == self.instance.target_shown:
            cleaned["target"] = self._known
        elif problem := targets.problem(kind, target):
            self.add_error("target", problem)
        elif kind == DestinationKind.EMAIL and not settings.EMAIL_AVAILABLE:
            self.add_error("kind" if "kind" in self.fields else "target", "This server sends no mail.")
        return cleaned

    def clean_environment(self) -> Any:
        """Return the project; raise ``ValidationError`` where it has as many destinations as it may have."""
        project = self.cleaned_data["environment"]
        if Destination.objects.filter(environment_id=project.pk).count() >= MAX_DESTINATIONS:
            raise ValidationError(f"A project has at most {MAX_DESTINATIONS} destinations.")
        return project
