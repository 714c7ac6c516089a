"""The numbers of issues, made anew of those of their fingerprints."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from environments.tenancy import sql

# Whose fingerprints have counted nothing, or who has none, has no numbers.
_FORGET = """
    DELETE FROM errortracking_issuestatistics i
    WHERE i.environment_id = %(environment)s AND i.issue_id = ANY(%(issues)b::uuid[]) AND NOT EXISTS (
        SELECT FROM errortracking_fingerprint f
        JOIN errortracking_fingerprintstatistics s ON s.environment_id = f.environment_id AND s.fingerprint_id = f.id
        WHERE f.environment_id = %(environment)s AND f.issue_id = i.issue_id
    )
"""
# A user of several fingerprints is one user, so users are counted, where the rest is added up.
_RECOMPUTE = """
    INSERT INTO errortracking_issuestatistics AS i
        (environment_id, issue_id, first_seen, last_seen, occurrences, users)
    SELECT %(environment)s, new.*, (
        SELECT count(DISTINCT u.user_key)
        FROM errortracking_fingerprint f
        JOIN errortracking_fingerprintuser u ON u.environment_id = f.environment_id AND u.fingerprint_id = f.id
        WHERE f.environment_id = %(environment)s AND f.issue_id = new.issue_id
    )
    FROM (
        SELECT f.issue_id, min(s.first_seen), max(s.last_seen), sum(s.occurrences)::bigint
        FROM errortracking_fingerprint f
        JOIN errortracking_fingerprintstatistics s ON s.environment_id = f.environment_id AND s.fingerprint_id = f.id
        WHERE f.environment_id = %(environment)s AND f.issue_id = ANY(%(issues)b::uuid[])
        GROUP BY f.issue_id ORDER BY f.issue_id
    ) AS new
    ON CONFLICT (environment_id, issue_id) DO UPDATE
    SET first_seen = excluded.first_seen, last_seen = excluded.last_seen, occurrences = excluded.occurrences,
        users = excluded.users
"""


def recompute(environment_id: int, issues: Collection[UUID]) -> None:
    """Make the numbers of ``issues`` anew; their fingerprints are locked by the caller (`locking.lock`)."""
    parameters = {"environment": environment_id, "issues": sorted(issues)}
    with sql.cursor() as cursor:
        cursor.execute(_FORGET, parameters)
        cursor.execute(_RECOMPUTE, parameters)


class Sums(NamedTuple):
    """What fingerprints have counted together."""

    occurrences: int
    users: int


_SUMS = """
    SELECT (
        SELECT coalesce(sum(s.occurrences), 0)::bigint FROM errortracking_fingerprintstatistics s
        WHERE s.environment_id = %(environment)s AND s.fingerprint_id = ANY(%(fingerprints)b::uuid[])
    ), (
        SELECT count(DISTINCT u.user_key) FROM errortracking_fingerprintuser u
        WHERE u.environment_id = %(environment)s AND u.fingerprint_id = ANY(%(fingerprints)b::uuid[])
    )
"""


def sums(environment_id: int, fingerprints: Collection[UUID]) -> Sums:
    """Return how many occurrences and distinct users ``fingerprints`` have together."""
    with sql.cursor() as cursor:
        parameters = {"environment": environment_id, "fingerprints": sorted(fingerprints)}
        return Sums(*(cursor.execute(_SUMS, parameters).fetchone() or (0, 0)))


def occurrences(environment_id: int, fingerprints: Collection[UUID]) -> int:
    """Return how many occurrences ``fingerprints`` have together."""
    with sql.cursor() as cursor:
        row = cursor.execute(
            "SELECT coalesce(sum(s.occurrences), 0)::bigint FROM errortracking_fingerprintstatistics s"
            " WHERE s.environment_id = %s AND s.fingerprint_id = ANY(%b::uuid[])",
            [environment_id, sorted(fingerprints)],
        ).fetchone()
    return int(row[0]) if row else 0
