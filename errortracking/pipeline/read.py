"""Stage: the exceptions of a batch are parsed, cleaned, cut and brought into canonical order (pipeline 2.2)."""

from __future__ import annotations

from errortracking.pipeline.batch import Batch
from errortracking.pipeline.parse import parse


def read_exceptions(batch: Batch) -> None:
    """Fill ``parsed`` and ``timestamp`` of the live exceptions. Whatever was sent, the event is kept (see `parse`)."""
    for event in batch.live:
        event.timestamp = event.happened_at()
        event.parsed = event.read_ahead or parse(event.uuid, event.entry["properties"], batch.now)
