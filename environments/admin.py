"""The admin of users, organizations, projects, keys and the record of changes; tasks' is in a file of its own."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from unfold.admin import ModelAdmin, TabularInline
from unfold.decorators import action
from unfold.forms import AdminPasswordChangeForm, UserChangeForm
from unfold.paginator import InfinitePaginator

from environments import (
    admin_jobs,  # noqa: F401 - Django looks for pages in this file
    deletion,
    deletion_organizations,
)
from environments.forms import KeyForm, NewKeyForm, NewUserForm, RoleForm
from environments.models import (
    AuditEntry,
    Invitation,
    Membership,
    Organization,
    PersonalAPIKey,
    Project,
    Role,
    User,
)
from environments.tenancy.admin import AcrossProjects, InOneOrder, ReadOnlyAdmin


class MembershipInline(TabularInline):  # type: ignore[misc]
    """Who belongs to an organization."""

    model = Membership
    fields = ("user", "level")
    autocomplete_fields = ("user",)
    extra = 0
    hide_title = True  # it would be two ids


admin.site.unregister(Group)  # Django's own page of it does not look like the others
admin.site.index_title = "Overview"


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, ModelAdmin):  # type: ignore[misc]
    """Permissions that several people have."""


@admin.register(User)
class UserAdmin(AcrossProjects, DjangoUserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]
    """People."""

    form = UserChangeForm
    add_form = NewUserForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("email", "first_name", "last_name", "is_active", "is_staff", "date_joined")
    list_filter = ("is_active", "is_staff")
    search_fields = ("email", "first_name", "last_name")
    ordering = ("email",)
    readonly_fields = ("last_login", "date_joined")
    autocomplete_fields = ("current_project", "groups")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("email", "password", "first_name", "last_name", "current_project")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "last_login", "date_joined")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "usable_password", "password1", "password2")}),)


@admin.register(Organization)
class OrganizationAdmin(AcrossProjects, ModelAdmin):  # type: ignore[misc]
    """Groups of people that own projects."""

    list_display = ("name", "id", "created_at")
    search_fields = ("name",)
    readonly_fields = ("id", "created_at")
    inlines = (MembershipInline,)

    def delete_model(self, request: HttpRequest, obj: Organization) -> None:
        """Mark the organization; a task deletes its projects."""
        with transaction.atomic():
            deletion_organizations.request(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Organization]) -> None:
        """Mark several organizations."""
        for organization in queryset:
            self.delete_model(request, organization)


@admin.register(Role)
class RoleAdmin(AcrossProjects, ModelAdmin):  # type: ignore[misc]
    """Named groups of members, to whom issues are assigned. They are made here: the API has no endpoint for them."""

    form = RoleForm
    list_display = ("name", "id", "organization", "created_at")
    list_select_related = ("organization",)
    list_filter = ("organization",)
    search_fields = ("name",)
    ordering = ("organization", "name")
    readonly_fields = ("id", "created_at")
    autocomplete_fields = ("organization", "members")

    def get_fields(self, request: HttpRequest, obj: Role | None = None) -> tuple[str, ...]:
        """Return the fields; a new role has no id yet, only one that would have been."""
        fields = ("name", "organization", "members")
        return fields if obj is None else ("id", *fields, "created_at")


@admin.register(Invitation)
class InvitationAdmin(ModelAdmin):  # type: ignore[misc]
    """Who may join. Made by the API, which tells the link once; taken back (deleted) here or there."""

    list_display = ("target_email", "organization", "level", "created_by", "created_at", "good_until")
    list_select_related = ("organization", "created_by")
    list_filter = ("organization", "level")
    search_fields = ("target_email",)
    ordering = ("-created_at", "id")
    fields = ("target_email", "first_name", "organization", "level", "created_by", "created_at", "good_until")

    @admin.display(description="Good until")
    def good_until(self, invitation: Invitation) -> datetime:
        """Return from when on the link is refused."""
        return invitation.expires_at

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds: the link would be lost."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Invitation | None = None) -> bool:
        """Nobody changes: the invited person may have read it already."""
        return False


@admin.register(Project)
class ProjectAdmin(AcrossProjects, ModelAdmin):  # type: ignore[misc]
    """Projects. The token is public by nature: it stands in web pages."""

    list_display = ("name", "id", "organization", "api_token", "created_at")
    list_select_related = ("organization",)
    search_fields = ("name", "api_token")
    readonly_fields = ("id", "api_token", "created_at")
    autocomplete_fields = ("organization",)

    def delete_model(self, request: HttpRequest, obj: Project) -> None:
        """Mark the project; a task deletes its rows."""
        with transaction.atomic():
            deletion.request(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Project]) -> None:
        """Mark several projects."""
        for project in queryset:
            self.delete_model(request, project)


@admin.register(PersonalAPIKey)
class PersonalAPIKeyAdmin(ModelAdmin):  # type: ignore[misc]
    """Keys: made, rolled and revoked (deleted) here. A value is in the one answer that made it, and nowhere else.

    Who is no superuser sees and makes only keys of their own: with another person's key one acts as that person.
    """

    list_display = ("label", "mask_value", "user", "scopes", "created_at", "last_used_at", "expires_at")
    list_select_related = ("user",)
    list_filter = ("last_used_at", "expires_at")
    list_per_page = 50
    search_fields = ("label", "mask_value", "user__email")
    autocomplete_fields = ("user",)
    readonly_fields = ("mask_value", "created_at", "last_used_at", "last_rolled_at")
    actions_detail = ("roll",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[PersonalAPIKey]:
        """Return the keys that the person may see."""
        keys: QuerySet[PersonalAPIKey] = super().get_queryset(request)
        return keys if request.user.is_superuser else keys.filter(user__in=[request.user.pk])

    def get_fields(self, request: HttpRequest, obj: PersonalAPIKey | None = None) -> tuple[str, ...]:
        """Return the fields; a new key has no mask and no history."""
        limits = ("label", "scopes", "scoped_teams", "scoped_organizations", "expires_at")
        if obj is None:
            return ("user", *limits) if request.user.is_superuser else limits
        return ("user", "mask_value", *limits, "created_at", "last_used_at", "last_rolled_at")

    def get_readonly_fields(self, request: HttpRequest, obj: PersonalAPIKey | None = None) -> tuple[str, ...]:
        """Return what is not changed; a key stays with its user."""
        return self.readonly_fields if obj is None else ("user", *self.readonly_fields)

    def get_form(self, request: HttpRequest, obj: PersonalAPIKey | None = None, change: bool = False, **kw: Any) -> Any:
        """Return the form of a new key or of one that is there."""
        form = super().get_form(request, obj, change, **{"form": KeyForm if change else NewKeyForm, **kw})
        if not change:
            form.owner = None if request.user.is_superuser else request.user
        return form

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *arguments: Any, **options: Any) -> Any:
        """Return the form. Adding a key ends at its value, so there is one way to save it."""
        if options.get("add"):
            context |= {"show_save_and_add_another": False, "show_save_and_continue": False}
        return super().render_change_form(request, context, *arguments, **options)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Return what a new key begins with: oneself."""
        return {"user": request.user.pk, **super().get_changeform_initial_data(request)}

    def save_model(self, request: HttpRequest, obj: PersonalAPIKey, form: Any, change: bool) -> None:
        """Save the key; a new one gets its value."""
        if not change:
            obj.user = form.owner or obj.user
            obj.shown_once = obj.renew()  # type: ignore[attr-defined] # for response_add, in the same request
        super().save_model(request, obj, form, change)

    def response_add(self, request: HttpRequest, obj: PersonalAPIKey, post_url_continue: str | None = None) -> Any:
        """Return the page with the value. Not a redirect: the value would have to be kept for the next request."""
        return self._value(request, obj, obj.shown_once)  # type: ignore[attr-defined]

    @action(description="Roll", permissions=["change"])  # type: ignore[untyped-decorator]
    def roll(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Ask whether to replace the key's value, and do so."""
        with transaction.atomic():
            key = get_object_or_404(self.get_queryset(request).select_for_update(of=("self",)), pk=object_id)
            if request.method == "POST":
                value = key.roll()
                self.log_change(request, key, "Rolled the value.")
                return self._value(request, key, value)
        return self._page(request, key, "roll.html", f"Roll {key}")

    def _value(self, request: HttpRequest, key: PersonalAPIKey, value: str) -> HttpResponse:
        return self._page(request, key, "value.html", f"Personal API key {key}", value=value)

    def _page(self, request: HttpRequest, key: PersonalAPIKey, name: str, title: str, **more: Any) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": title,
            "original": key,
            "key": key,
            **more,
        }
        return TemplateResponse(request, f"admin/environments/personalapikey/{name}", context)


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Who changed what through the API."""

    list_display = ("created_at", "user_email", "key_mask", "project", "action", "resource", "object_id")
    list_filter = ("environment", "created_at")
    ordering = ("-created_at", "-id")
    sortable_by = ()  # a year of changes: there is an index for no other order, and none of them counts fast
    paginator = InfinitePaginator
    search_fields = ("object_id__exact", "user_email__iexact", "key_id__exact", "key_mask__exact")
    search_help_text = "An object's id, a user's address, a key's id or mask: as a whole."
    fields = (
        *("created_at", "project", "user_email", "user_id", "key_mask", "key_id"),
        *("action", "resource", "object_id", "before", "after"),
    )
    readonly_fields = ("project",)

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[InOneOrder]:
        """Return the kind of list."""
        return InOneOrder

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEntry]:
        """Return the entries with the names of their projects, which may be gone."""
        entries: QuerySet[AuditEntry] = super().get_queryset(request)
        name = Project.objects.filter(pk=OuterRef("environment_id")).values("name")
        return entries.annotate(project_name=Subquery(name))

    def project(self, entry: AuditEntry) -> str:
        """Return the project's name, its id where it is deleted, nothing where the entry belongs to none."""
        name: str | None = entry.project_name  # type: ignore[attr-defined]
        return name or (f"deleted, id {entry.environment_id}" if entry.environment_id else "-")
