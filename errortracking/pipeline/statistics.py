"""Stage: the numbers of issues and of their fingerprints (first and last seen, occurrences, users)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from environments.tenancy import sql
from errortracking.models import Outcome
from errortracking.pipeline.batch import Batch


@dataclass(slots=True)
class _Numbers:
    first: datetime
    last: datetime
    occurrences: int = 0

    def add(self, at: datetime) -> None:
        self.first, self.last = min(self.first, at), max(self.last, at)
        self.occurrences += 1


def count_occurrences(batch: Batch) -> None:
    """Add the stored events of the batch to the statistics of their fingerprints and issues."""
    fingerprints: dict[UUID, _Numbers] = {}
    issues: dict[UUID, _Numbers] = {}
    pairs: dict[tuple[UUID, UUID], UUID] = {}  # (fingerprint, user) → issue
    for event in batch.events:
        if event.outcome != Outcome.STORED or event.fingerprint_id is None or event.issue_id is None:
            continue
        at = event.timestamp
        fingerprints.setdefault(event.fingerprint_id, _Numbers(at, at)).add(at)
        issues.setdefault(event.issue_id, _Numbers(at, at)).add(at)
        pairs[event.fingerprint_id, user_key(event.entry["distinct_id"])] = event.issue_id
    if fingerprints:
        users = _add_users(batch.environment_id, pairs)
        _add_to_fingerprints(batch.environment_id, fingerprints)
        _add_to_issues(batch.environment_id, issues, users)


def user_key(distinct_id: str) -> UUID:
    """Return how `FingerprintUser` knows a ``distinct_id``: the first 16 bytes of its SHA-256."""
    return UUID(bytes=sha256(distinct_id.encode()).digest()[:16])


# All parts of one statement see the tables as they were before it: what `added` adds, the NOT EXISTS does not
# find. So a user who is new to several fingerprints of one issue counts once, and one whom any of its other
# fingerprints knows does not count. Most issues have no other, and nothing is looked for. `OFFSET 0` keeps the planner
# from looking for the user first, among all fingerprints of the project.
_ADD_USERS = """
    WITH pair AS (
        SELECT * FROM unnest(%(fingerprints)b::uuid[], %(users)b::uuid[], %(issues)b::uuid[])
            AS pair(fingerprint_id, user_key, issue_id)
    ), added AS (
        INSERT INTO errortracking_fingerprintuser (environment_id, fingerprint_id, user_key)
        SELECT %(environment)s, fingerprint_id, user_key FROM pair
        ON CONFLICT (environment_id, fingerprint_id, user_key) DO NOTHING
        RETURNING fingerprint_id, user_key
    )
    SELECT pair.issue_id, count(DISTINCT pair.user_key)
    FROM added JOIN pair USING (fingerprint_id, user_key)
    WHERE NOT EXISTS (
        SELECT FROM (
            SELECT f.id FROM errortracking_fingerprint f
            WHERE f.environment_id = %(environment)s AND f.issue_id = pair.issue_id AND f.id <> pair.fingerprint_id
            OFFSET 0
        ) AS f CROSS JOIN LATERAL (
            SELECT FROM errortracking_fingerprintuser u
            WHERE u.environment_id = %(environment)s AND u.fingerprint_id = f.id AND u.user_key = pair.user_key OFFSET 0
        ) AS known
    )
    GROUP BY pair.issue_id
"""


def _add_users(environment_id: int, pairs: dict[tuple[UUID, UUID], UUID]) -> dict[UUID, int]:
    """Remember who has seen which fingerprint, and return how many users are new to each issue."""
    keys = sorted(pairs)
    parameters = {
        "environment": environment_id,
        "fingerprints": [fingerprint for fingerprint, _ in keys],
        "users": [user for _, user in keys],
        "issues": [pairs[key] for key in keys],
    }
    with sql.cursor() as cursor:
        return dict(cursor.execute(_ADD_USERS, parameters).fetchall())


_ADD_TO_FINGERPRINTS = """
    INSERT INTO errortracking_fingerprintstatistics AS s
        (environment_id, fingerprint_id, first_seen, last_seen, occurrences)
    SELECT %(environment)s, new.*
    FROM unnest(%(ids)b::uuid[], %(first)b::timestamptz[], %(last)b::timestamptz[], %(occurrences)b::bigint[])
        AS new(fingerprint_id, first_seen, last_seen, occurrences)
    ON CONFLICT (environment_id, fingerprint_id) DO UPDATE
    SET first_seen = least(s.first_seen, excluded.first_seen), last_seen = greatest(s.last_seen, excluded.last_seen),
        occurrences = s.occurrences + excluded.occurrences
"""


def _add_to_fingerprints(environment_id: int, numbers: dict[UUID, _Numbers]) -> None:
    with sql.cursor() as cursor:
        cursor.execute(_ADD_TO_FINGERPRINTS, {"environment": environment_id, **_columns(numbers)})


_ADD_TO_ISSUES = """
    INSERT INTO errortracking_issuestatistics AS s
        (environment_id, issue_id, first_seen, last_seen, occurrences, users)
    SELECT %(environment)s, new.*
    FROM unnest(%(ids)b::uuid[], %(first)b::timestamptz[], %(last)b::timestamptz[], %(occurrences)b::bigint[],
                %(users)b::bigint[])
        AS new(issue_id, first_seen, last_seen, occurrences, users)
    ON CONFLICT (environment_id, issue_id) DO UPDATE
    SET first_seen = least(s.first_seen, excluded.first_seen), last_seen = greatest(s.last_seen, excluded.last_seen),
        occurrences = s.occurrences + excluded.occurrences, users = s.users + excluded.users
"""


def _add_to_issues(environment_id: int, numbers: dict[UUID, _Numbers], users: dict[UUID, int]) -> None:
    columns = _columns(numbers)
    columns["users"] = [users.get(id_, 0) for id_ in sorted(numbers)]
    with sql.cursor() as cursor:
        cursor.execute(_ADD_TO_ISSUES, {"environment": environment_id, **columns})


def _columns(numbers: dict[UUID, _Numbers]) -> dict[str, list[object]]:
    """Return ``numbers`` as columns in the order of their ids: rows are locked in one order by everybody."""
    ids = sorted(numbers)
    return {
        "ids": list(ids),
        "first": [numbers[id_].first for id_ in ids],
        "last": [numbers[id_].last for id_ in ids],
        "occurrences": [numbers[id_].occurrences for id_ in ids],
    }
