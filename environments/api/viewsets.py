"""The base viewset: every endpoint of a project stands on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import generics, serializers, viewsets
from rest_framework.response import Response

from environments.api import audit, inputs
from environments.api.pagination import Pagination
from environments.api.permissions import ProjectAccess
from environments.api.renderers import json_response
from environments.api.requests import APIRequest
from environments.api.rows import Condition, Reader
from environments.api.views import View
from environments.models import Project
from environments.tenancy.models import ProjectRow


class ProjectViewSet(viewsets.ViewSetMixin, View, generics.GenericAPIView[Any]):
    """One resource of one project. A subclass says what it is, in which order, and which scope each action needs.

    ``list`` and ``retrieve`` come with `Listed` and `Retrieved`; both leave by the fast read path.
    """

    permission_classes = (ProjectAccess,)
    pagination_class: type[Pagination] = Pagination
    lookup_field = "id"

    model: ClassVar[type[ProjectRow]]
    serializer_class: type[serializers.Serializer[Any]]
    """The one description of an object; its fields say which columns are read."""
    ordering: ClassVar[tuple[str, ...]] = ("id",)
    """The order of the list; the last field is unique, so that no row is on two pages."""
    counted: ClassVar[bool] = False
    """Whether the database keeps the number of a project's rows (`environments.tenancy.counters`)."""
    scope_object: ClassVar[str]
    """What the scopes are of, such as ``error_tracking``; OPTIONS needs its ``:read``."""
    scopes: ClassVar[Mapping[str, str]] = {}
    """Action → the scope that a key needs for it. An action that is not named here is refused to keys."""

    completes_json: ClassVar[bool] = False
    """Whether `complete` looks into JSON columns: they are values then, otherwise ``orjson.Fragment``."""

    deep_offset: ClassVar[int | None] = None
    """From which offset on ids are found first, see `environments.api.rows.Reader`."""

    reader: ClassVar[Reader]
    action: str | None  # type: ignore[assignment]
    """``None`` for a method that the route does not map."""
    project: Project
    """The project of the request; there once permissions have been checked."""

    def __init_subclass__(cls, **options: Any) -> None:
        """Prepare the columns when the class is defined: a serializer that cannot be read so fails at once."""
        super().__init_subclass__(**options)
        if "serializer_class" in cls.__dict__:
            cls.reader = Reader(
                cls.model,
                cls.serializer_class,
                cls.ordering,
                parse_json=cls.completes_json,
                counted=cls.counted,
                deep_offset=cls.deep_offset,
            )

    def required_scope(self) -> str | None:
        """Return the scope that a key needs for the action, ``None`` where the action is not open to keys."""
        if self.action == "metadata":
            return f"{self.scope_object}:read"
        return self.scopes.get(self.action or "")

    def own(self, **equals: Any) -> dict[str, Any]:
        """Return the condition for the project's rows, or for those whose columns equal some values."""
        return {"environment_id": self.project.pk, **equals}

    def get_queryset(self) -> QuerySet[Any]:
        """Return the project's rows; nothing of another project is ever reached."""
        return self.model._default_manager.filter(**self.own())

    def one(self, **equals: Any) -> dict[str, Any]:
        """Return the project's object whose columns equal some values, as the API shows it, or raise ``Http404``."""
        found = self.reader.all(self.own(**equals), 1)
        if not found:
            raise Http404
        self.complete(found)
        return found[0]

    def complete(self, objects: list[dict[str, Any]]) -> None:
        """Change the objects of an answer, as they were read, into what is shown; by default they are that already.

        The one hook of the fast read path, for what no column and no SQL expression can give. It is called once for a
        page, so that whatever else it must read takes one statement and not one for each object.
        """

    def page(
        self,
        condition: Condition,
        reader: Reader | None = None,
        ids: QuerySet[Any, Any] | None = None,
    ) -> HttpResponse:
        """Return the page that the request asks for of the rows that ``condition`` names.

        ``reader`` is given where the request chooses the order, ``ids`` as `Reader.page` takes them.
        """
        paginator: Pagination = self.paginator  # type: ignore[assignment]
        found = (reader or self.reader).page(condition, paginator.wanted(self.request), ids)
        return self._paged(paginator, *found)

    def page_found(self, queryset: QuerySet[Any], reader: Reader | None = None) -> HttpResponse:
        """Return the page as `page` does, of rows that are dear to find (`Reader.found`)."""
        paginator: Pagination = self.paginator  # type: ignore[assignment]
        found = (reader or self.reader).found(queryset, paginator.wanted(self.request), self.own())
        return self._paged(paginator, *found)

    def page_of(
        self, ids: Sequence[UUID], named: Callable[[list[UUID]], QuerySet[Any]], reader: Reader | None = None
    ) -> HttpResponse:
        """Return the page that the request asks for of rows that have been found: ``ids``, in the reader's order.

        ``named`` gives the project's rows of some ids.
        """
        paginator: Pagination = self.paginator  # type: ignore[assignment]
        page = list(ids[paginator.wanted(self.request)])
        _, objects = (reader or self.reader).page(named(page), slice(0, len(page))) if page else (0, [])
        return self._paged(paginator, len(ids), objects)

    def _paged(self, paginator: Pagination, count: int, results: list[dict[str, Any]]) -> HttpResponse:
        paginator.count = count
        self.complete(results)
        return json_response(paginator.envelope(results))

    def actor(self) -> audit.Actor:
        """Return who makes the request: a person by session, or a key on behalf of its user."""
        return audit.actor_of(self.request)

    def audit(self, object_id: UUID | int, before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> None:
        """Record a change of an object by whoever makes the request; call it in the transaction of the change."""
        change = audit.Change(
            self.actor(), self.project.pk, self.action or "", self.basename or "", str(object_id), before, after
        )
        audit.record(change)


class Listed(ProjectViewSet):
    """Adds ``list``."""

    def list(self, request: APIRequest, **path: str) -> HttpResponse:
        """Return one page of the project's objects."""
        return self.page(self.own())


class Retrieved(ProjectViewSet):
    """Adds ``retrieve``."""

    def retrieve(self, request: APIRequest, id: str, **path: str) -> HttpResponse:
        """Return one object; 404 for an unknown or malformed id."""
        return json_response(self.one(id=inputs.uuid_in_path(id)))


class Undeletable(ProjectViewSet):
    """Adds a ``destroy`` that refuses, with a 405 without a body (contract 1.4), whatever the id."""

    @extend_schema(responses={405: OpenApiResponse(description="No response body")})
    def destroy(self, request: APIRequest, id: str, **path: str) -> Response:
        """Hard delete of this model is not allowed. Use a patch API call to set "deleted" to true."""
        return Response(status=405)

    @property
    def allowed_methods(self) -> list[str]:
        """The methods of the ``Allow`` header: DELETE is a route, and yet not allowed."""
        return [method for method in super().allowed_methods if method != "DELETE"]


def no_content() -> Response:
    """Return a 204: no body and no Content-Type (contract 1.5)."""
    return Response(status=204)
