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

LOOKED_AT: Final = 100_000
"""Rows that are looked at to find the sample. Without a bound a project that resolves millions of frames of another
language in a day would have all of them looked at, every six hours."""

# A frame is one row however many events have it, and its created_at is when it was resolved last. The index on
# (environment_id, created_at) is read backwards, until the sample is full. The LIMIT within makes each content a
# look-up by its key: joined, PostgreSQL may read all contents first, as it takes JavaScript for rare.
_COUNT: Final = """
    SELECT count(*), count(*) FILTER (WHERE NOT resolved)
    FROM (
        SELECT c.resolved
        FROM (
            SELECT f.content_id, f.created_at FROM errortracking_stackframe f
            WHERE f.environment_id = %(environment)s AND f.created_at >= %(since)s
            ORDER BY f.created_at DESC
            LIMIT %(looked_at)s
        ) AS newest
        CROSS JOIN LATERAL (
            SELECT c.resolved, c.contents->>'lang' AS lang FROM errortracking_framecontent c
            WHERE c.environment_id = %(environment)s AND c.id = newest.content_id
            LIMIT 1
        ) AS c
        WHERE c.lang = 'javascript'
        ORDER BY newest.created_at DESC
        LIMIT %(sample)s
    ) AS sample
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
            parameters = {"environment": environment_id, "since": since, "sample": SAMPLE, "looked_at": LOOKED_AT}
            cursor.execute(_COUNT, parameters)
            total, unresolved = cursor.fetchone() or (0, 0)
        return summary(total, unresolved)

    def is_completed(self, meta: Meta) -> bool:
        """Return whether too few frames came, or few enough of them are unresolved."""
        return bool(meta.get("total_frames", 0) < MIN_FRAMES or meta.get("unresolved_pct", 0) <= THRESHOLD)


TYPE = SourceMaps()
