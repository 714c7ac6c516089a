"""Stage: each exception's issue is found, made or opened again (pipeline 2.9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import orjson

from environments.ids import uuid7
from environments.tenancy import sql
from errortracking.models import IssueStatus, Outcome
from errortracking.models.issues import TEXT_LENGTH, Severity
from errortracking.pipeline import group
from errortracking.pipeline.batch import Accepted, Batch, KnownFingerprint
from errortracking.pipeline.clean import cut
from errortracking.pipeline.fingerprint import Fingerprint

# The reason counted; the id of the issue would make a counter of its own for each issue and day.
SUPPRESSED_ISSUE = "issue"
# Statuses that an exception leaves alone; any other becomes active again.
_STAYS = (IssueStatus.ACTIVE, IssueStatus.SUPPRESSED)


@dataclass(slots=True)
class _New:
    """A fingerprint that is not in the database yet. ``issue_id`` is that of an old issue, or of one to be made."""

    fingerprint: Fingerprint
    event: Accepted
    id: UUID
    issue_id: UUID
    is_new_issue: bool


def link_to_issues(batch: Batch) -> None:
    """Find or make the issue of each live exception, reopen what was resolved, and drop what people suppressed."""
    _make_missing(batch)
    for event in batch.live:
        if event.fingerprint:
            known = batch.known[event.fingerprint.value]
            event.fingerprint_id, event.issue_id = known.id, known.issue_id
    _reopen(batch)
    suppressed = [event for event in batch.live if _status(batch, event) == IssueStatus.SUPPRESSED]
    batch.end(suppressed, Outcome.SUPPRESSED, SUPPRESSED_ISSUE)


def _status(batch: Batch, event: Accepted) -> str | None:
    return batch.known[event.fingerprint.value].status if event.fingerprint else None


def _make_missing(batch: Batch) -> None:
    new = _missing(batch)
    if not new:
        return
    _insert_issues(batch, [one for one in new.values() if one.is_new_issue])
    inserted = _insert_fingerprints(batch, list(new.values()))
    for value, one in new.items():
        if value in inserted:
            status = batch.known[_first(one)].status if not one.is_new_issue else IssueStatus.ACTIVE.value
            batch.known[value] = KnownFingerprint(one.id, one.issue_id, status)
    lost = [value for value in new if value not in inserted]
    if lost:  # somebody else made it since `group` looked; theirs is the issue, ours goes
        _delete_issues(batch, [new[value].issue_id for value in lost if new[value].is_new_issue])
        batch.known |= group.find(batch.environment_id, lost)
    # Assignment rules and the outbox hear of the issues created here once there are any.


def _first(one: _New) -> str:
    """Return the fingerprint by which the event of ``one`` was recognised."""
    assert one.event.fingerprint is not None  # noqa: S101  # only grouped events bring fingerprints
    return one.event.fingerprint.value


def _missing(batch: Batch) -> dict[str, _New]:
    """Return the fingerprints to be made, by their text, each with the event that brought it first."""
    new: dict[str, _New] = {}
    for event in batch.live:
        if event.fingerprint is None:
            continue
        value = event.fingerprint.value
        if value not in batch.known and value not in new:
            new[value] = _New(event.fingerprint, event, uuid7(batch.now), uuid7(batch.now), is_new_issue=True)
        newest = event.candidates[0]
        if group.is_legacy(event) and newest.value not in batch.known and newest.value not in new:
            old_issue = new[value].issue_id if value in new else batch.known[value].issue_id
            new[newest.value] = _New(newest, event, uuid7(batch.now), old_issue, is_new_issue=False)
    return new


_INSERT_ISSUES = """
    INSERT INTO errortracking_issue
        (environment_id, id, created_at, state_updated_at, status, name, description, severity)
    SELECT %(environment)s, new.id, %(now)s, %(now)s, %(status)s, new.name, new.description, new.severity
    FROM unnest(%(ids)b::uuid[], %(names)b::text[], %(descriptions)b::text[], %(severities)b::text[])
        AS new(id, name, description, severity)
"""


def _insert_issues(batch: Batch, new: list[_New]) -> None:
    parameters = {
        "environment": batch.environment_id,
        "now": batch.now,
        "status": IssueStatus.ACTIVE.value,
        "ids": [one.issue_id for one in new],
        "names": [_name(one.event) for one in new],
        "descriptions": [_description(one.event) for one in new],
        "severities": [_severity(one.event) for one in new],
    }
    with sql.cursor() as cursor:
        cursor.execute(_INSERT_ISSUES, parameters)


def _name(event: Accepted) -> str:
    return cut(event.parsed.issue_name or event.parsed.exceptions[0].type, TEXT_LENGTH)


def _description(event: Accepted) -> str:
    return cut(event.parsed.issue_description or event.parsed.exceptions[0].value, TEXT_LENGTH)


def _severity(event: Accepted) -> str | None:
    severity = event.parsed.properties.get("$issue_severity")
    return severity if isinstance(severity, str) and severity in Severity.values else None


_INSERT_FINGERPRINTS = """
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


def _insert_fingerprints(batch: Batch, new: list[_New]) -> set[str]:
    """Insert what nobody else has inserted, and return which fingerprints that were."""
    new = sorted(new, key=lambda one: one.fingerprint.value)
    first_seen: list[datetime] = [one.event.timestamp for one in new]
    parameters = {
        "environment": batch.environment_id,
        "now": batch.now,
        "ids": [one.id for one in new],
        "issues": [one.issue_id for one in new],
        "fingerprints": [one.fingerprint.value for one in new],
        "kinds": [_kind(one.fingerprint) for one in new],
        "records": [orjson.dumps(one.fingerprint.record).decode() for one in new],
        "first_seen": first_seen,
    }
    with sql.cursor() as cursor:
        cursor.execute(_INSERT_FINGERPRINTS, parameters)
        return {value for (value,) in cursor.fetchall()}


def _kind(fingerprint: Fingerprint) -> str:
    """Return the version, or whose word it was: ``manual`` or ``custom``."""
    return fingerprint.version or str(fingerprint.record[0]["type"])


def _delete_issues(batch: Batch, ids: list[UUID]) -> None:
    with sql.cursor() as cursor:
        cursor.execute(
            "DELETE FROM errortracking_issue WHERE environment_id = %s AND id = ANY(%b)",
            [batch.environment_id, ids],
        )


def _reopen(batch: Batch) -> None:
    """Make issues active again that somebody had closed. The condition is asked again: people act at the same time."""
    closed = {event.issue_id for event in batch.live if event.issue_id and _status(batch, event) not in _STAYS}
    if not closed:
        return
    with sql.cursor() as cursor:
        cursor.execute(
            "UPDATE errortracking_issue SET status = %s, state_updated_at = %s"
            " WHERE environment_id = %s AND id = ANY(%b) AND NOT status = ANY(%b)",
            [
                IssueStatus.ACTIVE.value,
                batch.now,
                batch.environment_id,
                sorted(closed),
                [status.value for status in _STAYS],
            ],
        )
    # Assignment rules and the outbox hear of the issues reopened here once there are any.
