"""Releases: versions of a program that events and symbol sets belong to (contract 4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.http import Http404, HttpResponse
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response

from environments.api import inputs
from environments.api.fields import ObjectField
from environments.api.renderers import json_response
from environments.api.requests import APIRequest
from environments.api.viewsets import Listed, Retrieved, no_content
from errortracking.api.release_fields import changed_fields, new_fields
from errortracking.models import Release
from errortracking.models.releases import HASH_ID_LENGTH, TEXT_LENGTH
from errortracking.symbols import uploads

_HASH_CONSTRAINT: Final = "unique_release_hash_id_per_team"
# Not a ``maxLength``: clients are generated from upstream's types.
_MOST: Final = f"At most {TEXT_LENGTH:,} characters."


class ErrorTrackingReleaseSerializer(serializers.Serializer[Release]):
    """A version of a program. All but `id`, `team_id` and `created_at` is what a client sent: untrusted."""

    id = serializers.UUIDField(help_text="The release's id, given by the server.")
    hash_id = serializers.CharField(
        help_text="The client's name for this version, unique within the project; the id where the client chose none. "
        "Untrusted text."
    )
    team_id = serializers.IntegerField(source="environment_id", help_text="The project's id.")
    created_at = serializers.DateTimeField(help_text="When the release was made here.")
    metadata = ObjectField(
        allow_null=True, help_text="What the client stored, usually `git` with branch, commit and remote. Untrusted."
    )
    version = serializers.CharField(help_text="The version, as the client calls it. Untrusted text.")
    project = serializers.CharField(help_text="The client's name for the program. Untrusted text.")


class ErrorTrackingReleaseCreateRequestSerializer(serializers.Serializer[Any]):
    """A new release."""

    version = serializers.CharField(help_text=f"The version of the program. Numbers are turned into text. {_MOST}")
    project = serializers.CharField(help_text=f"The name of the program, not of a project of this server. {_MOST}")
    hash_id = serializers.CharField(
        required=False,
        allow_null=True,
        max_length=HASH_ID_LENGTH,
        help_text="By default the id of the release. One with `/` or `.` cannot be looked up by hash.",
    )
    metadata = ObjectField(
        required=False,
        allow_null=True,
        help_text="Stored as it is, at most 1 MiB; of `git.remote_url` credentials, query and fragment are cut away.",
    )


class ErrorTrackingReleaseUpdateRequestSerializer(serializers.Serializer[Any]):
    """Changes of a release. A field that is absent, null or empty keeps its value."""

    version = serializers.CharField(
        required=False, allow_null=True, help_text=f"Another version of the program. {_MOST}"
    )
    project = serializers.CharField(required=False, allow_null=True, help_text=f"Another name of the program. {_MOST}")
    hash_id = serializers.CharField(
        required=False,
        allow_null=True,
        max_length=HASH_ID_LENGTH,
        help_text="Another name for this version; one that another release of the project has is refused.",
    )
    metadata = ObjectField(
        required=False, allow_null=True, help_text="Replaces the old one as a whole; it cannot be cleared."
    )


@extend_schema_view(
    list=extend_schema(description="Return one page of the project's releases, the newest first."),
    retrieve=extend_schema(description="Return one release; 404 for an unknown or malformed id."),
)
class ReleaseViewSet(Listed, Retrieved):
    """Versions of a program that events and symbol sets belong to."""

    model = Release
    scope_object = "error_tracking"
    scopes = {
        "list": "error_tracking:read",
        "retrieve": "error_tracking:read",
        "by_hash": "error_tracking:read",
        "create": "error_tracking:write",
        "update": "error_tracking:write",
        "partial_update": "error_tracking:write",
        "destroy": "error_tracking:write",
    }
    serializer_class = ErrorTrackingReleaseSerializer
    counted = True
    ordering = ("-created_at", "-id")

    @extend_schema(request=ErrorTrackingReleaseCreateRequestSerializer, responses={201: ErrorTrackingReleaseSerializer})
    def create(self, request: APIRequest, **path: str) -> HttpResponse:
        """Create a release. A hash id that is taken is a 400 with the code `release_hash_in_use`."""
        fields = new_fields(inputs.body(request))
        release = Release(environment_id=self.project.pk, **fields)
        release.hash_id = release.hash_id or str(release.id)
        with _hash_may_be_taken(release.hash_id), transaction.atomic():
            release.save(force_insert=True)
            self.audit(release.id, None, _audited(release))
        return json_response(self.one(id=release.id), status=201)

    @extend_schema(request=ErrorTrackingReleaseUpdateRequestSerializer, responses={204: None})
    def update(self, request: APIRequest, id: str, **path: str) -> Response:
        """Change a release; fields that are absent, null or empty keep their value."""
        changes = changed_fields(inputs.body(request))
        key = inputs.uuid_in_path(id)
        with _hash_may_be_taken(changes.get("hash_id", "")), transaction.atomic():
            self._change(key, changes)
        return no_content()

    @extend_schema(request=ErrorTrackingReleaseUpdateRequestSerializer, responses={204: None})
    def partial_update(self, request: APIRequest, id: str, **path: str) -> Response:
        """Change a release; the same as PUT."""
        return self.update(request, id, **path)

    def _change(self, key: UUID, changes: Mapping[str, Any]) -> None:
        release = self.get_queryset().select_for_update().filter(pk=key).first()
        if release is None:
            raise Http404
        before = _audited(release)
        for name, value in changes.items():
            setattr(release, name, value)
        if _audited(release) != before:
            release.save(update_fields=list(changes))
            self.audit(key, before, _audited(release))

    def destroy(self, request: APIRequest, id: str, **path: str) -> Response:
        """Delete a release and its symbol sets; stack frames stay, without their symbol set."""
        key = inputs.uuid_in_path(id)
        with transaction.atomic():
            uploads.lock_sets_of(self.project.pk, key)
            release = self.get_queryset().select_for_update().filter(pk=key).first()
            if release is None:
                raise Http404
            release.delete()
            self.audit(key, _audited(release), None)
        return no_content()

    @extend_schema(responses={200: ErrorTrackingReleaseSerializer})
    @action(detail=False, url_path="hash/(?P<hash_id>[^/.]+)", url_name="hash")
    def by_hash(self, request: APIRequest, hash_id: str, **path: str) -> HttpResponse:
        """Return the release with a hash id."""
        if inputs.text_problem(hash_id):
            raise Http404
        return json_response(self.one(hash_id=hash_id))


def _audited(release: Release) -> dict[str, Any]:
    return {name: getattr(release, name) for name in ("hash_id", "version", "project", "metadata")}


@contextmanager
def _hash_may_be_taken(hash_id: str) -> Iterator[None]:
    """Turn the database's refusal into the API's: only it can tell which of two simultaneous requests was first."""
    try:
        yield
    except IntegrityError as error:
        if _HASH_CONSTRAINT not in str(error):
            raise
        raise ValidationError(f"Hash id {hash_id} already in use", "release_hash_in_use") from error
