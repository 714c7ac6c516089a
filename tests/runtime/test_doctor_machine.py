"""The doctor's checks of the machine and of the site's address."""

from __future__ import annotations

import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from django.conf import LazySettings

from environments import clock
from errortracking.ingest.disk import Space
from runtime.operations.doctor import machine, site
from runtime.operations.doctor.report import Finding

ENDS = datetime(2126, 10, 29, 10, 39, 11, tzinfo=UTC)
GB = 1024**3


def found(check: Callable[[], Iterable[Finding]]) -> list[tuple[str, str]]:
    """Return state and text of each finding of a check."""
    return [(one.state, one.text) for one in check()]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder, and no key in the environment."""
    folder = tmp_path / "data"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("HEALTHTRACK_DATA_DIR", str(folder))
    monkeypatch.delenv("HEALTHTRACK_SECRET_KEY", raising=False)
    monkeypatch.delenv("HEALTHTRACK_SECRET_KEY_FILE", raising=False)
    return folder


# ---- the machine


def test_a_data_folder_is_for_its_owner_to_write(data: Path) -> None:
    assert found(machine.data_folder) == [("ok", f"{data} is for its owner to write.")]
    data.chmod(0o711)
    assert found(machine.data_folder)[0][0] == "ok"
    data.chmod(0o770)
    (state, text), *_ = found(machine.data_folder)
    assert (state, "can be written by others (mode 770)" in text) == ("wrong", True)
    data.rmdir()
    assert found(machine.data_folder) == [("note", f"{data} is not there. `manage.py up` makes it.")]


def test_a_data_folder_that_cannot_be_written_is_wrong(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write everywhere
    ((state, text),) = found(machine.data_folder)
    assert (state, "cannot be written by this account" in text) == ("wrong", True)
    data.rmdir()
    assert found(machine.data_folder) == [("wrong", f"{data} is not there, and this account cannot make it.")]


def test_the_secret_key_is_for_its_owner_to_read(data: Path) -> None:
    assert found(machine.secret_key)[0][0] == "note"
    key = data / "secret_key"
    key.write_text("k" * 64)
    key.chmod(0o600)
    assert found(machine.secret_key)[0][0] == "ok"
    key.chmod(0o644)
    ((state, text),) = found(machine.secret_key)
    assert (state, f"{key} can be read by others" in text) == ("wrong", True)


def test_a_secret_key_that_can_be_guessed_is_wrong(
    data: Path, monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    for length, expected in ((31, "wrong"), (32, "ok")):
        settings.SECRET_KEY = "k" * length
        monkeypatch.setenv("HEALTHTRACK_SECRET_KEY", settings.SECRET_KEY)
        ((state, text),) = found(machine.secret_key)
        assert state == expected
        assert settings.SECRET_KEY not in text


@pytest.mark.parametrize(
    ("free", "state", "words"),
    [
        (50 * GB, "ok", "50.0 GB are free"),
        (2 * GB - 1, "wrong", "At 512 MB events are refused."),
        (511 * 1024**2, "wrong", "Events are refused with 503 below 512 MB."),
        (None, "note", "is another machine's"),
    ],
)
def test_a_full_disk_is_wrong_before_it_is_full(
    monkeypatch: pytest.MonkeyPatch, free: int | None, state: str, words: str
) -> None:
    monkeypatch.setattr("errortracking.ingest.disk.read", lambda: Space(free, None))
    ((found_state, text),) = found(machine.free_disk)
    assert (found_state, words in text) == (state, True)


def test_a_database_beyond_its_bound_is_wrong(monkeypatch: pytest.MonkeyPatch, settings: LazySettings) -> None:
    settings.MAX_DATABASE_MB = 1024
    monkeypatch.setattr("errortracking.ingest.disk.read", lambda: Space(None, 3 * GB))
    ((state, text),) = found(machine.free_disk)
    assert (state, text[:26]) == ("wrong", "The database has 3.0 GB, m")


def test_the_disk_of_a_data_folder_that_is_not_there_yet_is_that_of_the_folder_above(data: Path) -> None:
    data.rmdir()
    ((_, text),) = found(machine.free_data_disk)
    assert text.endswith(f" GB are free on the disk of {data.parent}.")


# ---- the address


@pytest.fixture
def https(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> LazySettings:
    """Settings of a site behind one proxy with TLS, all of them right."""
    settings.SITE_URL = "https://errors.example.com"
    settings.ALLOWED_HOSTS = ["errors.example.com"]
    settings.CSRF_TRUSTED_ORIGINS = ["https://errors.example.com"]
    settings.DEBUG = False
    monkeypatch.setenv("HEALTHTRACK_SITE_URL", settings.SITE_URL)
    monkeypatch.setenv("HEALTHTRACK_TRUSTED_PROXIES", "1")
    return settings


def test_settings_that_fit_one_another_are_right(https: LazySettings) -> None:
    assert found(site.configuration) == [("ok", "The settings fit the address https://errors.example.com.")]


def test_the_default_address_is_worth_a_note(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEALTHTRACK_SITE_URL", raising=False)
    monkeypatch.delenv("HEALTHTRACK_TRUSTED_PROXIES", raising=False)
    settings.SITE_URL = "http://127.0.0.1:8000"
    assert found(site.configuration) == [("note", "The address is the default, http://127.0.0.1:8000.")]
    monkeypatch.setenv("HEALTHTRACK_TRUSTED_PROXIES", "1")
    ((state, text),) = found(site.configuration)
    assert (state, "There is a proxy in front" in text) == ("wrong", True)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("DEBUG", True, "HEALTHTRACK_DEBUG is on"),
        ("ALLOWED_HOSTS", ["other.example.com"], "HEALTHTRACK_ALLOWED_HOSTS leaves errors.example.com out"),
        ("CSRF_TRUSTED_ORIGINS", [], "HEALTHTRACK_TRUSTED_ORIGINS leaves https://errors.example.com out"),
        ("SITE_URL", "errors.example.com", "is no address: 'errors.example.com'"),
    ],
)
def test_what_contradicts_the_address_is_wrong(https: LazySettings, name: str, value: object, words: str) -> None:
    setattr(https, name, value)
    ((state, text),) = found(site.configuration)
    assert (state, words in text) == ("wrong", True)


def test_https_without_a_trusted_proxy_is_wrong(https: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEALTHTRACK_TRUSTED_PROXIES", "0")
    ((state, text),) = found(site.configuration)
    assert (state, "its headers are not believed" in text) == ("wrong", True)


# ---- its certificate


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls(authority: trustme.CA) -> Iterator[int]:
    """The port of a server on this machine with a certificate of ``authority``, until 2126."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", not_after=ENDS).configure_cert(context)

    def serve() -> None:
        while True:
            try:
                raw, _ = listener.accept()
            except OSError:
                return
            try:
                context.wrap_socket(raw, server_side=True).close()
            except OSError:  # the visitor did not like it
                raw.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def test_a_site_without_tls_has_no_certificate(settings: LazySettings) -> None:
    settings.SITE_URL = "http://127.0.0.1:8000"
    assert found(site.certificate) == [("ok", "The address has none.")]


