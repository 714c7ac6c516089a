"""From findings to health issues: what is new, what is still so, and what is over (pipeline 5.2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import orjson
from django.db import transaction

from environments.ids import uuid7
from environments.tenancy import guard, sql
from healthtrack.checks import telling
from healthtrack.checks.base import Findings, HealthCheck
from healthtrack.checks.changes import Changed, Changes
from healthtrack.checks.hashing import unique_hash
from healthtrack.models import SEVERITY_ORDER

_LOCK_CLASS: Final = 0x48544348  # "HTCH": first half of a kind's advisory lock; the second is a hash of the kind


_LIVING: Final = """
    SELECT id FROM environments_project WHERE id = ANY(%s) AND deleted_at IS NULL ORDER BY id FOR KEY SHARE
"""
# The index is partial: a resolved twin is no conflict, so a recurrence is a new row. A row that was not there before
# has no severity of before.
_UPSERT: Final = """
    WITH before AS (
        SELECT h.id, h.severity FROM healthtrack_healthissue h
        WHERE h.environment_id = ANY(%(environments)b) AND h.kind = %(kind)s AND h.status = 'active'
    )
    INSERT INTO healthtrack_healthissue AS h
        (environment_id, id, kind, severity, status, dismissed, payload, unique_hash, created_at, updated_at)
    SELECT new.environment_id, new.id, %(kind)s, new.severity, 'active', false, new.payload::jsonb, new.hash,
           %(now)s, %(now)s
    FROM unnest(%(environments)b::int[], %(ids)b::uuid[], %(severities)b::text[], %(payloads)b::text[],
                %(hashes)b::text[]) AS new(environment_id, id, severity, payload, hash)
    ON CONFLICT (environment_id, kind, unique_hash) WHERE status = 'active'
    DO UPDATE SET severity = excluded.severity, payload = excluded.payload, updated_at = excluded.updated_at
    RETURNING h.environment_id, h.id, h.severity, h.payload::text, h.dismissed,
        (SELECT before.severity FROM before WHERE before.id = h.id)
"""
_RESOLVE: Final = """
    UPDATE healthtrack_healthissue h SET status = 'resolved', resolved_at = %(now)s, updated_at = %(now)s
    WHERE h.environment_id = ANY(%(processed)b) AND h.kind = %(kind)s AND h.status = 'active'
      AND NOT EXISTS (
          SELECT FROM unnest(%(environments)b::int[], %(hashes)b::text[]) AS found(environment_id, hash)
          WHERE found.environment_id = h.environment_id AND found.hash = h.unique_hash
      )
    RETURNING h.environment_id, h.id, h.severity, h.payload::text, h.dismissed
"""


def enter(kind: str) -> None:
    """Wait until no other run of this kind is at it, and keep others out until the end of the transaction."""
    with sql.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [_LOCK_CLASS, kind])


def record(check: HealthCheck, processed: Sequence[int], findings: Findings, now: datetime) -> Changes:
    """Write what a check found in the ``processed`` projects, and resolve what it no longer finds there.

    In one transaction, which two runs of one kind enter one after the other. Projects that are gone, and findings of
    projects that were not asked about, are left out; of two findings with one hash the first counts. A project that is
    not in ``processed`` keeps its issues.
    """
    with transaction.atomic(), guard.maintenance("what a check found in many projects"), sql.cursor() as cursor:
        enter(check.kind)
        living = [row[0] for row in cursor.execute(_LIVING, [list(processed)]).fetchall()]
        parameters = _parameters(check, living, findings, now)
        changes = Changes()
        for *row, before in cursor.execute(_UPSERT, parameters).fetchall():
            if before is None:
                changes.firing.append(_changed(row))
                continue
            changes.refreshed += 1
            if SEVERITY_ORDER.index(row[2]) < SEVERITY_ORDER.index(before):
                changes.worse.append(_changed(row))
        changes.resolved = [_changed(row) for row in cursor.execute(_RESOLVE, parameters).fetchall()]
        telling.tell(check.kind, [*changes.firing, *changes.worse], changes.resolved, now)
    return changes


def _parameters(check: HealthCheck, living: Sequence[int], findings: Findings, now: datetime) -> dict[str, object]:
    rows = {
        (environment_id, unique_hash(check.kind, finding.payload, check.hash_keys)): finding
        for environment_id in living
        for finding in reversed(findings.get(environment_id, ()))
    }
    keys = sorted(rows)
    return {
        "kind": check.kind,
        "now": now,
        "processed": living,
        "environments": [environment_id for environment_id, _ in keys],
        "ids": [uuid7(now) for _ in keys],
        "severities": [rows[key].severity.value for key in keys],
        "payloads": [orjson.dumps(rows[key].payload).decode() for key in keys],
        "hashes": [hash_ for _, hash_ in keys],
    }


def _changed(row: Iterable[object]) -> Changed:
    environment_id, id_, severity, payload, dismissed = row
    return Changed(environment_id, id_, severity, orjson.loads(payload), dismissed)  # type: ignore[arg-type]
