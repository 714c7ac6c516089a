"""How symbol sets are shown, and the bodies and answers of their uploads (contract 10, pipeline 6.2)."""

from __future__ import annotations

from typing import Any, Final

from django.db.models import BooleanField, ExpressionWrapper, Q
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from errortracking.api.releases import ErrorTrackingReleaseSerializer
from errortracking.api.rules_fields import UUIDText
from errortracking.models import SymbolSet
from errortracking.symbols.storage import ADDRESS_SECONDS, LARGEST_BYTES
from errortracking.symbols.upload_rules import REF_BYTES

MAX_SETS: Final = 1_000
"""Symbol sets of one request: what posthog-cli asks about at once."""
MAX_HASH: Final = 512
"""Characters of a content hash; SHA-512 in hex has 128."""

HAS_FILE: Final = Q(storage_ptr__isnull=False, content_hash__isnull=False)
"""An upload that was begun and not finished has a key and no hash, and is no file yet."""


class RefField(serializers.CharField):
    """A chunk id, or a script's address: kept as it is sent, since clients look for exactly that in the answer."""

    default_error_messages = {"too_long": f"Ensure this field has no more than {REF_BYTES} bytes."}

    def __init__(self, **options: Any) -> None:
        super().__init__(trim_whitespace=False, **options)

    def to_internal_value(self, data: Any) -> str:
        """Return the text."""
        return str(super().to_internal_value(data))

    def run_validators(self, value: Any) -> None:
        """Check what Django checks, surrogates among it, and then the bytes."""
        super().run_validators(value)
        if len(value.encode()) > REF_BYTES:
            raise serializers.ValidationError(self.error_messages["too_long"], "max_length")


class ErrorTrackingSymbolSetSerializer(serializers.Serializer[SymbolSet]):
    """What resolves the frames of one chunk or script. `ref` and `release` are what clients sent: untrusted."""

    id = serializers.UUIDField(help_text="The symbol set's id.")
    ref = serializers.CharField(help_text="The chunk id, or the address of the script. Untrusted text.")
    team_id = serializers.IntegerField(source="environment_id", help_text="The project's id.")
    created_at = serializers.DateTimeField(help_text="When it was first known here.")
    last_used = serializers.DateTimeField(
        allow_null=True, help_text="When it last resolved a frame or was last named by an upload, within 12 hours."
    )
    storage_ptr = serializers.CharField(
        allow_null=True, help_text="Where the server keeps the data. There while an upload is under way, too."
    )
    failure_reason = serializers.CharField(
        allow_null=True, help_text="Why there is no usable data, as JSON; null where nothing has failed. Untrusted."
    )
    has_uploaded_file = serializers.SerializerMethodField(
        help_text="Whether there is data: uploaded and finished, or fetched by the server."
    )
    release = ErrorTrackingReleaseSerializer(
        allow_null=True, help_text="The release that it is bound to; its texts are untrusted."
    )

    expressions = {"has_uploaded_file": ExpressionWrapper(HAS_FILE, BooleanField())}

    def get_has_uploaded_file(self, row: SymbolSet) -> bool:
        """Return whether an upload has been finished."""
        return row.storage_ptr is not None and row.content_hash is not None


class ErrorTrackingSymbolSetDownloadSerializer(serializers.Serializer[Any]):
    """Where the data is."""

    url = serializers.CharField(
        help_text=f"An address that needs no key, for {ADDRESS_SECONDS} seconds. It gives the uploaded data as it is."
    )


class ErrorTrackingSymbolSetBulkDeleteRequestSerializer(serializers.Serializer[Any]):
    """Which symbol sets to delete."""

    ids = serializers.ListField(
        child=UUIDText(), max_length=MAX_SETS, help_text=f"Their ids, at most {MAX_SETS}. Unknown ones are left out."
    )


class ErrorTrackingSymbolSetBulkDeleteResponseSerializer(serializers.Serializer[Any]):
    """What was deleted."""

    deleted = serializers.IntegerField(help_text="How many symbol sets were deleted.")


class ErrorTrackingSymbolSetSuccessSerializer(serializers.Serializer[Any]):
    """It was done."""

    success = serializers.BooleanField(help_text="Always true; what cannot be done is an error.")


# ---- uploads


