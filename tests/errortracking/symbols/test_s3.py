"""Data in an object store, over HTTP: moto's server stands for it. It checks no signatures and no policies, so what the
addresses promise is read out of them here, and the signature is made once more by hand."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from errortracking.symbols.storage import Unavailable, new_key, s3, storage
from errortracking.symbols.storage.s3 import ObjectStore, from_settings
from tests.errortracking.symbols.storing import SECRET_KEY, Bucket, object_server, object_store, send

__all__ = ["object_server", "object_store"]


def test_an_objects_name_begins_with_its_project(object_store: Bucket) -> None:
    storage().write(7, "symbolsets/a", [b"data"])
    assert object_store.names() == ["7/symbolsets/a"]


def test_a_prefix_stands_before_it(object_store: Bucket, settings: Any) -> None:
    settings.S3_PREFIX = "healthtrack/prod"
    place = from_settings()
    place.write(7, "symbolsets/a", [b"data"])
    assert object_store.names() == ["healthtrack/prod/7/symbolsets/a"]
    assert b"".join(place.read(7, "symbolsets/a")) == b"data"
    place.delete(7, ["symbolsets/a"])
    assert object_store.names() == []


def test_many_objects_are_deleted(object_store: Bucket) -> None:
    keys = [new_key() for _ in range(25)]
    for key in keys:
        storage().write(7, key, [b"data"])
    storage().delete(7, keys[:24])
    assert object_store.names() == [f"7/{keys[24]}"]


def test_what_is_sent_with_the_form_is_there(object_store: Bucket) -> None:
    key = new_key()
    form = storage().upload_form(7, key, "http://server.example")
    assert form.url == f"{object_store.url}/{object_store.name}"
    assert send(form, b"uploaded").status_code == 204
    assert b"".join(storage().read(7, key)) == b"uploaded"
    assert storage().size(7, key) == 8


def test_the_form_is_good_for_five_minutes_for_one_key_and_a_hundred_megabytes(object_store: Bucket) -> None:
    form = storage().upload_form(7, "symbolsets/a", "http://server.example")
    policy = json.loads(base64.b64decode(form.fields["policy"]))
    left = datetime.fromisoformat(policy["expiration"]) - datetime.now(UTC)
    assert timedelta(seconds=290) < left <= timedelta(seconds=301)
    assert ["content-length-range", 0, 104_857_600] in policy["conditions"]
    assert {"key": "7/symbolsets/a"} in policy["conditions"]
    assert {"bucket": object_store.name} in policy["conditions"]
    assert form.fields["key"] == "7/symbolsets/a"


def test_the_form_is_signed_with_the_secret_key(object_store: Bucket) -> None:
    fields = storage().upload_form(7, "symbolsets/a", "http://server.example").fields
    _, day, region, service, ending = fields["x-amz-credential"].split("/")
    assert (region, service, ending) == ("us-east-1", "s3", "aws4_request")
    key = f"AWS4{SECRET_KEY}".encode()
    for word in (day, region, service, ending, fields["policy"]):
        key = hmac.new(key, word.encode(), hashlib.sha256).digest()
    assert fields["x-amz-signature"] == key.hex()


def test_the_address_for_downloading_leads_to_the_data_and_ends(object_store: Bucket) -> None:
    key = new_key()
    storage().write(7, key, [b"data"])
    url = storage().download_url(7, key, "http://server.example")
    assert url.startswith(f"{object_store.url}/{object_store.name}/7/symbolsets/")
    asked = parse_qs(urlsplit(url).query)
    assert asked["X-Amz-Expires"] == ["300"]
    assert len(asked["X-Amz-Signature"][0]) == 64
    answer = requests.get(url, timeout=10)
    assert (answer.status_code, answer.content) == (200, b"data")
    name = key.removeprefix("symbolsets/")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'


def test_no_address_holds_the_secret(object_store: Bucket) -> None:
    form = storage().upload_form(7, "symbolsets/a", "http://server.example")
    assert SECRET_KEY not in str(form) + storage().download_url(7, "symbolsets/a", "http://server.example")


def test_a_store_that_is_away_is_unavailable(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    settings.S3_BUCKET, settings.S3_ENDPOINT = "symbols", f"http://127.0.0.1:{port}"
    settings.S3_ACCESS_KEY, settings.S3_SECRET_KEY = "id", SECRET_KEY
    place: ObjectStore = s3.from_settings()
    for act in (
        lambda: place.write(7, "symbolsets/a", [b"data"]),
        lambda: place.read(7, "symbolsets/a"),
        lambda: place.size(7, "symbolsets/a"),
        lambda: place.delete(7, ["symbolsets/a"]),
    ):
        with pytest.raises(Unavailable) as caught:
            act()
        assert SECRET_KEY not in str(caught.value)


def test_a_bucket_that_is_not_there_is_unavailable_and_not_missing_data(object_store: Bucket, settings: Any) -> None:
    settings.S3_BUCKET = "another"
    place = from_settings()
    for act in (lambda: place.read(7, "symbolsets/a"), lambda: place.write(7, "symbolsets/a", [b"data"])):
        with pytest.raises(Unavailable, match="NoSuchBucket"):
            act()
