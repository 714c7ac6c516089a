"""Counters of the edge. Labels hold nothing that a client can choose."""

from __future__ import annotations

from functools import cache
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


def answered(route: str, status: int) -> None:
    """Count an answer of a route."""
    _answers(route, status).inc()


@cache  # as many as there are routes and statuses; to find one anew costs as much as to count
def _answers(route: str, status: int) -> Counter:
    return REQUESTS.labels(route, str(status))
