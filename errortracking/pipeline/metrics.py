"""What the pipeline reports to Prometheus."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import Counter, Histogram

EVENTS = Counter(
    "healthtrack_events",
    "Events that the pipeline is done with, by what became of them.",
    ["outcome"],
)
RATE_LIMITS = Counter(
    "healthtrack_rate_limits",
    "Exceptions that came to the rate limits, by what these said and whose limit it was.",
    ["outcome", "reason"],
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
RULES_SKIPPED = Counter(
    "healthtrack_rules_skipped", "Times a rule was skipped for an event that is too large.", ["kind"]
)
RULES_SWITCHED_OFF = Counter("healthtrack_rules_switched_off", "Rules that failed and were switched off.", ["kind"])


def count_limited(counts: Mapping[str, int]) -> None:
    """Add what the rate limits said of committed events, by ``outcome`` or ``outcome/reason``."""
    for said, count in counts.items():
        outcome, _, reason = said.partition("/")
        RATE_LIMITS.labels(outcome, reason).inc(count)
