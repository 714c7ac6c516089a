"""What the rate limits have dropped of an issue, as its page in the admin shows it."""

from __future__ import annotations

from dataclasses import dataclass

from environments.tenancy import sql
from errortracking.models import DropReason, Issue


@dataclass(frozen=True, slots=True)
class Dropped:
    """How many exceptions of an issue were dropped in the days that are kept, by whose limit."""

    by_issue: int = 0
    by_project: int = 0

    @property
    def all(self) -> int:
        """How many it were together."""
        return self.by_issue + self.by_project


_DROPPED = """
    SELECT c.reason, sum(c.count)::bigint
    FROM errortracking_fingerprint f
    JOIN errortracking_ratelimitedcount c ON c.environment_id = f.environment_id AND c.fingerprint_id = f.id
    WHERE f.environment_id = %s AND f.issue_id = %s
    GROUP BY c.reason
"""


def dropped(issue: Issue) -> Dropped:
    """Return what was dropped of ``issue``: the sum over its fingerprints."""
    with sql.cursor() as cursor:
        found: dict[str, int] = dict(cursor.execute(_DROPPED, [issue.environment_id, issue.pk]).fetchall())
    return Dropped(found.get(DropReason.ISSUE.value, 0), found.get(DropReason.PROJECT.value, 0))
