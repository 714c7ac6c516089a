"""Who answers under https has to prove the name that was asked for, whatever address it resolved to."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import certifi
import pytest
import trustme
from pytest_django import Settings

from outbound import client, sockets, tls
from outbound.addresses import Allowed
from outbound.errors import TimedOut, Unreachable
from tests.outbound.web import Names, Web, dripping, ok, redirect, web


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[trustme.CA]:
    """An authority that this process trusts for the length of the test."""
    made = trustme.CA()
    made.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    tls.context.cache_clear()
    yield made
    tls.context.cache_clear()


@pytest.fixture
def secure(authority: trustme.CA, resolver: Names, settings: Settings) -> Iterator[Web]:
    """A server that proves to be ``cdn.test``."""
    settings.ALLOWED_PRIVATE_HOSTS = Allowed.read(["127.0.0.1"])
    resolver["cdn.test"] = resolver["other.test"] = [["127.0.0.1"]]
    with web(authority.issue_cert("cdn.test")) as running:
        running.pages["/"] = ok(b"secret")
        yield running


def test_a_proven_name_is_trusted(secure: Web) -> None:
    answer = client.request("POST", f"https://cdn.test:{secure.port}/", body=b"x" * 300_000)
    assert answer.body == b"secret"
    assert secure.asked[0].headers["host"] == f"cdn.test:{secure.port}"
    assert len(secure.asked[0].body) == 300_000


def test_another_name_at_the_same_address_is_not(secure: Web) -> None:
    with pytest.raises(Unreachable, match="its certificate is not trusted: Hostname mismatch"):
        client.request("GET", f"https://other.test:{secure.port}/")
    with pytest.raises(Unreachable, match="its certificate is not trusted: IP address mismatch"):
        client.request("GET", f"https://127.0.0.1:{secure.port}/")
    assert secure.asked == []


def test_an_unknown_authority_is_not_trusted(secure: Web) -> None:
    with web(trustme.CA().issue_cert("cdn.test")) as impostor:
        with pytest.raises(Unreachable, match="its certificate is not trusted: unable to get local issuer"):
            client.request("GET", f"https://cdn.test:{impostor.port}/")
        assert impostor.asked == []


def test_a_redirect_from_http_to_https_is_checked_like_any_other(secure: Web, resolver: Names) -> None:
    with web() as plain:
        plain.pages["/"] = redirect(f"https://cdn.test:{secure.port}/")
        plain.pages["/other"] = redirect(f"https://other.test:{secure.port}/")
        assert client.request("GET", plain.url, redirects=1).body == b"secret"
        with pytest.raises(Unreachable, match="not trusted"):
            client.request("GET", f"{plain.url}/other", redirects=1)


def test_a_server_that_speaks_no_tls_is_unreachable(site: Web) -> None:
    with pytest.raises(Unreachable, match="the connection could not be encrypted"):
        client.request("GET", f"https://127.0.0.1:{site.port}/")


def test_an_encrypted_answer_that_drips_ends_with_the_request(secure: Web) -> None:
    secure.pages["/"] = dripping(b"HTTP/1.1 200 OK\r\n\r\n", *[b"x"] * 100, seconds=0.1)
    with pytest.raises(TimedOut):
        client.request("GET", f"https://cdn.test:{secure.port}/", total_timeout=0.6)


def test_a_machine_without_authorities_trusts_certifis(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "empty"))
    tls.context.cache_clear()
    context = tls.context(sockets.Encrypted)
    assert context.cert_store_stats()["x509_ca"] == Path(certifi.where()).read_text().count("BEGIN CERTIFICATE")
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    tls.context.cache_clear()
