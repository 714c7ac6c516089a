"""Uploads of symbol sets, by posthog-cli of any age (contract 10, pipeline 6.2). Their rules: `symbols.uploads`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID

from django.core.files.uploadedfile import UploadedFile
from django.db import OperationalError, transaction
from django.http import Http404, HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError

from environments.api import inputs
from environments.api.exceptions import BareDetail, FieldError
from environments.api.renderers import json_response
from environments.api.requests import APIRequest
from environments.api.schema import ErrorSerializer, ShortErrorSerializer
from environments.api.viewsets import ProjectViewSet
from errortracking.api import symbol_set_fields as fields
from errortracking.models import SymbolSet
from errortracking.symbols import uploads
from errortracking.symbols.storage import Unavailable, storage
from errortracking.symbols.upload_rules import OnConflict, Refused, Upload
from errortracking.symbols.uploads import Effect

UPLOAD_SCOPES: Final[Mapping[str, str]] = dict.fromkeys(
    ("create", "start_upload", "finish_upload", "bulk_check_upload", "bulk_start_upload", "bulk_finish_upload"),
    "error_tracking:write",
)
_JSON: Final = "application/json"
_DONE: Final = {"success": True}
_OF_OLD_CLIENTS: Final = [
    OpenApiParameter("chunk_id", str, required=True, description="The reference of the symbol set."),
    OpenApiParameter("release_id", OpenApiTypes.UUID, description="The release that it belongs to, if any."),
]
_SHORT: Final = OpenApiResponse(
    ShortErrorSerializer, description="`chunk_id` or the file is missing, or what is sent cannot be had."
)
_REFUSED: Final = OpenApiResponse(
    ErrorSerializer,
    description="`code` says why: `invalid_chunk_ids`, `invalid_release_id`, `release_id_mismatch`, "
    "`content_hash_required`, `content_hash_mismatch`, `symbol_set_not_found`, `file_not_found`, `file_too_large`; "
    "or `attr` names what is wrong in the body.",
)


class SymbolSetUploads(ProjectViewSet):
    """Adds uploads to the viewset of symbol sets, whose ``scopes`` take in `UPLOAD_SCOPES`."""

    @extend_schema(
        request={_JSON: fields.ErrorTrackingSymbolSetCheckRequestSerializer},
        responses={200: fields.ErrorTrackingSymbolSetCheckResponseSerializer, 400: _REFUSED},
    )
    @action(detail=False, methods=["post"])
    def bulk_check_upload(self, request: APIRequest, **path: str) -> HttpResponse:
        """Return which symbol sets the server still needs. It refuses what `bulk_start_upload` would refuse."""
        wanted, on_conflict = self._wanted(fields.ErrorTrackingSymbolSetCheckRequestSerializer)
        with _refusals():
            found = uploads.check(self.project.pk, wanted, on_conflict)
        return json_response({"chunk_ids_to_upload": found})

    @extend_schema(
        request={_JSON: fields.ErrorTrackingSymbolSetStartRequestSerializer},
        responses={201: fields.ErrorTrackingSymbolSetBulkStartResponseSerializer, 400: _REFUSED},
    )
    @action(detail=False, methods=["post"])
    def bulk_start_upload(self, request: APIRequest, **path: str) -> HttpResponse:
        """Begin uploads: an address for each symbol set whose data is missing here, or all refused and none begun."""
        wanted, on_conflict = self._wanted(fields.ErrorTrackingSymbolSetStartRequestSerializer)
        with self._writing():
            started = uploads.start(self.project.pk, wanted, on_conflict)
            self.audit_all(started.effects)
        return json_response({"id_map": {row.ref: self._form(row) for row in started.pending}}, status=201)

    @extend_schema(
        request={_JSON: fields.ErrorTrackingSymbolSetBulkFinishRequestSerializer},
        responses={
            201: fields.ErrorTrackingSymbolSetSuccessSerializer,
            400: OpenApiResponse(ShortErrorSerializer, description=_REFUSED.description),
        },
    )
    @action(detail=False, methods=["post"])
    def bulk_finish_upload(self, request: APIRequest, **path: str) -> HttpResponse:
        """Let uploads count, all or none of them. Frames that lacked the data are resolved again."""
        self._finish(_hashes(inputs.body(request)))
        return json_response(_DONE, status=201)

    @extend_schema(
        request={_JSON: fields.ErrorTrackingSymbolSetFinishRequestSerializer},
        responses={200: fields.ErrorTrackingSymbolSetSuccessSerializer, 400: _REFUSED},
    )
    @action(detail=True, methods=["put"])
    def finish_upload(self, request: APIRequest, id: str, **path: str) -> HttpResponse:
        """Let one upload count, as `bulk_finish_upload` does."""
        content_hash = _hash("content_hash", inputs.body(request).get("content_hash"))
        key = inputs.uuid_in_path(id)
        if not self.get_queryset().filter(pk=key).exists():
            raise Http404
        self._finish({key: content_hash})
        return json_response(_DONE)

    @extend_schema(
        request=None,
        parameters=_OF_OLD_CLIENTS,
        responses={201: fields.ErrorTrackingSymbolSetStartedSerializer, 400: _SHORT},
        deprecated=True,
    )
    @action(detail=False, methods=["post"])
    def start_upload(self, request: APIRequest, **path: str) -> HttpResponse:
        """Begin one upload, for old clients: what is there is replaced. `bulk_start_upload` asks first."""
        return json_response(self._form(self._restart(request)), status=201)

    @extend_schema(
        request={"multipart/form-data": fields.ErrorTrackingSymbolSetFileSerializer},
        parameters=_OF_OLD_CLIENTS,
        responses={201: fields.ErrorTrackingSymbolSetOkSerializer, 400: _SHORT},
        deprecated=True,
    )
    def create(self, request: APIRequest, **path: str) -> HttpResponse:
        """Upload one symbol set at once, for the oldest clients: what is there is replaced."""
        file = request.FILES.get("file")
        if not isinstance(file, UploadedFile) or not file.size:
            _chunk_id(request)  # whose absence is told first
            raise BareDetail("file is required")
        digest = hashlib.sha512()
        for piece in file.chunks():
            digest.update(piece)
        row = self._restart(request)
        with storage_is_there():
            storage().write(self.project.pk, row.storage_ptr or "", file.chunks())
        self._finish({row.pk: digest.hexdigest()})
        return json_response({"ok": True}, status=201)

    # ---- what they have in common

    def base_url(self) -> str:
        """Return the address of this server as the client sees it."""
        return self.request.build_absolute_uri("/").rstrip("/")

    def audit_all(self, effects: Iterable[Effect]) -> None:
        """Record what was changed; to be called in the transaction of the change."""
        for symbol_set_id, before, after in effects:
            self.audit(symbol_set_id, before, after)

    def _wanted(
        self, kind: type[fields.ErrorTrackingSymbolSetCheckRequestSerializer]
    ) -> tuple[list[Upload], OnConflict]:
        checked: serializers.Serializer[Any] = kind(data=inputs.body(self.request))
        checked.is_valid(raise_exception=True)
        body = checked.validated_data
        found = [
            Upload(item["chunk_id"], *(item.get(name) for name in ("release_id", "content_hash", "content_length")))
            for item in body.get("symbol_sets", ())
        ]
        found += [Upload(ref, body.get("release_id")) for ref in body.get("chunk_ids") or ()]
        if body["force"]:
            return found, OnConflict.REPLACE
        return found, OnConflict.KEEP if body["skip_on_conflict"] else OnConflict.REFUSE

    def _restart(self, request: APIRequest) -> SymbolSet:
        ref, release = _chunk_id(request), request.query_params.get("release_id")
        with self._writing():
            started = uploads.restart(self.project.pk, ref, inputs.text_field("release_id", release or ""))
            self.audit_all(started.effects)
        return started.pending[0]

    def _form(self, row: SymbolSet) -> dict[str, Any]:
        with storage_is_there():
            form = storage().upload_form(self.project.pk, row.storage_ptr or "", self.base_url())
        return {"presigned_url": {"url": form.url, "fields": form.fields}, "symbol_set_id": str(row.pk)}

    def _finish(self, hashes: Mapping[UUID, str]) -> None:
        with _refusals(), storage_is_there():
            keys = uploads.uploaded_keys(self.project.pk, hashes.keys())
        with self._writing():
            self.audit_all(uploads.finish(self.project.pk, hashes, keys))

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """One transaction for the change and its record."""
        with _refusals(), transaction.atomic():
            yield


@contextmanager
def storage_is_there() -> Iterator[None]:
    """Answer 503 where the object store is away, as where the database is: it is part of what the server stores in."""
    try:
        yield
    except Unavailable as error:
        raise OperationalError(f"the object store: {error}") from error


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except Refused as error:
        raise ValidationError(error.message, error.code) from error


def _chunk_id(request: APIRequest) -> str:
    text: Any = request.query_params.get("chunk_id")
    if not text:
        raise BareDetail("chunk_id query parameter is required")
    try:
        return str(fields.RefField().run_validation(text))
    except ValidationError as error:
        raise ValidationError({"chunk_id": error.detail}) from error


def _hashes(body: Mapping[str, Any]) -> dict[UUID, str]:
    """Return the hashes by id. None at all are no mistake: a client whose data was all there has nothing to finish."""
    name = "content_hashes"
    given = body.get(name, {})
    if given is None:
        raise BareDetail("content_hashes are required")
    if not isinstance(given, dict):
        text = f'Expected a dictionary of items but got type "{type(given).__name__}".'
        raise FieldError(name, text, "not_a_dict")
    if len(given) > fields.MAX_SETS:
        raise FieldError(name, f"Ensure this field has no more than {fields.MAX_SETS} elements.", "max_length")
    return {inputs.uuid_field(name, key): _hash(name, value) for key, value in given.items()}


def _hash(name: str, value: Any) -> str:
    if not value:
        raise ValidationError("A content hash must be provided to complete symbol set upload.", "content_hash_required")
    text = inputs.text_field(name, value)
    if len(text) > fields.MAX_HASH:
        raise FieldError(name, f"Ensure this field has no more than {fields.MAX_HASH} characters.", "max_length")
    return text
