"""The rows of symbol sets as those see them who look something up: which set may answer, and when it was last asked."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from environments.tenancy import sql
from errortracking.symbols.failures import Failure, from_reason

TRY_AGAIN_AFTER: Final = timedelta(days=1)  # what could not be fetched (pipeline 2.6)
LAST_USED_EVERY: Final = timedelta(hours=12)  # how exact `last_used` is: each write of it is one more (pipeline 2.6)
_UNTOLD: Final = Failure("JavaScript", "InvalidSourceAndMap")


class SetRow(NamedTuple):
    """A symbol set. It has data, or a failure, or neither while it is being uploaded."""

    id: UUID
    ref: str
    storage_ptr: str | None
    content_hash: str | None
    failure_reason: str | None
    last_used: datetime | None
    created_at: datetime

    @property
    def key(self) -> str | None:
        """Where its data is; None where there is none, or none that is of use."""
        return self.storage_ptr if self.content_hash and self.failure_reason is None else None

    @property
    def failure(self) -> Failure | None:
        """Why it cannot answer."""
        if self.failure_reason is None:
            return None
        return from_reason(self.failure_reason) or _UNTOLD

    def is_to_be_fetched_again(self, now: datetime) -> bool:
        """Tell whether it could not be fetched, so long ago that another try is due."""
        failed = self.storage_ptr is None
        return failed and now - (self.last_used or self.created_at) >= TRY_AGAIN_AFTER


_READ: Final = """
    SELECT ref, id, storage_ptr, content_hash, failure_reason, last_used, created_at
    FROM errortracking_symbolset WHERE environment_id = %s AND ref = ANY(%b)
"""


def read(environment_id: int, refs: Iterable[str]) -> dict[str, SetRow]:
    """Return those of the project's symbol sets that have these references."""
    wanted = list(set(refs))
    if not wanted:
        return {}
    with sql.cursor() as cursor:
        rows = cursor.execute(_READ, [environment_id, wanted]).fetchall()
    return {ref: SetRow(id_, ref, *rest) for ref, id_, *rest in rows}


def choose(refs: Iterable[str], sets: Mapping[str, SetRow]) -> SetRow | None:
    """Return the set that answers for a frame: the first with data or a failure, chunk id before URL."""
    return next((sets[ref] for ref in refs if ref in sets and (sets[ref].key or sets[ref].failure)), None)


# A set that somebody holds is left out, and noted the next time. Whoever held some of these and waited for others, in
# whatever order, could wait in a circle with those who begin uploads.
_USED: Final = """
    UPDATE errortracking_symbolset SET last_used = %(now)s
    WHERE environment_id = %(environment)s AND id = ANY(ARRAY(
        SELECT id FROM errortracking_symbolset
        WHERE environment_id = %(environment)s AND ref = ANY(%(refs)b)
            AND (last_used IS NULL OR last_used < %(long_ago)s)
        FOR NO KEY UPDATE SKIP LOCKED
    ))
"""


def note_use(environment_id: int, refs: Iterable[str], now: datetime) -> None:
    """Note that the sets with these references are used, where that was not noted lately; waits for nobody."""
    wanted = list(refs)
    if not wanted:
        return
    parameters = {"environment": environment_id, "refs": wanted, "now": now, "long_ago": now - LAST_USED_EVERY}
    with sql.cursor() as cursor:
        cursor.execute(_USED, parameters)


def used(environment_id: int, rows: Collection[SetRow], now: datetime) -> None:
    """Note that these sets were asked, where that was not noted lately.

    Of a set without data the moment is that of the last try to fetch it, and stays.
    """
    long_ago = now - LAST_USED_EVERY
    unnoted = (row.ref for row in rows if row.key and (row.last_used is None or row.last_used < long_ago))
    note_use(environment_id, unnoted, now)


_FAILED: Final = """
    UPDATE errortracking_symbolset
    SET failure_reason = %(reason)s,
        storage_ptr = CASE WHEN %(fetched)s THEN NULL ELSE storage_ptr END,
        content_hash = CASE WHEN %(fetched)s THEN NULL ELSE content_hash END,
        last_used = CASE WHEN %(fetched)s THEN %(now)s ELSE last_used END
    WHERE environment_id = %(environment)s AND id = %(id)s AND storage_ptr = %(key)s
"""


def failed(environment_id: int, row: SetRow, failure: Failure, now: datetime) -> None:
    """Note that the data of a set cannot be read, unless it has other data by now.

    What was fetched goes: it is fetched again in a day, as what could not be fetched is. What somebody uploaded stays.
    """
    parameters = {
        "environment": environment_id,
        "id": row.id,
        "key": row.storage_ptr,
        "reason": failure.reason,
        "fetched": row.ref.startswith(("http://", "https://")),
        "now": now,
    }
    with sql.cursor() as cursor:
        cursor.execute(_FAILED, parameters)
