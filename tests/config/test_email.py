"""``HEALTHTRACK_EMAIL_URL`` becomes Django's settings of mail."""

from __future__ import annotations

from typing import Any

import pytest

from config import email


def parsed(monkeypatch: pytest.MonkeyPatch, url: str) -> dict[str, Any]:
    monkeypatch.setenv("HEALTHTRACK_EMAIL_URL", url)
    assert email.is_available() is bool(url.strip())
    found = email.from_environment()
    return {name.removeprefix("EMAIL_"): value for name, value in found.items() if name != "EMAIL_TIMEOUT"}


@pytest.mark.parametrize("url", ["", "  "])
def test_without_it_no_mail_is_sent(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    assert parsed(monkeypatch, url) == {
        "BACKEND": "django.core.mail.backends.dummy.EmailBackend",
    }


@pytest.mark.parametrize(
    ("url", "port", "tls", "ssl"),
    [
        ("smtp://ann:p%40ss%2F@mail.example.com", 587, True, False),
        ("smtp://ann:p%40ss%2F@mail.example.com:25?starttls=off", 25, False, False),
        ("smtps://ann:p%40ss%2F@mail.example.com", 465, False, True),
    ],
)
def test_a_mail_server(monkeypatch: pytest.MonkeyPatch, url: str, port: int, tls: bool, ssl: bool) -> None:
    assert parsed(monkeypatch, url) == {
        "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
        "HOST": "mail.example.com",
        "PORT": port,
        "HOST_USER": "ann",
        "HOST_PASSWORD": "p@ss/",
        "USE_TLS": tls,
        "USE_SSL": ssl,
    }


def test_a_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    assert parsed(monkeypatch, "file:///var/mail%20out")["FILE_PATH"] == "/var/mail out"


@pytest.mark.parametrize("url", ["mail.example.com", "http://mail", "smtp://:secret@", "smtp://h:port", "file://x"])
def test_anything_else_is_refused_without_repeating_the_password(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("HEALTHTRACK_EMAIL_URL", url)
    with pytest.raises(ValueError, match="HEALTHTRACK_EMAIL_URL must be") as caught:
        email.from_environment()
    assert url not in str(caught.value)
