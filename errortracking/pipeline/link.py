"""Stage: each exception's issue is found, made or opened again (pipeline 2.9)."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from environments.ids import uuid7
from environments.tenancy import sql
from errortracking.models import IssueStatus, OperationKind, Outcome
from errortracking.models.issues import TEXT_LENGTH, Severity
from errortracking.pipeline import fingerprint_rows, group
from errortracking.pipeline.assign import Opened, assign
from errortracking.pipeline.batch import Accepted, Batch, KnownFingerprint
from errortracking.pipeline.clean import cut
from errortracking.pipeline.fingerprint import Fingerprint
from errortracking.pipeline.fingerprint_rows import NewFingerprint
from errortracking.pipeline.tell import tell_opened

# The reason counted; the id of the issue would make a counter of its own for each issue and day.
SUPPRESSED_ISSUE = "issue"
# Statuses that an exception leaves alone; any other becomes active again.
_STAYS = (IssueStatus.ACTIVE, IssueStatus.SUPPRESSED)


@dataclass(slots=True)
class _New:
    """A fingerprint that is not in the database yet.

    ``twin_of`` is the text of the older fingerprint whose issue it joins; None: an issue is made for it.
    """

    fingerprint: Fingerprint
    event: Accepted
    twin_of: str | None = None


def link_to_issues(batch: Batch) -> None:
    """Find or make the issue of each live exception, reopen what was resolved, and drop what people suppressed."""
    made = _make_missing(batch)
    for event in batch.live:
        if event.fingerprint:
            known = batch.known[event.fingerprint.value]
            event.fingerprint_id, event.issue_id = known.id, known.issue_id
    reopened = _reopen(batch)
    assign(batch, made | reopened)
    tell_opened(batch, made, reopened)
    suppressed = [event for event in batch.live if _status(batch, event) == IssueStatus.SUPPRESSED]
    batch.end(suppressed, Outcome.SUPPRESSED, SUPPRESSED_ISSUE)


def _status(batch: Batch, event: Accepted) -> str | None:
    return batch.known[event.fingerprint.value].status if event.fingerprint else None


def _make_missing(batch: Batch) -> dict[UUID, Opened]:
    """Make what is not there yet, and return the issues that were made."""
    made: dict[UUID, Opened] = {}
    missing = _missing(batch)
    # A twin is made after the one whose issue it joins: only then is it settled which issue that is, ours or that of
    # somebody else who was faster.
    while missing:
        now = {value: new for value, new in missing.items() if new.twin_of is None or new.twin_of in batch.known}
        made |= _make(batch, now)
        missing = {value: new for value, new in missing.items() if value not in now}
    return made


def _missing(batch: Batch) -> dict[str, _New]:
    """Return the fingerprints to be made, by their text, each with the event that brought it first."""
    missing: dict[str, _New] = {}
    for event in batch.live:
        if event.fingerprint is None:
            continue
        value = event.fingerprint.value
        if value not in batch.known and value not in missing:
            missing[value] = _New(event.fingerprint, event)
        newest = event.candidates[0]
        if group.is_legacy(event) and newest.value not in batch.known and newest.value not in missing:
            missing[newest.value] = _New(newest, event, twin_of=value)
    return missing


def _make(batch: Batch, missing: dict[str, _New]) -> dict[UUID, Opened]:
    """Make the fingerprints, and issues for those that join none, and enter all of them in ``batch.known``.

    Returns the issues that were made.
    """
    ours = {value: _row(batch, new) for value, new in missing.items()}
    _insert_issues(batch, {ours[value].issue_id: new.event for value, new in missing.items() if new.twin_of is None})
    inserted = _insert_fingerprints(batch, missing, ours)
    batch.known |= {value: ours[value] for value in inserted}
    lost = [value for value in missing if value not in inserted]
    if lost:  # somebody else made it since `group` looked; theirs is the issue, ours goes
        _delete_issues(batch, [ours[value].issue_id for value in lost if missing[value].twin_of is None])
        theirs = group.find(batch.environment_id, lost)
        batch.known |= {value: theirs[value] for value in lost}
    return {
        ours[value].issue_id: Opened(new.event, _name(new.event), _description(new.event), _severity(new.event))
        for value, new in missing.items()
        if new.twin_of is None and value in inserted
    }


def _row(batch: Batch, new: _New) -> KnownFingerprint:
    id_ = uuid7(batch.now)
    if new.twin_of is not None:
        return batch.known[new.twin_of]._replace(id=id_)
    return KnownFingerprint(id_, uuid7(batch.now), IssueStatus.ACTIVE.value)


_INSERT_ISSUES = """
    INSERT INTO errortracking_issue
        (environment_id, id, created_at, state_updated_at, status, name, description, severity)
    SELECT %(environment)s, new.id, %(now)s, %(now)s, %(status)s, new.name, new.description, new.severity
    FROM unnest(%(ids)b::uuid[], %(names)b::text[], %(descriptions)b::text[], %(severities)b::text[])
        AS new(id, name, description, severity)
