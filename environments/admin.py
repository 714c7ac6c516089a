"""The admin of users, organizations, projects and keys."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from unfold.admin import ModelAdmin, TabularInline
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from environments import scopes
from environments.models import Membership, Organization, PersonalAPIKey, Project, User


class NewUserForm(UserCreationForm):  # type: ignore[misc]
    """Asks for the address where Django asks for a name."""

    class Meta:
        model = User
        fields = ("email",)


class MembershipInline(TabularInline):  # type: ignore[misc]
    """Who belongs to an organization."""

    model = Membership
    fields = ("user", "level")
    autocomplete_fields = ("user",)
    extra = 0


@admin.register(User)
class UserAdmin(DjangoUserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]
    """People."""

    form = UserChangeForm
    add_form = NewUserForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("email", "first_name", "last_name", "is_active", "is_staff", "date_joined")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email", "first_name", "last_name")
    ordering = ("email",)
    readonly_fields = ("last_login", "date_joined")
    autocomplete_fields = ("current_project",)
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("email", "password", "first_name", "last_name", "current_project")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser", "last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "usable_password", "password1", "password2")}),)


@admin.register(Organization)
class OrganizationAdmin(ModelAdmin):  # type: ignore[misc]
    """Groups of people that own projects."""

    list_display = ("name", "created_at")
    search_fields = ("name",)
    readonly_fields = ("created_at",)
    inlines = (MembershipInline,)


@admin.register(Project)
class ProjectAdmin(ModelAdmin):  # type: ignore[misc]
    """Projects. The token is public by nature: it stands in web pages."""

    list_display = ("name", "id", "organization", "api_token", "created_at")
    list_select_related = ("organization",)
    search_fields = ("name", "api_token")
    readonly_fields = ("id", "api_token", "created_at")
    autocomplete_fields = ("organization",)


class KeyForm(forms.ModelForm):  # type: ignore[type-arg]
    """Refuses scopes that do not exist."""

    def clean_scopes(self) -> Any:
        """Return the scopes; raise ``ValidationError`` for an unknown one."""
        try:
            return scopes.validate(self.cleaned_data["scopes"] or [])
        except ValueError as error:
            raise ValidationError(str(error)) from error


@admin.register(PersonalAPIKey)
class PersonalAPIKeyAdmin(ModelAdmin):  # type: ignore[misc]
    """Keys: what they may do and when they were used. Neither a key nor its hash is shown, so none is made here."""

    form = KeyForm
    list_display = ("label", "mask_value", "user", "scopes", "created_at", "last_used_at")
    list_select_related = ("user",)
    search_fields = ("label", "user__email")
    fields = (
        *("user", "label", "mask_value", "scopes", "scoped_teams", "scoped_organizations"),
        *("created_at", "last_used_at"),
    )
    readonly_fields = ("user", "mask_value", "created_at", "last_used_at")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody: ``manage.py bootstrap`` makes keys and shows them once."""
        return False
