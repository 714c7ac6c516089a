"""Stack frames: what the frames of exceptions resolved to, by their raw ids (contract 8)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from django.contrib.postgres.fields import ArrayField
from django.db.models import F, Func, IntegerField, TextField, Value
from django.db.models.fields import BooleanField
from django.http import HttpResponse, QueryDict
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.decorators import action

from environments.api import inputs
from environments.api.exceptions import FieldError
from environments.api.fields import ObjectField
from environments.api.renderers import json_response
from environments.api.requests import APIRequest
from environments.api.viewsets import Listed, Retrieved, Undeletable
from errortracking.api.releases import ErrorTrackingReleaseSerializer
from errortracking.models import StackFrame

MAX_FRAMES: Final = 10_000
"""Raw ids of one request, and frames of an answer without raw ids, where the real system has no bound."""

_LARGEST_PART: Final = 2**31 - 1
_PART: Final = re.compile(r"[+-]?[0-9]+\Z", re.ASCII)


class ErrorTrackingStackFrameSerializer(serializers.Serializer[StackFrame]):
    """A frame of a stack trace, shared by all events that have it. Texts in it come from events: untrusted."""

    id = serializers.UUIDField(help_text="The frame's id, given by the server.")
    raw_id = serializers.SerializerMethodField(
        help_text="Raw frame ID in 'hash/part' format: what the frame is called before it is resolved, and which "
        "of the frames it became (inlined functions give several). The hash may be an SDK's: untrusted."
    )
    created_at = serializers.DateTimeField(help_text="When the frame was resolved last.")
    contents = ObjectField(
        source="content.contents",
        help_text="The frame: function, file, line and so on. From events, untrusted. Variables belong to an event.",
    )
    resolved = serializers.BooleanField(
        source="content.resolved",
        help_text="Whether `contents` is about the source as it was written; false where a source map is missing.",
    )
    context = ObjectField(  # type: ignore[assignment] # DRF takes a declared field out of the class
        source="content.context", allow_null=True, help_text="Lines of source around the frame. Untrusted."
    )
    symbol_set_ref = serializers.CharField(
        source="symbol_set.ref",
        allow_null=True,
        help_text="Reference of the symbol set that resolved the frame, such as the address of a script. Untrusted.",
    )
    release = ErrorTrackingReleaseSerializer(
        source="symbol_set.release", allow_null=True, help_text="The symbol set's release; its texts are untrusted."
    )

    expressions = {
        "raw_id": Func(
            F("raw_id"), F("part"), template="(%(expressions)s)", arg_joiner=" || '/' || ", output_field=TextField()
        )
    }

    def get_raw_id(self, frame: StackFrame) -> str:
        """Return both halves of the id in one text."""
        return f"{frame.raw_id}/{frame.part}"


class ErrorTrackingStackFrameBatchGetRequestSerializer(serializers.Serializer[Any]):
    """Which frames to return."""

    raw_ids = serializers.ListField(
        child=serializers.CharField(),
        help_text=(
            "Raw frame IDs in 'hash/part' format to resolve in a single request, at most "
            f"{MAX_FRAMES}. Without any, the first {MAX_FRAMES} frames of the project."
        ),
    )
    symbol_set = serializers.CharField(
        required=False,
        allow_null=True,
        help_text="Optional symbol set reference to scope the lookup to a single symbol set: its id.",
    )


class ErrorTrackingStackFrameBatchGetResponseSerializer(serializers.Serializer[Any]):
    """The frames found, in no particular order; unknown ids are missing."""

    results = ErrorTrackingStackFrameSerializer(many=True, help_text="Each frame once, however often it was named.")


@extend_schema_view(
    list=extend_schema(description="Return one page of the project's stack frames, by id."),
    retrieve=extend_schema(description="Return one stack frame; 404 for an unknown or malformed id."),
)
class StackFrameViewSet(Listed, Retrieved, Undeletable):
    """What the frames of exceptions resolved to."""

    model = StackFrame
    scope_object = "error_tracking"
    scopes = {
        "list": "error_tracking:read",
        "retrieve": "error_tracking:read",
        "batch_get": "error_tracking:read",  # a POST only because a path cannot hold ten thousand ids
        "destroy": "error_tracking:write",
    }
    serializer_class = ErrorTrackingStackFrameSerializer
    counted = True

    @extend_schema(
        request=ErrorTrackingStackFrameBatchGetRequestSerializer,
        responses={200: ErrorTrackingStackFrameBatchGetResponseSerializer},
    )
    @action(detail=False, methods=["post"])
    def batch_get(self, request: APIRequest, **path: str) -> HttpResponse:
        """Return the frames with the given raw ids, and of one symbol set where one is given."""
        body = inputs.body(request)
        frames = self.get_queryset()
        if raw_ids := wanted_raw_ids(request, body):
            frames = frames.filter(_is_one_of(raw_ids))
        if symbol_set := body.get("symbol_set"):
            frames = frames.filter(symbol_set_id=inputs.uuid_field("symbol_set", symbol_set))
        return json_response({"results": self.reader.all(frames, MAX_FRAMES)})


def wanted_raw_ids(request: APIRequest, body: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Return raw id and part of each frame that is asked for, empty where none is named. Raises a 400."""
    items = request.form().getlist("raw_ids") if isinstance(request.data, QueryDict) else body.get("raw_ids")
    if items is None:
        return []
    if not isinstance(items, list):
        raise FieldError("raw_ids", f'Expected a list of items but got type "{type(items).__name__}".', "not_a_list")
    if len(items) > MAX_FRAMES:
        raise FieldError("raw_ids", f"Ensure this field has no more than {MAX_FRAMES} elements.", "max_length")
    return [split_raw_id(inputs.text_item("raw_ids", index, item)) for index, item in enumerate(items)]


def split_raw_id(text: str) -> tuple[str, int]:
    """Return the halves of ``hash/part``; without exactly one slash and an integer after it, the whole and part 0."""
    raw_id, slash, part = text.partition("/")
    if slash and _PART.match(part):
        return raw_id, int(part) if len(part) < _LONGEST_PART else _LARGEST_PART + 1
    return text, 0


_LONGEST_PART: Final = 20  # characters; no such part exists, and Python refuses integers of more than 4,300 digits


class _AmongPairs(Func):
    """``(first, second) IN`` pairs that come as two arrays: two parameters, however many pairs there are."""

    output_field = BooleanField()

    def as_sql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, list[Any]]:  # type: ignore[override]
        """Return the condition."""
        compiled = [compiler.compile(expression) for expression in self.source_expressions]
        first, second, firsts, seconds = (text for text, _ in compiled)
        return (
            f"({first}, {second}) IN (SELECT * FROM unnest({firsts}, {seconds}))",  # noqa: S608 - Django's own pieces
            [parameter for _, parameters in compiled for parameter in parameters],
        )


def _is_one_of(raw_ids: list[tuple[str, int]]) -> Func:
    """Return the condition that a frame is among ``raw_ids``."""
    # A part beyond the column's range is on no frame; comparing it would be an error.
    possible = [(raw_id, part) for raw_id, part in raw_ids if abs(part) <= _LARGEST_PART]
    return _AmongPairs(
        F("raw_id"),
        F("part"),
        Value([raw_id for raw_id, _ in possible], ArrayField(TextField())),
        Value([part for _, part in possible], ArrayField(IntegerField())),
    )
