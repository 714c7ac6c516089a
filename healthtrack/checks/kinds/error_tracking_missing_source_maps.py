"""Most frames of JavaScript are minified, because their source maps are missing (pipeline 5.4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from errortracking.models import Recommendation
from errortracking.recommendations.registry import TYPES
from healthtrack.checks.base import Finding, Findings, HealthCheck, Payload, Remediation
from healthtrack.models import HealthSeverity

TYPE = TYPES["source_maps"]


class MissingSourceMaps(HealthCheck):
    """What the recommendation of this name has found: it is computed in time, and may be dismissed there."""

    kind = "error_tracking_missing_source_maps"
    title = "Missing source maps"
    cron = "0 7 * * *"
    window = timedelta(days=30)
    hash_keys = ()
    link = "/admin/errortracking/stackframe/"
    remediation = Remediation(
        human=(
            "Upload the source maps of each build: run `posthog-cli sourcemap inject` and `posthog-cli sourcemap "
            "upload` after it, with this server as the host. docs/source-maps.md shows how."
        ),
        agent=(
            "The application's stack traces are minified. Make the bundler write source maps (hidden ones will do), "
            "and add to the build, after bundling and before deployment: `posthog-cli sourcemap inject --directory "
            "<output>` and `posthog-cli sourcemap upload --directory <output>`, with POSTHOG_CLI_HOST, "
            "POSTHOG_CLI_ENV_ID and POSTHOG_CLI_TOKEN (scope error_tracking:write) of this server. Deploy the injected "
            "files."
        ),
    )

    def detect(self, environment_ids: Sequence[int], now: datetime) -> Findings:
        """Take the computed rows that are neither dismissed nor completed."""
        rows = Recommendation.objects.filter(
            environment_id__in=environment_ids,
            type=TYPE.name,
            computed_at__isnull=False,
            dismissed_at__isnull=True,
        ).values_list("environment_id", "meta")
        return {
            environment_id: [Finding(HealthSeverity.WARNING, meta)]
            for environment_id, meta in rows
            if not TYPE.is_completed(meta)
        }

    def summary_of(self, payload: Payload, severity: str) -> str:
        """Return how many frames it is about."""
        return (
            f"{payload['unresolved_frames']} of the {payload['total_frames']} newest JavaScript frames of "
            f"{payload['lookback_hours']} hours could not be resolved"
        )


CHECK = MissingSourceMaps()
