"""Stage: which fingerprint each exception goes by (pipeline 2.8): the client's own, a grouping rule's, or ours."""

from __future__ import annotations

from collections.abc import Iterable

from environments.tenancy import sql
from errortracking.pipeline import fingerprint
from errortracking.pipeline.batch import Accepted, Batch, KnownFingerprint
from errortracking.pipeline.fingerprint import Fingerprint
from errortracking.pipeline.loaded_rules import Kind
from errortracking.pipeline.project_rules import matching

# FOR SHARE: whoever moves a fingerprint to another issue (merge, split) or deletes it waits until this batch
# has counted, and finds the batch's numbers when it makes those of the issues anew. Whoever has moved one while this
# statement waited for it is found, too: the fingerprints are locked first, and their issues looked up by what the locks
# have brought. In a plain join PostgreSQL would compare the row as it is now with the issue as it was, and drop it: the
# fingerprint would count as unknown, and its events, as those of another version, make an issue anew. An issue that a
# split has made meanwhile is too new for this statement; it has no status then.
_KNOWN = """
    WITH locked AS MATERIALIZED (
        SELECT f.fingerprint, f.id, f.issue_id FROM errortracking_fingerprint f
        WHERE f.environment_id = %(environment)s AND f.fingerprint = ANY(%(fingerprints)b)
        ORDER BY f.fingerprint
        FOR SHARE
    )
    SELECT locked.fingerprint, locked.id, locked.issue_id, i.status
    FROM locked LEFT JOIN errortracking_issue i ON i.environment_id = %(environment)s AND i.id = locked.issue_id
"""


def group(batch: Batch) -> None:
    """Choose the fingerprint of each live exception, and fill ``batch.known``.

    An exception whose list could not be read has no fingerprint and belongs to no issue.
    """
    for event in batch.live:
        if event.parsed.exceptions:
            event.candidates = _candidates(batch, event)
    values = {candidate.value for event in batch.live for candidate in event.candidates}
    batch.known = find(batch.environment_id, values)
    choose(batch)


def choose(batch: Batch) -> None:
    """Choose among the candidates of each live exception, in the order of arrival.

    An exception is grouped as if those before it in the batch had been committed: a new fingerprint is known to the
    next. So the choice is made again by whoever ends the way of some of them before their issues are looked for.
    """
    known = set(batch.known)
    for event in batch.live:
        if event.candidates:
            event.fingerprint = fingerprint.choose(event.candidates, known)
            known.add(event.fingerprint.value)
            if is_legacy(event):
                known.add(event.candidates[0].value)  # the next stage adds it to the same issue


def _candidates(batch: Batch, event: Accepted) -> list[Fingerprint]:
    """Return the fingerprints that ``event`` may go by, newest first: a grouping rule that matches leaves one."""
    if event.parsed.fingerprint is None:
        rule = next(matching(batch, Kind.GROUPING, event), None)
        if rule:
            event.assignee = rule.assignee
            return [fingerprint.custom(rule.id)]
    return fingerprint.candidates(event.parsed)


def find(environment_id: int, values: Iterable[str]) -> dict[str, KnownFingerprint]:
    """Return those of the fingerprints that belong to an issue, locked against being moved, by their text."""
    wanted = sorted(values)
    if not wanted:
        return {}
    parameters = {"environment": environment_id, "fingerprints": wanted}
    with sql.cursor() as cursor:
        rows = cursor.execute(_KNOWN, parameters, binary=True).fetchall()
        if any(row[-1] is None for row in rows):
            rows = cursor.execute(_KNOWN, parameters, binary=True).fetchall()  # locked already: nothing moves any more
    return {value: KnownFingerprint(*rest) for value, *rest in rows}


def is_legacy(event: Accepted) -> bool:
    """Return whether the event was recognised by the order in which its SDK used to send lists."""
    version = event.fingerprint.version if event.fingerprint else None
    return version is not None and version.endswith("_legacy")
