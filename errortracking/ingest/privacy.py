"""What the operator does not want to keep of a request, by settings: secrets, and where it came from."""

from __future__ import annotations

from django.conf import settings

from errortracking.ingest import metrics
from errortracking.ingest.masking.walk import mask_events
from errortracking.models.payload import EventEntry

_ADDRESS = "$ip"  # where SDKs and proxies put a client's address that is not that of the connection


def apply(entries: list[EventEntry]) -> None:
    """Mask secrets (``HEALTHTRACK_MASK_SECRETS``) and drop addresses (``HEALTHTRACK_KEEP_CLIENT_IP``) in place.

    Before the request is written to the queue: no disk, backup or replica ever has what is masked here.
    """
    if not settings.KEEP_CLIENT_IP:
        for entry in entries:
            entry["properties"].pop(_ADDRESS, None)
    if settings.MASK_SECRETS:
        for kind, count in mask_events(entries).items():
            metrics.MASKED.labels(kind).inc(count)


def address(ip: str | None) -> str | None:
    """Return the address to be kept with a request; None where there is none, or none may be kept."""
    return ip or None if settings.KEEP_CLIENT_IP else None
