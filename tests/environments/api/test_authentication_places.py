"""Contract 1.2: a key in the body or the query string, and which of several is tried."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from django.test.client import encode_multipart

from tests.environments.api.test_authentication import BODY, HEADER, LIST, NOT_AUTHENTICATED, QUERY
from tests.environments.world import World, answer


def test_a_key_in_a_json_body_authenticates(world: World) -> None:
    """1.2, where the key is read: 2) request body field `personal_api_key`."""
    body = {"version": "1", "project": "web", "personal_api_key": world.key("*")}
    assert world.anonymous().post(LIST, body).status_code == 201


def test_a_key_in_a_form_authenticates(world: World) -> None:
    """1.2, where the key is read: 2) request body field `personal_api_key`."""
    body = f"version=1&project=web&personal_api_key={world.key('*')}".encode()
    response = world.anonymous().post(LIST, body, content_type="application/x-www-form-urlencoded")
    assert response.status_code == 201


def test_a_key_in_a_multipart_body_authenticates(world: World) -> None:
    """1.2, where the key is read: 2) request body field `personal_api_key`."""
    body = encode_multipart("boundary", {"version": "1", "project": "web", "personal_api_key": world.key("*")})
    response = world.anonymous().post(LIST, body, content_type="multipart/form-data; boundary=boundary")
    assert response.status_code == 201


def test_a_key_in_the_query_string_authenticates(world: World) -> None:
    """1.2, where the key is read: 3) query string `personal_api_key`."""
    assert world.anonymous().get(f"{LIST}?personal_api_key={world.key('*')}").status_code == 200


def test_an_unknown_key_in_the_body_names_the_body(world: World) -> None:
    """1.2, invalid key: the source word is `body`."""
    assert answer(world.anonymous().post(LIST, {"personal_api_key": "phx_unknown"})) == BODY


def test_an_unknown_key_in_the_query_string_names_it(world: World) -> None:
    """1.2, invalid key: the source word is `query string`."""
    assert answer(world.anonymous().get(LIST + "?personal_api_key=phx_unknown")) == QUERY


def test_only_the_first_key_is_tried_header_before_body_before_query_string(world: World) -> None:
    """1.2: only the first found is tried, whatever stands behind it."""
    good, wrong = world.key("*"), "phx_wrong"
    api, form = world.anonymous(), {"version": "1", "project": "web"}
    wrong_header = {"Authorization": f"Bearer {wrong}"}
    assert answer(api.post(LIST, form | {"personal_api_key": good}, headers=wrong_header)) == HEADER
    assert answer(api.get(f"{LIST}?personal_api_key={good}", headers=wrong_header)) == HEADER
    assert answer(api.post(f"{LIST}?personal_api_key={good}", form | {"personal_api_key": wrong})) == BODY
    good_header = {"Authorization": f"Bearer {good}"}
    assert api.post(LIST, form | {"personal_api_key": wrong}, headers=good_header).status_code == 201
    assert api.get(f"{LIST}?personal_api_key={wrong}", headers=good_header).status_code == 200


def test_a_header_that_holds_no_key_lets_the_query_string_speak(world: World) -> None:
    """1.2, header: `bearer x` is ignored and falls through."""
    path = f"{LIST}?personal_api_key={world.key('*')}"
    assert world.anonymous().get(path, headers={"Authorization": "bearer x"}).status_code == 200


@pytest.mark.parametrize("value", [12, True, ["phx_a"], {"a": 1}, 10**400])
def test_a_key_that_is_no_text_is_an_invalid_key(world: World, value: object) -> None:
    assert answer(world.anonymous().post(LIST, {"personal_api_key": value})) == BODY


def test_a_null_key_is_no_key(world: World) -> None:
    assert answer(world.anonymous().post(LIST, {"personal_api_key": None})) == NOT_AUTHENTICATED


@pytest.mark.parametrize("body", [b'{"personal_api_key": "phx_\\u0000"}', b'{"personal_api_key": "phx_\\ud800"}'])
def test_nul_and_lone_surrogates_in_a_key_are_an_invalid_key(world: World, body: bytes) -> None:
    """Decision table: NUL characters and lone surrogates."""
    assert answer(world.anonymous().post(LIST, body)) == BODY


def test_nul_in_the_query_string_is_an_invalid_key(world: World) -> None:
    assert answer(world.anonymous().get(LIST + "?personal_api_key=phx_%00%ff")) == QUERY


def test_an_empty_key_in_the_query_string_is_an_invalid_key(world: World) -> None:
    assert answer(world.anonymous().get(LIST + "?personal_api_key=")) == QUERY


@pytest.mark.parametrize("body", [b"{", b"[1", b"nonsense", b"\xff\xfe\x00", b"[" * 100_000])
def test_malformed_json_without_credentials_is_a_401(world: World, body: bytes) -> None:
    """Decision table: authentication first."""
    assert answer(world.anonymous().post(LIST, body)) == NOT_AUTHENTICATED


def test_malformed_json_with_a_key_in_the_query_string_is_a_parse_error(world: World) -> None:
    response = world.anonymous().post(f"{LIST}?personal_api_key={world.key('*')}", b"{")
    assert answer(response)[1]["code"] == "parse_error"


def test_a_key_with_odd_characters_in_the_query_string_is_decoded_first(world: World) -> None:
    assert world.anonymous().get(f"{LIST}?personal_api_key={quote(world.key('*'), safe='')}").status_code == 200
