"""Resources of which a project has exactly one, made by the first look at it (contract 5 and 6)."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import Http404, HttpResponse

from environments.api.renderers import json_response
from environments.api.requests import APIRequest
from environments.api.viewsets import ProjectViewSet

LARGEST: int = 2**31 - 1
"""What the columns hold; the real system answers 500 above it (decision table)."""


class SingleRow(ProjectViewSet):
    """One row of a project, whose key is the project's. A subclass adds the routes that show and change it."""

    ordering = ("pk",)

    def show(self) -> HttpResponse:
        """Return the row, which is made where there is none."""
        found = self.reader.all(self.own(), 1)
        if not found:
            self._make()
            found = [self.one()]
        return json_response(found[0])

    def change(self, request: APIRequest) -> HttpResponse:
        """Change the fields that the body names and return the row. What is wrong in the body leaves nothing behind."""
        checked = self.serializer_class(data=request.data, partial=True)
        checked.is_valid(raise_exception=True)
        changes: dict[str, Any] = checked.validated_data
        with transaction.atomic():
            self._make()
            # The lock keeps what is audited true; fields that another request changes meanwhile are not written.
            row = self.get_queryset().select_for_update().first()
            if row is None:
                raise Http404  # the project is gone
            before = {name: getattr(row, name) for name in changes}
            if changes != before:
                for name, value in changes.items():
                    setattr(row, name, value)
                row.save(update_fields=list(changes))
                self.audit(self.project.pk, before, changes)
            return json_response(self.one())

    def _make(self) -> None:
        """Make the row unless it is there; of several requests at once one makes it and the others wait for that."""
        self.model._default_manager.bulk_create([self.model(**self.own())], ignore_conflicts=True)