def test_a_certificate_that_nobody_vouches_for_is_wrong(settings: LazySettings, tls: int) -> None:
    settings.SITE_URL = f"https://localhost:{tls}"
    ((state, text),) = found(site.certificate)
    assert (state, text[:55]) == ("wrong", "SDKs and browsers refuse the certificate of localhost: ")


@pytest.mark.parametrize(("left", "state", "words"), [(14, "ok", "is good for 14 days"), (13, "wrong", "in 13 days")])
def test_a_certificate_that_ends_soon_is_wrong(
    settings: LazySettings,
    tls: int,
    authority: trustme.CA,
    monkeypatch: pytest.MonkeyPatch,
    left: int,
    state: str,
    words: str,
) -> None:
    settings.SITE_URL = f"https://localhost:{tls}"
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    monkeypatch.setattr(ssl, "create_default_context", lambda: trusting)
    with clock.stopped_at(datetime.fromtimestamp(ENDS.timestamp() - left * 86_400, UTC)):
        ((found_state, text),) = found(site.certificate)
    assert (found_state, words in text) == (state, True), text


def test_an_address_that_cannot_be_reached_from_here_is_worth_a_note(settings: LazySettings) -> None:
    """It may be reached from elsewhere: many networks do not lead back to themselves."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings.SITE_URL = f"https://localhost:{port}"
    ((state, text),) = found(site.certificate)
    assert (state, f"localhost, port {port}, cannot be reached from this machine" in text) == ("note", True)
