"""The tasks of recommendations."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from procrastinate.contrib.django import app

from errortracking.recommendations.claims import TASK
from errortracking.recommendations.computing import compute
from errortracking.recommendations.sweep import sweep


@app.task(name=TASK)
def compute_recommendation(environment_id: int, row_id: str, claimed_at: str) -> None:
    """Compute one row. Never tried again by itself: the next look at the list, or the sweep, does so."""
    compute(environment_id, UUID(row_id), datetime.fromisoformat(claimed_at))


@app.periodic(cron="23 * * * *")
@app.task(
    name="errortracking.recommendations_sweep",
    queueing_lock="errortracking.recommendations_sweep",
    lock="errortracking.recommendations_sweep",
)
def sweep_recommendations(timestamp: int) -> None:
    """Start what has become stale; ``timestamp`` is the minute that it was due."""
    sweep()
