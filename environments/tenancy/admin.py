"""The admin of project tables: for looking, not for changing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import SimpleTemplateResponse
from unfold.admin import ModelAdmin
from unfold.views import ChangeList

from environments.tenancy.guard import maintenance


class AcrossProjects:
    """A mixin for the admin of whatever leads to rows of several projects.

    The admin looks rows up by their id alone, which is why its statements are exempt from the guard.
    """

    def changelist_view(self, request: HttpRequest, *arguments: Any, **options: Any) -> HttpResponse:
        """Show the list."""
        return _across_projects(super().changelist_view, request, *arguments, **options)  # type: ignore[misc]

    def changeform_view(self, request: HttpRequest, *arguments: Any, **options: Any) -> HttpResponse:
        """Show one row."""
        return _across_projects(super().changeform_view, request, *arguments, **options)  # type: ignore[misc]

    def delete_view(self, request: HttpRequest, *arguments: Any, **options: Any) -> HttpResponse:
        """Ask before a row is deleted; what hangs on it is looked up."""
        return _across_projects(super().delete_view, request, *arguments, **options)  # type: ignore[misc]

    def history_view(self, request: HttpRequest, *arguments: Any, **options: Any) -> HttpResponse:
        """Show what was done to a row."""
        return _across_projects(super().history_view, request, *arguments, **options)  # type: ignore[misc]


class ReadOnlyAdmin(AcrossProjects, ModelAdmin):  # type: ignore[misc] # unfold has no types
    """Shows rows of all projects and changes none: what the pipeline and the API keep consistent is not typed in."""

    list_filter: Any = ("environment",)
    show_full_result_count = False  # a second count over a whole table
    show_facets = admin.ShowFacets.NEVER  # one count for each choice of each filter
    list_per_page = 50
    actions: Any = None

    def has_add_permission(self, request: HttpRequest, *arguments: Any) -> bool:
        """Nobody adds."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody changes."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes."""
        return False


class OneOf(admin.SimpleListFilter):
    """A filter whose choices are known, where Django's would read the whole table for them; others filter nothing."""

    def known(self) -> Sequence[str]:
        """Return the choices."""
        raise NotImplementedError

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the choices and what they are called."""
        return [(choice, choice) for choice in self.known()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows with the chosen value."""
        value = self.value()
        return queryset.filter(**{str(self.parameter_name): value}) if value in self.known() else queryset


class InOneOrder(ChangeList):  # type: ignore[misc] # unfold has no types
    """A list that no column sorts: ``sortable_by`` takes the links away, but ``?o=`` would still sort."""

    def get_ordering_field(self, field_name: str) -> None:
        """Return that a column has nothing to sort by."""


def _across_projects(view: Callable[..., HttpResponse], *arguments: Any, **options: Any) -> HttpResponse:
    with maintenance("the admin shows the rows of all projects"):
        response = view(*arguments, **options)
        if isinstance(response, SimpleTemplateResponse):
            response.render()  # its queries run while it renders, which would be after this block
        return response
