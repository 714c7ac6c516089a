"""Whom to trust: the machine's own certificate authorities, and certifi's where the machine brings none."""

from __future__ import annotations

import ssl
from functools import cache
from pathlib import Path

import certifi


@cache
def context(kind: type[ssl.SSLSocket]) -> ssl.SSLContext:
    """Return the context of this process, whose sockets are of ``kind``: names and certificates are verified.

    ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` name other authorities, as for every program that uses OpenSSL.
    """
    made = ssl.create_default_context()
    if not _has_authorities():
        made.load_verify_locations(certifi.where())
    made.sslsocket_class = kind
    return made


def _has_authorities() -> bool:
    """Return whether OpenSSL has a file or a filled folder to look into. Its own count stays 0 for a folder."""
    paths = ssl.get_default_verify_paths()  # both are None where they do not exist
    return bool(paths.cafile) or bool(paths.capath and any(Path(paths.capath).iterdir()))
