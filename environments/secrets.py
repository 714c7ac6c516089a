"""Making, hashing and masking of keys and tokens (contract 1.2)."""

from __future__ import annotations

import hashlib
import secrets

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
RANDOM_BYTES = 32  # contract 1.2: base62 of 32 random bytes


def base62(number: int) -> str:
    """Return a number of at least 0 in base 62, most significant digit first."""
    digits = ""
    while True:
        number, digit = divmod(number, 62)
        digits = _BASE62[digit] + digits
        if not number:
            return digits


def _random_text() -> str:
    return base62(int.from_bytes(secrets.token_bytes(RANDOM_BYTES), "big"))


def personal_api_key() -> str:
    """Return a new personal API key, ``phx_…``; it is shown once and stored only as its hash."""
    return "phx_" + _random_text()


def project_token() -> str:
    """Return a new project token, ``phc_…``."""
    return "phc_" + _random_text()


def link_secret() -> str:
    """Return the secret part of a link by which somebody joins or sets a password; only its hash is stored."""
    return _random_text()


def key_id() -> str:
    """Return a new id of a personal API key row (text of at most 50 characters)."""
    return base62(int.from_bytes(secrets.token_bytes(16), "big"))


def hash_key(value: str) -> str:
    """Return what is stored of a key: unsalted SHA-256, so that one indexed look-up finds it.

    A slow salted hash protects guessable passwords; these keys hold 256 random bits, which nobody guesses.
    """
    return "sha256$" + hashlib.sha256(value.encode("utf-8", "surrogatepass")).hexdigest()


def mask_key(value: str) -> str:
    """Return the first and last four characters, enough to tell one's own keys apart."""
    return f"{value[:4]}...{value[-4:]}"
