"""Bodies that are hostile or odd: what is read, what is refused, and that nothing breaks."""

from __future__ import annotations

import json
import sys

import pytest
from django.core.signals import request_started
from django.db import close_old_connections
from django.test import RequestFactory

from environments.api.parsers import MAX_DEPTH
from runtime.wsgi import Application
from tests.environments.world import Api, World, answer, error

pytestmark = pytest.mark.urls("tests.environments.api.endpoints")
READS = "faulty/reads/"
FORM = "application/x-www-form-urlencoded"
OK = (200, {"needed": "x"})
TOO_DEEP = error(400, "invalid_request", "parse_error", "JSON parse error - nested more than 200 levels deep")


@pytest.fixture
def api(world: World) -> Api:
    return world.api()


def nested(levels: int, brackets: bytes = b"[]") -> bytes:
    """An object that holds ``levels`` − 1 further ones."""
    inner = levels - 1
    opening, closing = (brackets[:1], brackets[1:]) if brackets == b"[]" else (b'{"a":', b"}")
    return b'{"needed": "x", "deep": ' + opening * inner + b"1" + closing * inner + b"}"


@pytest.mark.parametrize("brackets", [b"[]", b"{}"])
def test_a_body_may_nest_200_levels_and_no_more(api: Api, brackets: bytes) -> None:
    assert MAX_DEPTH == 200
    assert answer(api.post(READS, nested(200, brackets))) == OK
    assert answer(api.post(READS, nested(201, brackets))) == TOO_DEEP


@pytest.mark.parametrize("levels", [1_000, 100_000, 1_200_000])
def test_a_body_that_nests_a_million_levels_is_a_400(api: Api, levels: int) -> None:
    assert answer(api.post(READS, b"[" * levels + b"]" * levels)) == TOO_DEEP


@pytest.mark.parametrize(
    "unit", [b"[],", b"{},", b"1,", b'"",', b"["], ids=["lists", "objects", "numbers", "texts", "lists in lists"]
)
def test_a_body_of_more_values_than_anything_needs_is_a_413_for_everybody(world: World, unit: bytes) -> None:
    """20 MB hold seven million lists, which take a gigabyte: bodies are read before the key in them can be known."""
    text = "Request body exceeds the maximum of 1,200,000 JSON values."
    body = b"[" + unit * 1_200_001 + b"1]"
    assert len(body) < 20 * 1024 * 1024
    too_large = error(413, "invalid_request", "request_too_large", text)
    assert answer(world.api().post(READS, body)) == too_large
    assert world.anonymous().post(READS, body).status_code == 401


def test_a_text_of_nothing_but_commas_is_read(api: Api) -> None:
    """As much of it as can be stored."""
    assert answer(api.post(READS, b'{"needed": "x", "t": "' + b"," * 1_048_576 + b'"}')) == OK


def test_many_shallow_brackets_are_no_depth(api: Api) -> None:
    assert answer(api.post(READS, b'{"needed": "x", "l": [' + b"{}," * 5_000 + b"[]]}")) == OK


def test_brackets_in_texts_are_no_depth(api: Api) -> None:
    assert answer(api.post(READS, b'{"needed": "x", "t": "' + b"[{" * 5_000 + b'"}')) == OK


def test_a_number_of_five_thousand_digits_is_a_parse_error(api: Api) -> None:
    status, body = answer(api.post(READS, b'{"needed": "x", "n": ' + b"9" * 5_000 + b"}"))
    assert (status, body["code"]) == (400, "parse_error")


@pytest.mark.parametrize(
    "charset", ["utf-8", "UTF-8", "us-ascii", "iso-8859-1", "latin1", "windows-1252", "utf-16", "utf-32"]
)
def test_known_character_sets_are_read(api: Api, charset: str) -> None:
    body = '{"needed": "x"}'.encode(charset)
    assert answer(api.post(READS, body, content_type=f"application/json; charset={charset}")) == OK


@pytest.mark.parametrize("charset", ["utf-7", "unicode_escape", "cp037", "utf-8-sig"])
@pytest.mark.parametrize("media_type", ["application/json", FORM, "multipart/form-data; boundary=b"])
def test_other_character_sets_are_refused(api: Api, charset: str, media_type: str) -> None:
    response = api.post(f"{READS}?q=%C3%A9", b"needed=x", content_type=f"{media_type}; charset={charset}")
    expected = f'Unsupported charset "{charset}" in request Content-Type header.'
    assert answer(response) == error(400, "invalid_request", "parse_error", expected)


def over_wsgi(api: Api, content_type: str, query: str = "") -> int:
    """Return the status that the real application gives to a POST with a Content-Type that Django's client refuses."""
    body = b'{"needed": "x"}'
    environ = RequestFactory().generic("POST", api.root + READS, body, headers={"Authorization": f"Bearer {api.key}"})
    environ.environ |= {"CONTENT_TYPE": content_type, "QUERY_STRING": query}
    said: list[str] = []
    request_started.disconnect(close_old_connections)  # as Django's own client does: the test's transaction stays open
    try:
        answered = Application()(environ.environ, lambda status, headers: said.append(status))
    finally:
        request_started.connect(close_old_connections)
    assert json.loads(b"".join(answered))["type"] in {"invalid_request", "validation_error"}
    return int(said[0].split()[0])


