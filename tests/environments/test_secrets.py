"""Keys and tokens as the contract's table 1.2 describes them."""

from __future__ import annotations

import re

import pytest
from django.db import IntegrityError, transaction

from environments import secrets
from environments.models import PersonalAPIKey, User


def test_a_personal_key_is_phx_and_base62_of_32_random_bytes() -> None:
    keys = {secrets.personal_api_key() for _ in range(200)}
    assert len(keys) == 200
    assert all(re.fullmatch(r"phx_[0-9A-Za-z]{38,43}", key) for key in keys)


def test_a_project_token_begins_with_phc() -> None:
    assert re.fullmatch(r"phc_[0-9A-Za-z]{38,43}", secrets.project_token())


@pytest.mark.parametrize(("number", "text"), [(0, "0"), (61, "z"), (62, "10"), (62**2 - 1, "zz"), (35, "Z")])
def test_base_62_counts_digits_then_capitals_then_small_letters(number: int, text: str) -> None:
    assert secrets.base62(number) == text


def test_a_key_is_stored_as_sha256_in_hex_behind_its_name() -> None:
    assert secrets.hash_key("abc") == (
        "sha256$ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, appendix B.1
    )


def test_a_key_is_shown_by_its_first_and_last_four_characters() -> None:
    assert secrets.mask_key("phx_0123456789") == "phx_...6789"


@pytest.mark.django_db
def test_an_issued_key_keeps_its_hash_and_mask_and_not_its_value() -> None:
    user = User.objects.create_user("ann@example.com")
    key, value = PersonalAPIKey.objects.issue(user, "ci", ["error_tracking:read"])
    assert key.secure_value == secrets.hash_key(value)
    assert key.mask_value == f"phx_...{value[-4:]}"
    stored = PersonalAPIKey.objects.values().get(id=key.id)
    assert value not in repr(stored)
    assert stored["last_used_at"] is None
    assert stored["scopes"] == ["error_tracking:read"]


@pytest.mark.django_db
def test_addresses_that_differ_in_case_are_one_user() -> None:
    user = User.objects.create_user(" Ann@Example.com ", "long enough 1")
    assert user.email == "Ann@example.com"
    assert User.objects.get_by_natural_key("ANN@EXAMPLE.COM") == user
    with pytest.raises(IntegrityError), transaction.atomic():
        User.objects.create_user("ann@example.com")


@pytest.mark.django_db
def test_a_user_without_a_password_cannot_log_in_with_any() -> None:
    user = User.objects.create_user("ann@example.com")
    assert not user.check_password("")
    assert not user.has_usable_password()


def test_a_user_needs_an_address() -> None:
    with pytest.raises(ValueError, match="needs an e-mail address"):
        User.objects.create_user("  ")
