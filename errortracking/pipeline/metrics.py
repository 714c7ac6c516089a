"""What the pipeline reports to Prometheus."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

EVENTS = Counter(
    "healthtrack_events",
    "Events that the pipeline is done with, by what became of them.",
    ["outcome"],
)
BATCH_SECONDS = Histogram(
    "healthtrack_batch_seconds",
    "From the lease of a batch to its committed effect.",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
BATCH_BYTES = Counter("healthtrack_batch_bytes", "Compressed bytes of the requests that the pipeline is done with.")
RETRIES = Counter("healthtrack_batch_retries", "Batches whose effect was tried again after a transient error.")
ISOLATED = Counter("healthtrack_isolated_requests", "Requests that were processed alone, event by event.")
DROPPED = Counter("healthtrack_dropped_events", "Events of projects that were deleted while they waited.")
