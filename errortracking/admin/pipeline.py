"""What the admin of large tables has in common."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.paginator import InfinitePaginator

from environments.models import Project
from environments.tenancy.admin import ReadOnlyAdmin


class PipelineAdmin(ReadOnlyAdmin):
    """Shows a table that may hold millions of rows; no page of it reads more than it shows.

    Lists follow the primary key backwards, newest first within each project, and are neither counted nor sorted by a
    column: there is no index for either. Texts are searched as a whole where the table is large.
    """

    ordering: Any = ("-environment_id", "-id")
    sortable_by: Any = ()
    paginator = InfinitePaginator
    list_select_related: Any = ("environment",)
    search_fields: Any = ("pk",)
    search_help_text = "An id."
    search_uuid = "pk"
    """What a searched uuid is compared with."""

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """Return the row with this id, by the index that begins with the project."""
        try:
            key = self.model._meta.pk.to_python(object_id)
        except ValidationError:
            return None
        # Ids that clients choose (events') may be those of several projects.
        rows = self.get_queryset(request).filter(environment_id__in=Project.objects.values("pk"), pk=key)
        return rows.select_related("environment").order_by("environment_id").first()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Return what is searched for: a row by its id, or by `search_fields`."""
        term = search_term.strip()
        if not term:
            return queryset, False
        try:
            return queryset.filter(**{self.search_uuid: UUID(term)}), False
        except ValueError:
            pass
        if self.search_fields == PipelineAdmin.search_fields:
            return queryset.none(), False
        found: tuple[QuerySet[Any], bool] = super().get_search_results(request, queryset, search_term)
        return found
