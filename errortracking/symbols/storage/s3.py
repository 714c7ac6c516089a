"""Symbol sets' data in a store that speaks S3's API: Amazon's own, MinIO, Ceph and their like.

Only what all of them know is used: objects put in one request, deleted one by one, and forms with a signed policy.
An object's name begins with the number of its project, so that no row leads to another project's data.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.conf import settings

from errortracking.symbols.storage import ADDRESS_SECONDS, LARGEST_BYTES, Missing, TooLarge, Unavailable, UploadForm

PIECE_BYTES: Final = 256 * 1024
_IN_MEMORY: Final = 1024 * 1024  # what is larger waits in a temporary file: its length must be known before it is sent
_DELETING: Final = 8
"""Requests at a time. Deleting many objects with one request wants a checksum that differs from store to store, and
some do not know it at all."""
_ABSENT: Final = frozenset({"404", "NoSuchKey", "NotFound"})


class ObjectStore:
    """A bucket, or what lies below ``prefix`` in it. Not yet reached when it is made."""

    def __init__(self, client: Any, bucket: str, prefix: str = "") -> None:
        self._client = client
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""

    def _object(self, environment_id: int, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": f"{self._prefix}{environment_id}/{key}"}

    def write(self, environment_id: int, key: str, pieces: Iterable[bytes]) -> int:
        """Store ``pieces`` under ``key``, see `Storage.write`."""
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as file:
            size = 0
            for piece in pieces:
                size += len(piece)
                if size > LARGEST_BYTES:
                    raise TooLarge
                file.write(piece)
            file.seek(0)
            with _failing():
                self._client.put_object(**self._object(environment_id, key), Body=file, ContentLength=size)
        return size

    def read(self, environment_id: int, key: str) -> Iterator[bytes]:
        """Return the data in pieces, see `Storage.read`."""
        with _failing():
            body = self._client.get_object(**self._object(environment_id, key))["Body"]
        return self._pieces(body)

    def _pieces(self, body: Any) -> Iterator[bytes]:
        with _failing():
            try:
                yield from body.iter_chunks(PIECE_BYTES)
            finally:
                body.close()

    def size(self, environment_id: int, key: str) -> int | None:
        """Return how many bytes are there, see `Storage.size`."""
        try:
            with _failing():
                return int(self._client.head_object(**self._object(environment_id, key))["ContentLength"])
        except Missing:
            return None

    def delete(self, project_id: int, keys: Iterable[str]) -> None:
        """Delete what is under ``keys``, see `Storage.delete`."""
        with _failing(), ThreadPoolExecutor(_DELETING) as pool:
            for _ in pool.map(lambda key: self._client.delete_object(**self._object(project_id, key)), keys):
                pass  # a failure is raised here

    def upload_form(self, environment_id: int, key: str, base_url: str) -> UploadForm:
        """Return a form that leads to the store, see `Storage.upload_form`; the store itself refuses what is larger."""
        with _failing():
            form = self._client.generate_presigned_post(
                **self._object(environment_id, key),
                Conditions=[["content-length-range", 0, LARGEST_BYTES]],
                ExpiresIn=ADDRESS_SECONDS,
            )
        return UploadForm(form["url"], form["fields"])

    def download_url(self, environment_id: int, key: str, base_url: str) -> str:
        """Return an address of the store, see `Storage.download_url`."""
        name = key.rpartition("/")[2]
        attached = {"ResponseContentDisposition": f'attachment; filename="{name}"'}
        with _failing():
            url: str = self._client.generate_presigned_url(
                "get_object", Params={**self._object(environment_id, key), **attached}, ExpiresIn=ADDRESS_SECONDS
            )
        return url


def from_settings() -> ObjectStore:
    """Return the store that ``HEALTHTRACK_S3_…`` name."""
    config = Config(
        signature_version="s3v4",
        connect_timeout=5,
        read_timeout=60,
        retries={"total_max_attempts": 3, "mode": "standard"},
        # Bucket in the path where the store is not Amazon's: names of hosts below its own need DNS and certificates.
        s3={"addressing_style": "path" if settings.S3_ENDPOINT else "auto"},
        # boto3 would add checksums of its own to every request, which older stores refuse.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
    )
    # An own session: the module's is shared, and making clients with it is not safe between threads.
    client = boto3.session.Session().client(
        "s3",
        endpoint_url=settings.S3_ENDPOINT or None,
        region_name=settings.S3_REGION,
        aws_access_key_id=settings.S3_ACCESS_KEY or None,
        aws_secret_access_key=settings.S3_SECRET_KEY or None,
        config=config,
    )
    return ObjectStore(client, settings.S3_BUCKET, settings.S3_PREFIX)


@contextmanager
def _failing() -> Iterator[None]:
    """Make boto3's exceptions those of the storage. Their texts name the bucket, and no secret."""
    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in _ABSENT:
            raise Missing from error
        raise Unavailable(str(error)) from error
    except BotoCoreError as error:
        raise Unavailable(str(error)) from error
