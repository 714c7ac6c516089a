"""``HEALTHTRACK_S3_…``: checked when the settings are read, so that a typing error is not met by the first upload."""

from __future__ import annotations

from urllib.parse import urlsplit


def check(bucket: str, endpoint: str, access_key: str, secret_key: str) -> None:
    """Raise ``ValueError`` for settings that no object store can be reached with; its text shows no secret."""
    if bool(access_key) != bool(secret_key):
        raise ValueError("HEALTHTRACK_S3_ACCESS_KEY and HEALTHTRACK_S3_SECRET_KEY belong together: set both or none")
    if not endpoint:
        return
    if not bucket:
        raise ValueError("HEALTHTRACK_S3_ENDPOINT needs HEALTHTRACK_S3_BUCKET")
    try:
        url = urlsplit(endpoint)
        fine = (
            url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0 and not (url.query or url.fragment)
        )
    except ValueError:
        fine = False
    if not fine:
        raise ValueError("HEALTHTRACK_S3_ENDPOINT must be an address such as https://minio.example.com:9000")
