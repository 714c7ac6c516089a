"""Checks of the address: what the settings say of it, and what a visitor meets there."""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.http.request import validate_host

from config import env
from environments import clock
from runtime.operations.doctor.report import Finding, note, ok, wrong

SECONDS: Final = 5.0  # to wait for the address
RENEW: Final = timedelta(days=14)
"""What is left of a certificate when it should have been renewed: those of 90 days are, with 30 left."""


def configuration() -> Iterator[Finding]:
    """Look whether the settings of the address fit one another."""
    found = list(_contradictions())
    yield from found
    if not found:
        yield ok("site", f"The settings fit the address {settings.SITE_URL}.")


def _contradictions() -> Iterator[Finding]:
    site, proxies = urlsplit(settings.SITE_URL), env.integer("HEALTHTRACK_TRUSTED_PROXIES", 0)
    if site.scheme not in {"http", "https"} or not site.hostname:
        text = f"HEALTHTRACK_SITE_URL is no address: {settings.SITE_URL!r}."
        yield wrong("site", text, "Set it to what people type, such as https://errors.example.com")
        return
    if settings.DEBUG:
        text = "HEALTHTRACK_DEBUG is on: errors show the server's inside to everybody who meets one."
        yield wrong("site", text, "Unset it.")
    if not os.environ.get("HEALTHTRACK_SITE_URL"):
        if proxies:
            text = "There is a proxy in front (HEALTHTRACK_TRUSTED_PROXIES), and the server does not know its address."
            yield wrong("site", text, "Set HEALTHTRACK_SITE_URL to what people type.")
        else:
            yield note("site", f"The address is the default, {settings.SITE_URL}.", _WHERE)
    if not validate_host(site.hostname, settings.ALLOWED_HOSTS):
        text = f"HEALTHTRACK_ALLOWED_HOSTS leaves {site.hostname} out, so requests to the site's own address are 400."
        yield wrong("site", text, f"Add {site.hostname} to it.")
    if site.scheme == "https":
        yield from _behind_tls(site, proxies)


_WHERE: Final = "If others reach the server by another one, set HEALTHTRACK_SITE_URL to that."


def _behind_tls(site: SplitResult, proxies: int) -> Iterator[Finding]:
    """Yield what is wrong for a site with https: this server speaks http, so a proxy stands in front."""
    if not proxies:
        text = "The address is https, so a proxy stands in front, and its headers are not believed."
        fix = "Set HEALTHTRACK_TRUSTED_PROXIES to the number of proxies; addresses in answers say http until then."
        yield wrong("site", text, fix)
    origin = f"{site.scheme}://{site.netloc}"
    if origin not in settings.CSRF_TRUSTED_ORIGINS:
        text = f"HEALTHTRACK_TRUSTED_ORIGINS leaves {origin} out: forms of the admin may be refused (CSRF)."
        yield wrong("site", text, f"Set HEALTHTRACK_TRUSTED_ORIGINS={origin}")


def certificate() -> Iterator[Finding]:
    """Look at the certificate that the site's address shows."""
    site = urlsplit(settings.SITE_URL)
    if site.scheme != "https" or not site.hostname:
        yield ok("certificate", "The address has none.")
        return
    host, port = site.hostname, site.port or 443
    try:
        left = _expiry(host, port) - clock.now()
    except ssl.SSLCertVerificationError as error:
        text = f"SDKs and browsers refuse the certificate of {host}: {error.verify_message}."
        yield wrong("certificate", text, "Renew it at the proxy, with the whole chain and for this name.")
    except (OSError, ValueError) as error:
        text = f"{host}, port {port}, cannot be reached from this machine: {error}."
        yield note("certificate", text, "If it cannot be reached from elsewhere either, look at the proxy and at DNS.")
    else:
        if left < RENEW:
            text = f"The certificate of {host} ends in {left.days} days."
            yield wrong("certificate", text, "Renew it; whatever should do that by itself does not.")
        else:
            yield ok("certificate", f"That of {host} is good for {left.days} days.")


def _expiry(host: str, port: int) -> datetime:
    context = ssl.create_default_context()
    with socket.create_connection((host, port), SECONDS) as raw, context.wrap_socket(raw, server_hostname=host) as tls:
        found = tls.getpeercert() or {}
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(found["notAfter"])), UTC)
