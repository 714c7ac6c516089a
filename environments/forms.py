"""The admin's forms."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.core.exceptions import ValidationError
from unfold.forms import UserCreationForm
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from environments import scopes
from environments.models import PersonalAPIKey, Project, Role, User
from environments.models.keys import TooManyKeys


class NewUserForm(UserCreationForm):  # type: ignore[misc]
    """Asks for the address where Django asks for a name."""

    class Meta:
        model = User
        fields = ("email",)


class KeyForm(forms.ModelForm):  # type: ignore[type-arg]
    """What a key may do. Refuses scopes, projects and organizations that cannot exist."""

    scopes = forms.MultipleChoiceField(
        choices=[(scope, scope) for scope in scopes.SCOPES],
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        error_messages={
            "invalid_choice": "Invalid scope: %(value)s",
            "required": "A key needs at least one scope.",
        },
        help_text="* is every scope; write includes read.",
    )

    class Meta:
        model = PersonalAPIKey
        fields = ("user", "label", "scopes", "scoped_teams", "scoped_organizations", "expires_at")
        labels = {"scoped_teams": "Only in projects", "scoped_organizations": "Only in organizations"}
        help_texts = {
            "scoped_teams": "Their ids (see the list of projects), separated by commas. Empty: in all.",
            "scoped_organizations": "Their ids (see the list of organizations), separated by commas. Empty: in all.",
        }
        widgets = dict.fromkeys(labels, UnfoldAdminTextInputWidget)

    def clean_scoped_teams(self) -> Any:
        """Return the ids of projects, ``None`` for no limit; raise ``ValidationError`` for an unknown one."""
        wanted = self.cleaned_data["scoped_teams"] or []
        known = set(Project.objects.filter(pk__in=wanted).values_list("pk", flat=True))
        if unknown := [str(key) for key in wanted if key not in known]:
            raise ValidationError(f"Unknown project: {', '.join(unknown)}")
        return wanted or None

    def clean_scoped_organizations(self) -> Any:
        """Return the ids of organizations, ``None`` for no limit; raise ``ValidationError`` for what is no id."""
        try:
            return [str(UUID(text)) for text in self.cleaned_data["scoped_organizations"] or []] or None
        except ValueError as error:
            raise ValidationError("An organization's id is a UUID.") from error


class NewKeyForm(KeyForm):
    """A new key, if its user may have another one."""

    owner: User | None = None
    """Whose key it is, where the form does not ask."""

    def clean(self) -> dict[str, Any]:
        """Return the fields; raise ``ValidationError`` where the user has as many keys as a user may have."""
        cleaned: dict[str, Any] = super().clean() or {}
        owner = self.owner or cleaned.get("user")
        if owner is not None:
            try:
                PersonalAPIKey.objects.check_room(owner)
            except TooManyKeys as error:
                raise ValidationError(str(error)) from error
        return cleaned


class RoleForm(forms.ModelForm):  # type: ignore[type-arg]
    """A role. Its members belong to its organization, which stays: issues of its projects name the role."""

    class Meta:
        model = Role
        fields = ("name", "organization", "members")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if not self.instance._state.adding and "organization" in self.fields:  # not there for who may only look
            self.fields["organization"].disabled = True

    def clean(self) -> dict[str, Any]:
        """Return the fields; raise ``ValidationError`` that names who is no member of the organization."""
        cleaned: dict[str, Any] = super().clean() or {}
        organization, members = cleaned.get("organization"), cleaned.get("members")
        if organization is not None and members:
            strangers = members.exclude(memberships__organization=organization)
            if names := ", ".join(strangers.values_list("email", flat=True)):
                self.add_error("members", f"Not a member of the organization: {names}")
        return cleaned