class ErrorTrackingSymbolSetUploadItemSerializer(serializers.Serializer[Any]):
    """One symbol set that a client has."""

    chunk_id = RefField(help_text=f"Its reference, the chunk id; at most {REF_BYTES} bytes.")
    release_id = serializers.CharField(
        required=False, allow_null=True, allow_blank=True, help_text="The id of the release that it belongs to, if any."
    )
    content_hash = serializers.CharField(
        required=False,
        allow_null=True,
        max_length=MAX_HASH,
        help_text="The client's hash of the content, usually SHA-512 in hex: the same hash is not uploaded again.",
    )
    content_length = serializers.IntegerField(
        required=False, allow_null=True, min_value=0, help_text=f"How many bytes it has, at most {LARGEST_BYTES}."
    )


class ErrorTrackingSymbolSetCheckRequestSerializer(serializers.Serializer[Any]):
    """Symbol sets that a client has, and what to do where other data is there already."""

    symbol_sets = ErrorTrackingSymbolSetUploadItemSerializer(
        many=True,
        required=False,
        max_length=MAX_SETS,  # type: ignore[call-arg] # the list takes it
        help_text=f"At most {MAX_SETS}, each chunk id once.",
    )
    force = serializers.BooleanField(required=False, default=False, help_text="Replace other data.")
    skip_on_conflict = serializers.BooleanField(required=False, default=False, help_text="Keep other data.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Refuse what contradicts itself."""
        if attrs["force"] and attrs["skip_on_conflict"]:
            text = "Use either force or skip_on_conflict, not both."
            raise serializers.ValidationError(text, "invalid_conflict_handling")
        return attrs


class ErrorTrackingSymbolSetStartRequestSerializer(ErrorTrackingSymbolSetCheckRequestSerializer):
    """Symbol sets that a client is going to upload."""

    chunk_ids = serializers.ListField(
        child=RefField(),
        required=False,
        allow_null=True,
        max_length=MAX_SETS,
        help_text="How older clients name them: without hashes, all of one release.",
    )
    release_id = serializers.CharField(
        required=False, allow_null=True, allow_blank=True, help_text="The release of `chunk_ids`, if any."
    )


class ErrorTrackingSymbolSetCheckResponseSerializer(serializers.Serializer[Any]):
    """What is missing."""

    chunk_ids_to_upload = serializers.ListField(
        child=serializers.CharField(), help_text="Those of the request that `bulk_start_upload` would act on."
    )


@extend_schema_field({"type": "object", "additionalProperties": {"type": "string"}})
class _TextsField(serializers.DictField):
    """Texts by names."""


class ErrorTrackingPresignedURLSerializer(serializers.Serializer[Any]):
    """Where and how to upload: a multipart POST of all `fields` and then the file, as the part `file`."""

    url = serializers.CharField(help_text=f"The address; it needs no key, for {ADDRESS_SECONDS} seconds.")
    fields = _TextsField(help_text="The fields that the form must have.")  # type: ignore[assignment] # DRF takes it out


class ErrorTrackingSymbolSetStartedSerializer(serializers.Serializer[Any]):
    """One upload that may begin."""

    presigned_url = ErrorTrackingPresignedURLSerializer(help_text="Where and how to upload.")
    symbol_set_id = serializers.CharField(help_text="The symbol set's id, to finish the upload with.")


class ErrorTrackingSymbolSetBulkStartResponseSerializer(serializers.Serializer[Any]):
    """The uploads that may begin."""

    id_map = serializers.DictField(
        child=ErrorTrackingSymbolSetStartedSerializer(),
        help_text="By chunk id. What is missing here need not be uploaded.",
    )


class ErrorTrackingSymbolSetFinishRequestSerializer(serializers.Serializer[Any]):
    """What was uploaded."""

    content_hash = serializers.CharField(max_length=MAX_HASH, help_text="The client's hash of the content.")


class ErrorTrackingSymbolSetBulkFinishRequestSerializer(serializers.Serializer[Any]):
    """What was uploaded."""

    content_hashes = _TextsField(help_text=f"By id of the symbol set: the client's hash. At most {MAX_SETS}.")


class ErrorTrackingSymbolSetFileSerializer(serializers.Serializer[Any]):
    """The data itself."""

    file = serializers.FileField(help_text="The data, less than 20 MB with the rest of the body.")


class ErrorTrackingSymbolSetOkSerializer(serializers.Serializer[Any]):
    """It was done."""

    ok = serializers.BooleanField(help_text="Always true; what cannot be done is an error.")
