"""Contract 1.2: a key in the header, which texts a wrong one gets, and what its use leaves."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from datetime import UTC, datetime, timedelta

import pytest

from environments import clock
from environments.models import PersonalAPIKey
from tests.environments.world import World, answer, error, statements

LIST = "error_tracking/releases/"
NOT_AUTHENTICATED = error(
    401, "authentication_error", "not_authenticated", "Authentication credentials were not provided."
)


def invalid(source: str) -> tuple[int, dict[str, str | None]]:
    text = f"Personal API key found in request {source} is invalid."
    return error(401, "authentication_error", "authentication_failed", text)


HEADER, BODY, QUERY = invalid("Authorization header"), invalid("body"), invalid("query string")


def with_header(world: World, value: str) -> tuple[int, object]:
    return answer(world.anonymous().get(LIST, headers={"Authorization": value}))


# ---- the header


def test_a_key_in_the_header_authenticates(world: World) -> None:
    """1.2, where the key is read: 1) `Authorization: Bearer <key>`."""
    assert world.api().get(LIST).status_code == 200


def test_no_credentials_are_a_401_with_a_challenge(world: World) -> None:
    """1.2: no credentials; WWW-Authenticate on every 401."""
    response = world.anonymous().get(LIST)
    assert answer(response) == NOT_AUTHENTICATED
    assert response["WWW-Authenticate"] == (
        'Bearer resource_metadata="http://127.0.0.1:8000/.well-known/oauth-protected-resource"'
    )


def test_the_challenge_names_the_site(world: World, settings: object) -> None:
    """1.2: `WWW-Authenticate` names SITE_URL."""
    settings.SITE_URL = "https://health.example.com"  # type: ignore[attr-defined]
    assert world.anonymous().get(LIST)["WWW-Authenticate"] == (
        'Bearer resource_metadata="https://health.example.com/.well-known/oauth-protected-resource"'
    )


def test_an_unknown_key_is_a_401_that_names_the_header(world: World) -> None:
    """1.2, invalid key: the source word is `Authorization header`."""
    response = world.anonymous().get(LIST, headers={"Authorization": "Bearer phx_unknown"})
    assert answer(response) == HEADER
    assert "WWW-Authenticate" in response


@pytest.mark.parametrize("blanks", [" ", "   ", "\t", " \t "])
def test_one_or_more_blanks_may_follow_bearer(world: World, blanks: str) -> None:
    """1.2, header: one or more spaces allowed, surrounding blanks stripped."""
    assert with_header(world, f"Bearer{blanks}{world.key('*')}  ")[0] == 200


@pytest.mark.parametrize("word", ["bearer", "BEARER", "Token", "Basic", "Bearer:"])
def test_another_word_than_bearer_is_no_key(world: World, word: str) -> None:
    """1.2: the match is case-sensitive; what does not match falls through."""
    assert with_header(world, f"{word} {world.key('*')}") == NOT_AUTHENTICATED


@pytest.mark.parametrize("value", ["Bearer", "Bearer ", "Bearer x", "Bearer   x  ", "Bearerxyz", ""])
def test_a_token_needs_two_characters(world: World, value: str) -> None:
    """1.2, header: token needs ≥ 2 characters."""
    assert with_header(world, value) == NOT_AUTHENTICATED


def test_two_characters_are_a_key_though_a_wrong_one(world: World) -> None:
    """1.2, header: token needs ≥ 2 characters."""
    assert with_header(world, "Bearer xy") == HEADER


def test_a_key_without_prefix_is_accepted(world: World) -> None:
    """1.2: old keys have no prefix."""
    from environments.secrets import hash_key

    PersonalAPIKey.objects.create(
        user=world.user, label="old", scopes=["*"], secure_value=hash_key("oldkey"), mask_value="oldk...dkey"
    )
    assert with_header(world, "Bearer oldkey")[0] == 200


def test_a_key_is_stored_only_as_its_hash(world: World) -> None:
    """1.2: `secure_value` and `mask_value`."""
    value = world.key("*")
    row = world.keys[value]
    assert row.secure_value.startswith("sha256$")
    assert len(row.secure_value) == 71
    assert value not in json.dumps([row.secure_value, row.mask_value, row.label])
    assert row.mask_value == f"phx_...{value[-4:]}"


@pytest.mark.parametrize("prefix", ["phs_", "phc_"])
def test_secret_keys_and_project_tokens_are_no_personal_keys(world: World, prefix: str) -> None:
    """1.2: `phs_` and `phc_` tokens are looked up as personal keys and give 401 invalid; no endpoint takes `phs_`."""
    assert with_header(world, f"Bearer {prefix}abcdef") == HEADER


def test_the_project_token_itself_is_no_personal_key(world: World) -> None:
    assert with_header(world, f"Bearer {world.project.api_token}") == HEADER


def test_an_oauth_token_is_left_to_others_and_ends_the_search(world: World) -> None:
    """1.2: `pha_` is no personal key; a key elsewhere in the request is not looked for."""
    assert with_header(world, "Bearer pha_abcdef") == NOT_AUTHENTICATED
    response = world.anonymous().get(
        f"{LIST}?personal_api_key={world.key('*')}", headers={"Authorization": "Bearer pha_abcdef"}
    )
    assert answer(response) == NOT_AUTHENTICATED


def jwt(header: object, claims: object, signature: str = "c2ln") -> str:
    parts = [urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, claims)]
    return ".".join([*parts, signature])


def test_a_json_web_token_is_invalid_as_such(world: World) -> None:
    """1.2: a bearer token that decodes as a JWT but is not valid."""
    token = jwt({"alg": "HS256", "typ": "JWT"}, {"id": 1, "aud": "posthog:impersonted_user"})
    expected = error(401, "authentication_error", "authentication_failed", "Token invalid.")
    assert with_header(world, f"Bearer {token}") == expected


@pytest.mark.parametrize(
    "token",
    [
        "a.b.c",
        jwt(["alg"], {}),
        jwt({"typ": "JWT"}, {}),
        jwt({"alg": "none"}, "text"),
        jwt({"alg": "none"}, {}) + ".d",
        "é.ü.ö",
    ],
)
def test_what_only_resembles_a_json_web_token_is_an_invalid_key(world: World, token: str) -> None:
    response = world.anonymous().client.get(world.anonymous().root + LIST, HTTP_AUTHORIZATION=f"Bearer {token}")
    assert answer(response) == HEADER


# ---- the key's user and its last use


def test_a_key_of_an_inactive_user_is_invalid(world: World) -> None:
    """1.2: only keys of users with is_active = true match."""
    api = world.api()
    world.user.is_active = False
    world.user.save()
    assert answer(api.get(LIST)) == HEADER


def test_a_deleted_key_is_invalid(world: World) -> None:
    api = world.api()
    world.keys[api.key or ""].delete()
    assert answer(api.get(LIST)) == HEADER


NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(("seconds", "status"), [(-1, 200), (0, 401), (1, 401)])
def test_a_key_ends_at_the_moment_it_expires(world: World, seconds: int, status: int) -> None:
    """1.2, invalid key: one at its end is as unknown."""
    api = world.api(expires_at=NOON, last_used_at=NOON)
    with clock.stopped_at(NOON + timedelta(seconds=seconds)):
        assert api.get(LIST).status_code == status


def test_an_expired_key_is_answered_as_an_unknown_one_and_not_as_used(world: World) -> None:
    value = world.key("*", expires_at=NOON, last_used_at=None)
    api = world.anonymous()
    assert answer(api.get(LIST, headers={"Authorization": f"Bearer {value}"})) == HEADER
    assert answer(api.post(LIST, {"personal_api_key": value})) == BODY
    assert answer(api.get(f"{LIST}?personal_api_key={value}")) == QUERY
    assert PersonalAPIKey.objects.get(pk=world.keys[value].pk).last_used_at is None


def test_a_rolled_key_has_a_new_value_and_the_old_one_stops_at_once(world: World) -> None:
    api = world.api("error_tracking:read", scoped_teams=[world.project.pk])
    old, row = api.key, world.keys[api.key or ""]
    assert api.get(LIST).status_code == 200
    with clock.stopped_at(NOON):
        api.key = row.roll()
    assert api.get(LIST).status_code == 200
    assert with_header(world, f"Bearer {old}") == HEADER
    stored = PersonalAPIKey.objects.get(pk=row.pk)
    assert (stored.scopes, stored.scoped_teams, stored.last_rolled_at) == (
        *(["error_tracking:read"], [world.project.pk]),
        NOON,
    )
    assert stored.mask_value == f"phx_...{api.key[-4:]}"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, NOON),
        (NOON - timedelta(hours=1, seconds=1), NOON),
        (NOON - timedelta(minutes=59), NOON - timedelta(minutes=59)),
        (NOON, NOON),
    ],
)
def test_the_last_use_is_written_when_unknown_or_an_hour_old(
    world: World, before: datetime | None, after: datetime
) -> None:
    """1.2: last_used_at."""
    api = world.api(last_used_at=before)
    with clock.stopped_at(NOON):
        assert api.get(LIST).status_code == 200
    row = world.keys[api.key or ""]
    row.refresh_from_db()
    assert row.last_used_at == after


def test_a_refused_request_also_used_the_key(world: World) -> None:
    """1.2: last_used_at is written by authentication."""
    api = world.api("health_issue:read", last_used_at=None)
    with clock.stopped_at(NOON):
        assert api.get(LIST).status_code == 403
    assert PersonalAPIKey.objects.get(pk=world.keys[api.key or ""].pk).last_used_at == NOON


def test_two_requests_at_once_write_the_last_use_once(world: World) -> None:
    """The UPDATE carries the condition: the second one finds nothing to write."""
    from environments.api.access import KeyGrant
    from environments.api.authentication import _note_use

    row = world.keys[world.key("*", last_used_at=None)]
    seen_by_both = KeyGrant(row.pk, "", frozenset(), frozenset(), frozenset(), None, None)
    with clock.stopped_at(NOON):
        _note_use(seen_by_both)
    with clock.stopped_at(NOON + timedelta(seconds=5)):
        _note_use(seen_by_both)
    row.refresh_from_db()
    assert row.last_used_at == NOON


def test_key_user_project_and_membership_are_one_query(world: World) -> None:
    api = world.api()
    api.get(LIST)
    with statements() as sent:
        assert api.get(LIST).status_code == 200
    about_access = [text for text in sent if "environments_" in text.replace("environments_rowcount", "")]
    assert len(about_access) == 1
    for table in ("personalapikey", "user", "project", "membership"):
        assert f"environments_{table} " in about_access[0]
