"""An SDK in use is far behind its latest version (pipeline 5.4 and 5.5)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from environments.tenancy import sql
from errortracking.models.partitions import utc_day
from healthtrack.checks import sdk_age, sdk_texts, sdk_versions
from healthtrack.checks.base import Finding, Findings, HealthCheck, Payload, Remediation
from healthtrack.checks.sdk_age import Used
from healthtrack.models import HealthSeverity

DAYS: Final = 7

_USED: Final = """
    SELECT environment_id, sdk, sdk_version, sum(count)::bigint, max(last_received_at)
    FROM errortracking_eventcount
    WHERE environment_id = ANY(%s) AND day >= %s AND day <= %s AND sdk = ANY(%s) AND sdk_version <> ''
    GROUP BY environment_id, sdk, sdk_version
    ORDER BY environment_id, sdk, sdk_version
"""


class SdkOutdated(HealthCheck):
    """One finding per SDK that needs an update."""

    kind = "sdk_outdated"
    title = "SDK is outdated"
    cron = "0 8 * * *"
    window = timedelta(days=DAYS)
    hash_keys = ("sdk_name",)
    link = "/admin/errortracking/eventcount/"
    remediation = Remediation(
        human=(
            "Update the SDK to the version that is named, and deploy every part that still sends the old ones. Read "
            "its change log first where the first number differs."
        ),
        agent=(
            "Find where the SDK is declared (package.json, requirements, a snippet that pins a version) and raise it "
            "to `latest_version`; `usage` lists the versions still in use. For a major version read its change log and "
            "adapt the calls. Run the tests; do not change what is sent."
        ),
    )

    def detect(self, environment_ids: Sequence[int], now: datetime) -> Findings:
        """Judge the versions that sent events in the last week."""
        table = sdk_versions.current()
        used: dict[int, dict[str, list[Used]]] = defaultdict(lambda: defaultdict(list))
        with sql.cursor() as cursor:
            parameters = [list(environment_ids), utc_day(now - self.window), utc_day(now), list(table.sdks)]
            for environment_id, sdk, *row in cursor.execute(_USED, parameters).fetchall():
                used[environment_id][sdk].append(Used(*row))
        today = now.astimezone(UTC).date()
        return {one: findings(sdk_age.assess_all(table, sdks, today)) for one, sdks in used.items()}

    def title_of(self, payload: Payload) -> str:
        """Return a title that names the SDK."""
        return f"{payload.get('sdk_name')} SDK is outdated"


def findings(assessments: Sequence[sdk_age.Assessment]) -> list[Finding]:
    """Return what to say of a project's SDKs."""
    severity = HealthSeverity.CRITICAL if sdk_age.are_most_outdated(assessments) else HealthSeverity.WARNING
    return [Finding(severity, sdk_texts.payload(one)) for one in assessments if one.needs_update]


CHECK = SdkOutdated()
