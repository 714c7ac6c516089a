"""Counters of the edge. Labels hold nothing that a client can choose."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter

REQUESTS: Final = Counter(
    "healthtrack_ingest_requests", "Requests of SDKs, by route and HTTP status of the answer.", ["route", "status"]
)
EVENTS: Final = Counter("healthtrack_ingest_events", "Events accepted and committed to the queue.")
REFUSALS: Final = Counter(
    "healthtrack_ingest_refusals",
    "Requests refused, by reason; unknown_token is an SDK that reports to no project of this server.",
    ["reason"],
)
MASKED: Final = Counter(
    "healthtrack_ingest_masked_values",
    "Values masked because they look like secrets, by what told so.",
    ["kind"],
)