@pytest.mark.parametrize(
    "content_type",
    [
        *(f"application/json; charset={c}" for c in ("zlib", "bz2", "hex", "base64", "rot13", "idna")),
        *("application/json; charset=undefined", "application/json; a*=nonsense''%20", "a" * 100_000, "\x00", ""),
    ],
)
def test_a_content_type_that_django_cannot_read_is_no_content_type(api: Api, content_type: str) -> None:
    """These would be the web server's own 500, because Django fails before any middleware."""
    assert over_wsgi(api, content_type, "q=%ff&personal=%C3%A9") == 415


def test_punycode_is_no_content_type_or_no_json(api: Api) -> None:
    """Python 3.13 reads as punycode what 3.11 and 3.12 do not; then it is the body that is wrong."""
    said = over_wsgi(api, "application/json; charset=punycode", "q=%ff&personal=%C3%A9")
    assert said == (400 if sys.version_info >= (3, 13) else 415)


def test_too_many_parameters_with_a_charset_are_a_400(api: Api) -> None:
    assert over_wsgi(api, "application/json; charset=utf-8", "a=1&" * 1_001) == 400


def test_a_nonexistent_character_set_is_read_as_utf_8(api: Api) -> None:
    """Django drops it before any view."""
    response = api.post(READS, b'{"needed": "x"}', content_type="application/json; charset=nonsense")
    assert answer(response) == OK


def test_a_get_with_a_malformed_body_is_answered(api: Api) -> None:
    """Only writes need their body."""
    assert api.request("GET", "error_tracking/releases/", b"{").status_code == 200


def test_malformed_json_is_reported_before_a_missing_scope(world: World) -> None:
    """1.1: a malformed body of a write is noticed while permissions are checked."""
    response = world.api("error_tracking:read").post("error_tracking/releases/", b"{")
    assert answer(response)[1]["code"] == "parse_error"


def test_malformed_json_is_reported_by_every_method_that_writes(world: World) -> None:
    path = "error_tracking/releases/01a201fd-0000-7000-8000-000000000000/"
    for method in ("PUT", "PATCH", "DELETE"):
        assert answer(world.api().request(method, path, b"{"))[1]["code"] == "parse_error"


def test_an_empty_body_is_an_empty_object(api: Api) -> None:
    assert answer(api.post(READS))[1]["code"] == "required"
    assert answer(api.post(READS, content_type=""))[1]["code"] == "required"


def test_a_thousand_fields_are_the_most(api: Api) -> None:
    body = b"needed=x" + b"&a=1" * 1_000
    text = "The request has too many fields."
    assert answer(api.post(READS, body, content_type=FORM)) == error(400, "invalid_request", "bad_request", text)
    assert answer(api.post(READS, b"needed=x" + b"&a=1" * 999, content_type=FORM)) == OK


def test_a_thousand_parameters_in_the_query_string_are_the_most(api: Api) -> None:
    assert api.get("error_tracking/releases/?" + "a=1&" * 1_001).status_code == 400
    assert api.get("error_tracking/releases/?" + "a=1&" * 999).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b",
        b"--b\r\n\r\nx\r\n--b--",
        b'--b\r\nContent-Disposition: form-data; name="needed"\r\nContent-Transfer-Encoding: base64\r\n\r\n*\r\n--b--',
        b'--b\r\nContent-Disposition: form-data; name="\x00"\r\n\r\n\xff\r\n--b--',
        b"\x00\xff" * 100,
    ],
)
def test_a_malformed_multipart_body_is_a_400(api: Api, body: bytes) -> None:
    assert api.post(READS, body, content_type="multipart/form-data; boundary=b").status_code == 400


@pytest.mark.parametrize("boundary", ["", "; boundary=", "; boundary=\xe9", "; boundary=" + "b" * 300])
def test_a_multipart_body_without_a_usable_boundary_is_a_4xx(api: Api, boundary: str) -> None:
    response = api.post(READS, b"--b--", content_type="multipart/form-data" + boundary)
    assert response.status_code in {400, 415}


@pytest.mark.parametrize("length", ["x", "-5", "", "9" * 30])
def test_a_strange_content_length_is_no_defect(api: Api, length: str) -> None:
    response = api.client.post(
        api.root + READS,
        b'{"needed": "x"}',
        content_type="application/json",
        headers={"Authorization": f"Bearer {api.key}"},
        CONTENT_LENGTH=length,
    )
    assert response.status_code in {200, 400, 413}


def test_a_file_is_no_field(api: Api) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="version"; filename="a.txt"\r\n\r\nx\r\n--b--\r\n'
    response = api.post("error_tracking/releases/", part, content_type="multipart/form-data; boundary=b")
    assert answer(response)[1]["detail"] == "Version is required"
