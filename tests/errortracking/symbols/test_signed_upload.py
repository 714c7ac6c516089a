"""POST /symbolsets/upload: a form at a signed address becomes the data of the set that waits for it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from environments import clock
from environments.models import Project
from errortracking.models import SymbolChunk, SymbolSet
from errortracking.symbols import storage as storages
from errortracking.symbols.storage import new_key
from errortracking.symbols.storage.database import DatabaseStorage
from tests.environments.world import ClientResponse
from tests.errortracking.symbols.storing import a_project

__all__ = ["a_project"]

pytestmark = pytest.mark.django_db


def error(kind: str, code: str, detail: str, attr: str | None = None) -> dict[str, Any]:
    return {"type": kind, "code": code, "detail": detail, "attr": attr}


@pytest.fixture
def pending(a_project: Project) -> SymbolSet:
    """Return a set that waits for its data."""
    return SymbolSet.objects.create(environment=a_project, ref="chunk", storage_ptr=new_key())


def address(symbol_set: SymbolSet) -> str:
    assert symbol_set.storage_ptr
    form = DatabaseStorage().upload_form(symbol_set.environment_id, symbol_set.storage_ptr, "http://testserver")
    return form.url.removeprefix("http://testserver")


def file(data: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile("file", data)


def post(url: str, **parts: Any) -> ClientResponse:
    return Client(enforce_csrf_checks=True).post(url, parts)


def data(symbol_set: SymbolSet) -> bytes:
    assert symbol_set.storage_ptr
    return b"".join(DatabaseStorage().read(symbol_set.environment_id, symbol_set.storage_ptr))


def nothing_is_stored(symbol_set: SymbolSet) -> bool:
    return not SymbolChunk.objects.filter(environment_id=symbol_set.environment_id).exists()


def test_the_file_becomes_the_data(pending: SymbolSet) -> None:
    answer = post(address(pending), key="whatever", file=file(b"\x00source and map\r\n--"))
    assert (answer.status_code, answer.content) == (204, b"")
    assert data(pending) == b"\x00source and map\r\n--"


def test_a_large_file_arrives_as_it_was(pending: SymbolSet) -> None:
    sent = bytes(range(256)) * 4096 * 5 + b"end"
    assert post(address(pending), file=file(sent)).status_code == 204
    assert data(pending) == sent


def test_it_may_be_sent_again_where_the_answer_got_lost(pending: SymbolSet) -> None:
    url = address(pending)
    assert post(url, file=file(b"first")).status_code == 204
    assert post(url, file=file(b"second")).status_code == 204
    assert data(pending) == b"second"


def test_other_files_of_the_form_are_not_looked_at(pending: SymbolSet) -> None:
    assert post(address(pending), other=file(b"other"), file=file(b"data")).status_code == 204
    assert data(pending) == b"data"


def test_an_address_that_has_expired_is_refused(pending: SymbolSet) -> None:
    url = address(pending)
    with clock.stopped_at(clock.now() + timedelta(minutes=6)):
        answer = post(url, file=file(b"data"))
    assert answer.status_code == 403
    assert answer.json() == error("authentication_error", "permission_denied", "The address has expired.")
    assert nothing_is_stored(pending)


@pytest.mark.parametrize(
    "query", ["", "?signature=", "?signature=forged", "?signature=a:b:c", "?signature=%00", "?%FF=%FF"]
)
def test_an_address_that_was_not_signed_here_is_refused(pending: SymbolSet, query: str) -> None:
    answer = post(f"/symbolsets/upload{query}", file=file(b"data"))
    assert answer.status_code == 403
    assert answer.json() == error("authentication_error", "permission_denied", "The address is not valid.")


def test_an_address_for_downloading_takes_no_upload(pending: SymbolSet) -> None:
    assert pending.storage_ptr
    url = DatabaseStorage().download_url(pending.environment_id, pending.storage_ptr, "")
    answer = post(f"/symbolsets/upload?{urlsplit(url).query}", file=file(b"data"))
    assert answer.status_code == 403
    assert nothing_is_stored(pending)


def test_an_upload_that_was_finished_is_not_changed(pending: SymbolSet) -> None:
    url = address(pending)
    post(url, file=file(b"data"))
    pending.content_hash = "hash"
    pending.save()
    answer = post(url, file=file(b"forged"))
    assert answer.status_code == 409
    assert answer.json() == error("invalid_request", "conflict", "The upload has been finished. Start another one.")
    assert data(pending) == b"data"


def test_what_another_client_has_finished_need_not_be_sent(pending: SymbolSet) -> None:
    """Two have begun the same upload, and share its place: what the slower one sends is there."""
    url = address(pending)
    post(url, file=file(b"data"))
    pending.begun_hash = pending.content_hash = "hash"
    pending.save()
    assert post(url, file=file(b"data of another build")).status_code == 204
    assert data(pending) == b"data"


def test_what_no_set_waits_for_is_not_kept(pending: SymbolSet) -> None:
    url = address(pending)
    pending.delete()
    answer = post(url, file=file(b"data"))
    assert answer.status_code == 404
    assert answer.json() == error("invalid_request", "not_found", "Not found.")
    assert nothing_is_stored(pending)


def test_a_key_that_was_replaced_takes_nothing(pending: SymbolSet) -> None:
    url = address(pending)
    pending.storage_ptr = new_key()
    pending.save()
    assert post(url, file=file(b"data")).status_code == 404
    assert nothing_is_stored(pending)


def test_a_file_that_is_too_large_is_refused_whole(pending: SymbolSet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("errortracking.symbols.storage.database.LARGEST_BYTES", 1_000_000)
    assert storages.LARGEST_BYTES == 100 * 1024 * 1024
    answer = post(address(pending), file=file(b"x" * 1_000_001))
    assert answer.status_code == 413
    assert answer.json() == error("validation_error", "file_too_large", "The file is larger than 100 MB.", "file")
    assert nothing_is_stored(pending)
    assert post(address(pending), file=file(b"x" * 1_000_000)).status_code == 204


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (MULTIPART_CONTENT, encode_multipart(BOUNDARY, {"key": "a"})),
        (MULTIPART_CONTENT, encode_multipart(BOUNDARY, {"file": "a field and no file"})),
        (MULTIPART_CONTENT, encode_multipart(BOUNDARY, {"other": SimpleUploadedFile("a", b"a")})),
        (MULTIPART_CONTENT, encode_multipart(BOUNDARY, {"file": [SimpleUploadedFile("a", b"a")] * 2})),
        ("application/octet-stream", b"data"),
        ("application/x-www-form-urlencoded", b"file=data"),
        ("", b"data"),
    ],
    ids=["no file", "a field", "another name", "two", "no form", "no multipart form", "nothing said"],
)
def test_a_request_without_just_one_file_is_refused(pending: SymbolSet, content_type: str, body: bytes) -> None:
    answer = Client().generic("POST", address(pending), body, content_type=content_type)
    assert answer.status_code == 400
    assert answer.json() == error("validation_error", "required", "One part `file` is expected.", "file")
    assert nothing_is_stored(pending)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"data"),
        ("multipart/form-data; boundary=\xff", b"data"),
        (MULTIPART_CONTENT, encode_multipart(BOUNDARY, {f"f{number}": "" for number in range(1_001)})),
    ],
    ids=["no boundary", "no ascii", "too many fields"],
)
def test_a_form_that_cannot_be_read_is_refused(pending: SymbolSet, content_type: str, body: bytes) -> None:
    answer = Client().generic("POST", address(pending), body, content_type=content_type)
    assert answer.status_code == 400
    assert answer.json() == error("invalid_request", "bad_request", "The request cannot be read.")
    assert nothing_is_stored(pending)


def test_only_posting_is_allowed(pending: SymbolSet) -> None:
    for method in ("GET", "PUT", "DELETE"):
        answer = Client().generic(method, address(pending))
        assert (answer.status_code, answer["Allow"]) == (405, "POST")
        assert answer.json() == error("invalid_request", "method_not_allowed", f'Method "{method}" not allowed.')