"""


def _insert_issues(batch: Batch, new: dict[UUID, Accepted]) -> None:
    """Make the issues with these ids, each of the event that brought it."""
    parameters = {
        "environment": batch.environment_id,
        "now": batch.now,
        "status": IssueStatus.ACTIVE.value,
        "ids": list(new),
        "names": [_name(event) for event in new.values()],
        "descriptions": [_description(event) for event in new.values()],
        "severities": [_severity(event) for event in new.values()],
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


def _insert_fingerprints(batch: Batch, missing: dict[str, _New], rows: dict[str, KnownFingerprint]) -> set[str]:
    """Insert what nobody else has inserted, and return which fingerprints that were."""
    new = [
        NewFingerprint(rows[value].id, rows[value].issue_id, one.fingerprint, one.event.timestamp)
        for value, one in missing.items()
    ]
    return fingerprint_rows.insert(batch.environment_id, batch.now, new)


def _delete_issues(batch: Batch, ids: list[UUID]) -> None:
    with sql.cursor() as cursor:
        cursor.execute(
            "DELETE FROM errortracking_issue WHERE environment_id = %s AND id = ANY(%b)",
            [batch.environment_id, ids],
        )


# Locked in the order of the ids, as by people who change several issues at once.
_REOPEN = """
    WITH closed AS (
        SELECT i.id, i.status FROM errortracking_issue i
        WHERE i.environment_id = %(environment)s AND i.id = ANY(%(issues)b::uuid[])
        ORDER BY i.id FOR NO KEY UPDATE
    ), opened AS (
        UPDATE errortracking_issue i SET status = %(active)s, state_updated_at = %(now)s
        FROM closed
        WHERE i.environment_id = %(environment)s AND i.id = closed.id AND NOT closed.status = ANY(%(stays)b::text[])
        RETURNING i.id, i.name, i.description, i.severity, closed.status
    ), noted AS (
        INSERT INTO errortracking_issueoperation
            (environment_id, id, created_at, kind, issue_id, user_email, key_id, record)
        SELECT %(environment)s, new.id, %(now)s, %(reopen)s, opened.id, '', '',
               jsonb_build_object('status', opened.status)
        FROM opened JOIN unnest(%(operations)b::uuid[], %(issues)b::uuid[]) AS new(id, issue_id)
            ON new.issue_id = opened.id
    )
    SELECT id, name, description, severity FROM opened
"""


def _reopen(batch: Batch) -> dict[UUID, Opened]:
    """Make issues active again that somebody had closed, and return them.

    The condition is asked again: people act at the same time.
    """
    closed: dict[UUID, Accepted] = {}
    for event in batch.live:
        if event.issue_id and _status(batch, event) not in _STAYS:
            closed.setdefault(event.issue_id, event)
    if not closed:
        return {}
    issues = sorted(closed)
    parameters = {
        "environment": batch.environment_id,
        "now": batch.now,
        "active": IssueStatus.ACTIVE.value,
        "stays": [status.value for status in _STAYS],
        "issues": issues,
        "operations": [uuid7(batch.now) for _ in issues],
        "reopen": OperationKind.REOPEN.value,
    }
    with sql.cursor() as cursor:
        rows = cursor.execute(_REOPEN, parameters).fetchall()
    return {id_: Opened(closed[id_], *rest) for id_, *rest in rows}
