"""What the admin of large tables has in common."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.paginator import InfinitePaginator
from unfold.views import ChangeList

from environments.models import Project
from environments.tenancy.admin import InOneOrder, ReadOnlyAdmin


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
    search_uuid: str | None = "pk"
    """What a searched uuid is compared with; ``None`` where the key is no uuid."""

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ChangeList]:
        """Return the kind of list."""
        return InOneOrder

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
        if self.search_uuid and _is_uuid(term):
            return queryset.filter(**{self.search_uuid: term}), False
        if self.search_fields == PipelineAdmin.search_fields:
            return queryset.none(), False
        found: tuple[QuerySet[Any], bool] = super().get_search_results(request, queryset, search_term)
        return found


class GoesWithItsPerson:
    """A mixin for rows that go when the person or role goes whom they name; deleted by themselves they are not.

    Django asks here, too, when it collects what hangs on a person, and would refuse to delete the person.
    """

    opts: Any

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether ``obj`` may go with something else."""
        page = request.resolver_match.url_name if request.resolver_match else None
        return obj is not None and not (page or "").startswith(f"{self.opts.app_label}_{self.opts.model_name}_")


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
