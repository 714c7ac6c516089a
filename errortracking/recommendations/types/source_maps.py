"""Upload source maps, so that JavaScript frames show the source and not the minified bundle."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from environments import clock
from environments.tenancy import sql
from errortracking.recommendations.base import Meta, RecommendationType

THRESHOLD: Final = 0.3  # share of unresolved frames up to which all is well
MIN_FRAMES: Final = 20  # fewer say nothing
SAMPLE: Final = 2_000  # rows, the newest
LOOKBACK_HOURS: Final = 24

# A frame is one row however many events have it, and its created_at is when it was resolved last. The index on
# (environment_id, created_at) is read backwards, until the sample is full.
_COUNT: Final = """
    SELECT count(*), count(*) FILTER (WHERE NOT resolved)
    FROM (
        SELECT c.resolved
        FROM errortracking_stackframe f
        JOIN errortracking_framecontent c ON c.environment_id = f.environment_id AND c.id = f.content_id
        WHERE f.environment_id = %(environment)s AND f.created_at >= %(since)s AND c.contents->>'lang' = 'javascript'
        ORDER BY f.created_at DESC
        LIMIT %(sample)s
    ) AS newest
"""


def summary(total: int, unresolved: int) -> Meta:
    """Return ``meta`` for that many frames, of which that many were not resolved. ``unresolved_pct`` is a share."""
    return {
        "total_frames": total,
        "unresolved_frames": unresolved,
        "unresolved_pct": unresolved / total if total else 0.0,
        "threshold_pct": THRESHOLD,
        "min_sample_frames": MIN_FRAMES,
        "sample_frames": SAMPLE,
        "lookback_hours": LOOKBACK_HOURS,
    }


class SourceMaps(RecommendationType):
    """Completed when few frames are unresolved, or there are too few to tell."""

    name = "source_maps"
    interval = timedelta(hours=6)

    def compute(self, environment_id: int) -> Meta:
        """Return how many of the newest JavaScript frames of the last day are resolved."""
        since = clock.now() - timedelta(hours=LOOKBACK_HOURS)
        with sql.cursor() as cursor:
            cursor.execute(_COUNT, {"environment": environment_id, "since": since, "sample": SAMPLE})
            total, unresolved = cursor.fetchone() or (0, 0)
        return summary(total, unresolved)

    def is_completed(self, meta: Meta) -> bool:
        """Return whether too few frames came, or few enough of them are unresolved."""
        return bool(meta.get("total_frames", 0) < MIN_FRAMES or meta.get("unresolved_pct", 0) <= THRESHOLD)


TYPE = SourceMaps()
