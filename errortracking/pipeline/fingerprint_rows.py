"""Rows of fingerprints: made for the first exception of its kind, and where a source map makes another of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import orjson

from environments.tenancy import sql
from errortracking.pipeline.fingerprint import Fingerprint


class NewFingerprint(NamedTuple):
    """A fingerprint that is to belong to an issue."""

    id: UUID
    issue_id: UUID
    fingerprint: Fingerprint
    first_seen: datetime


_INSERT = """
    INSERT INTO errortracking_fingerprint
        (environment_id, id, issue_id, fingerprint, version, kind, record, first_seen, created_at)
    SELECT %(environment)s, new.id, new.issue_id, new.fingerprint, 0, new.kind, new.record::jsonb, new.first_seen,
           %(now)s
    FROM unnest(%(ids)b::uuid[], %(issues)b::uuid[], %(fingerprints)b::text[], %(kinds)b::text[], %(records)b::text[],
                %(first_seen)b::timestamptz[])
        AS new(id, issue_id, fingerprint, kind, record, first_seen)
    ON CONFLICT (environment_id, fingerprint) DO NOTHING
    RETURNING fingerprint
"""


def insert(environment_id: int, now: datetime, new: Iterable[NewFingerprint]) -> set[str]:
    """Insert what nobody else has inserted, in one order by everybody; return which values that were."""
    rows = sorted(new, key=lambda row: row.fingerprint.value)
    parameters = {
        "environment": environment_id,
        "now": now,
        "ids": [row.id for row in rows],
        "issues": [row.issue_id for row in rows],
        "fingerprints": [row.fingerprint.value for row in rows],
        "kinds": [_kind(row.fingerprint) for row in rows],
        "records": [orjson.dumps(row.fingerprint.record).decode() for row in rows],
        "first_seen": [row.first_seen for row in rows],
    }
    with sql.cursor() as cursor:
        cursor.execute(_INSERT, parameters)
        return {value for (value,) in cursor.fetchall()}


def _kind(fingerprint: Fingerprint) -> str:
    """Return the version, or whose word it was: ``manual`` or ``custom``."""
    return fingerprint.version or str(fingerprint.record[0]["type"])
