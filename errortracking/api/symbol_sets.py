"""Symbol sets: source maps and their like, by which frames become readable (contract 10)."""

from __future__ import annotations

from typing import Any, Final

from django.db import transaction
from django.http import Http404, HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.response import Response

from environments.api import inputs
from environments.api.exceptions import BareDetail, FieldError, ItemError
from environments.api.pagination import Pagination
from environments.api.renderers import json_response
from environments.api.requests import APIRequest
from environments.api.rows import Reader
from environments.api.schema import ErrorSerializer, ShortErrorSerializer
from environments.api.viewsets import Listed, Retrieved, no_content
from errortracking.api import symbol_set_fields as fields
from errortracking.api.symbol_set_filters import NEWEST_FIRST, ORDERS, PARAMETERS, filtered, order_of
from errortracking.api.symbol_set_uploads import UPLOAD_SCOPES, SymbolSetUploads, storage_is_there
from errortracking.models import SymbolSet
from errortracking.symbols import uploads
from errortracking.symbols.storage import storage

READERS: Final = {
    name: Reader(SymbolSet, fields.ErrorTrackingSymbolSetSerializer, columns, counted=True)
    for name, columns in ORDERS.items()
}


class NoFile(BareDetail):
    """The set is there and has no data."""

    status_code = status.HTTP_404_NOT_FOUND  # type: ignore[assignment] # of the base class it is 400, and no other
    default_detail = "Symbol set has no uploaded file."


class SymbolSetPagination(Pagination):
    """100 at a time, and no more (contract 10)."""

    max_limit = 100


@extend_schema_view(
    retrieve=extend_schema(description="Return one symbol set; 404 for an unknown or malformed id."),
)
class SymbolSetViewSet(SymbolSetUploads, Listed, Retrieved):
    """Source maps and their like, by which frames become readable."""

    model = SymbolSet
    scope_object = "error_tracking"
    scopes = {
        "list": "error_tracking:read",
        "retrieve": "error_tracking:read",
        "download": "error_tracking:read",
        "update": "error_tracking:write",
        "partial_update": "error_tracking:write",
        "destroy": "error_tracking:write",
        "bulk_delete": "error_tracking:write",
        **UPLOAD_SCOPES,
    }
    serializer_class = fields.ErrorTrackingSymbolSetSerializer
    pagination_class = SymbolSetPagination
    ordering = ORDERS[NEWEST_FIRST]
    counted = True

    @extend_schema(
        parameters=PARAMETERS,
        responses={
            200: fields.ErrorTrackingSymbolSetSerializer(many=True),
            400: OpenApiResponse(ErrorSerializer, description="A parameter is wrong; `attr` names it."),
        },
    )
    def list(self, request: APIRequest, **path: str) -> HttpResponse:
        """Return one page of symbol sets, the newest first unless `order_by` says otherwise."""
        reader = READERS[order_of(request.query_params)]
        rows = filtered(self.get_queryset(), self.project.pk, request.query_params)
        return self.page(self.own() if rows is None else rows, reader)

    @extend_schema(
        responses={
            200: fields.ErrorTrackingSymbolSetDownloadSerializer,
            404: OpenApiResponse(ShortErrorSerializer, description="No such symbol set, or one without data."),
        }
    )
    @action(detail=True)
    def download(self, request: APIRequest, id: str, **path: str) -> HttpResponse:
        """Return an address at which the data can be downloaded, for a few minutes."""
        row = self.get_queryset().filter(pk=inputs.uuid_in_path(id)).first()
        if row is None:
            raise Http404
        if row.storage_ptr is None or row.content_hash is None:
            raise NoFile
        with storage_is_there():
            url = storage().download_url(self.project.pk, row.storage_ptr, self.base_url())
        return json_response({"url": url})

    @extend_schema(request=None, responses={200: fields.ErrorTrackingSymbolSetSerializer})
    def update(self, request: APIRequest, id: str, **path: str) -> HttpResponse:
        """Return the symbol set as it is: it has no field that a client could change."""
        return self.retrieve(request, id, **path)

    @extend_schema(request=None, responses={200: fields.ErrorTrackingSymbolSetSerializer})
    def partial_update(self, request: APIRequest, id: str, **path: str) -> HttpResponse:
        """Return the symbol set as it is; the same as PUT."""
        return self.retrieve(request, id, **path)

    def destroy(self, request: APIRequest, id: str, **path: str) -> Response:
        """Delete a symbol set and its data. Frames that it has resolved stay resolved; unresolved ones go with it."""
        key = inputs.uuid_in_path(id)
        with transaction.atomic():
            effects = uploads.delete(self.project.pk, [key])
            if not effects:
                raise Http404
            self.audit_all(effects)
        return no_content()

    @extend_schema(
        request={"application/json": fields.ErrorTrackingSymbolSetBulkDeleteRequestSerializer},
        responses={
            200: fields.ErrorTrackingSymbolSetBulkDeleteResponseSerializer,
            400: OpenApiResponse(ShortErrorSerializer, description="`ids` is missing, no list, or one is no UUID."),
        },
    )
    @action(detail=False, methods=["post"])
    def bulk_delete(self, request: APIRequest, **path: str) -> HttpResponse:
        """Delete several symbol sets. Unknown ids are left out, and not counted."""
        ids = _ids(inputs.body(request).get("ids"))
        with transaction.atomic():
            effects = uploads.delete(self.project.pk, ids)
            self.audit_all(effects)
        return json_response({"deleted": len(effects)})


def _ids(wanted: Any) -> list[Any]:
    if not wanted:
        raise BareDetail("ids is required")
    if not isinstance(wanted, list):
        raise BareDetail("ids must be a list")
    if len(wanted) > fields.MAX_SETS:
        raise FieldError("ids", f"Ensure this field has no more than {fields.MAX_SETS} elements.", "max_length")
    found = []
    for index, item in enumerate(wanted):
        id_ = inputs.uuid_or_none(item) if isinstance(item, str) else None
        if id_ is None:
            raise ItemError("ids", index, "Must be a valid UUID.")
        found.append(id_)
    return found
