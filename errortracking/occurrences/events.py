"""The events of an issue, newest first.

An issue is a set of fingerprints, and each gives its newest events by the index ``event_of_fingerprint``, in the order
asked for; what they give is merged. Sorting all events of an issue would read all of them. Where there are many
fingerprints, `newest` tells from when on their events are needed.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from environments.tenancy import sql
from errortracking.occurrences import newest

MOST: Final = 10_000
"""How far back an issue's events are counted and listed. Whoever wants older ones says until when."""
SHALLOW: Final = 100
"""The events of a first page, of however many fingerprints, are read without looking for their last moment before."""


class Asked(NamedTuple):
    """Which events: those of an issue, between two moments (both included), and of one person, SDK or release.

    The latter three are no part of the index: they are looked for among the `MOST` newest that the moments leave.
    ``release`` is the id of one, or the version of some.
    """

    environment_id: int
    issue_id: UUID
    since: datetime | None = None
    until: datetime | None = None
    distinct_id: str | None = None
    sdk: str | None = None
    release: str | None = None
    release_id: UUID | None = None
    """``release``, where it can be an id."""

    @property
    def is_narrow(self) -> bool:
        """Whether it is about less than all events between the moments."""
        return any(value is not None for value in (self.distinct_id, self.sdk, self.release))


class Line(NamedTuple):
    """An event without its payload."""

    id: UUID
    timestamp: datetime
    received_at: datetime
    distinct_id: str
    sdk: str
    sdk_version: str


class Row(NamedTuple):
    """An event with its payload (``None`` beyond the budget) and with the fingerprint that it goes by."""

    id: UUID
    timestamp: datetime
    received_at: datetime
    distinct_id: str
    sdk: str
    sdk_version: str
    fingerprint_id: UUID
    fingerprint: str
    kind: str
    record: str
    """JSON, unparsed: many events of a page have the same."""
    payload: bytes | None

    @property
    def line(self) -> Line:
        """The event without its payload."""
        return Line._make(self[: len(Line._fields)])


def _newest(asked: Asked, columns: str, ordered: bool = True) -> str:
    """Return the statement of the newest ``%(deep)s`` events; without ``ordered`` of as many of any."""
    since = " AND timestamp >= %(since)s" if asked.since else ""
    until = " AND timestamp <= %(until)s" if asked.until else ""
    return (  # only the fixed words of this file are put in: each value is a parameter
        f"SELECT e.* FROM errortracking_fingerprint f CROSS JOIN LATERAL ("  # noqa: S608
        f" SELECT {columns} FROM errortracking_event"
        f" WHERE environment_id = %(environment)s AND fingerprint_id = f.id{since}{until}"
        f" {'ORDER BY timestamp DESC, id DESC' if ordered else ''} LIMIT %(deep)s) e"
        f" WHERE f.environment_id = %(environment)s AND f.issue_id = %(issue)s"
        f" {'ORDER BY e.timestamp DESC, e.id DESC' if ordered else ''} LIMIT %(deep)s"
    )


_LOOKED_AT: Final = "id, timestamp, received_at, distinct_id, sdk, release_id"
_OF_RELEASE: Final = (
    "newest.release_id IN (SELECT r.id FROM errortracking_release r WHERE r.environment_id = %(environment)s"
    " AND (r.version = %(release)s OR r.id = %(release_id)s))"
)


def _narrowed(asked: Asked) -> str:
    """Return the condition on the newest events; nothing for all."""
    conditions = {
        "newest.distinct_id = %(distinct_id)s": asked.distinct_id,
        "newest.sdk = %(sdk)s": asked.sdk,
        _OF_RELEASE: asked.release,
    }
    wanted = [condition for condition, value in conditions.items() if value is not None]
    return " WHERE " + " AND ".join(wanted) if wanted else ""


def _parameters(asked: Asked, deep: int, **more: Any) -> dict[str, Any]:
    return {
        "environment": asked.environment_id,
        "issue": asked.issue_id,
        **asked._asdict(),
        "deep": deep,
        **more,
    }


class Counted(NamedTuple):
    """How many events there are, as they were asked for; ``asked`` begins later where that leaves none out."""

    number: int
    asked: Asked
    fingerprints: int


def count(asked: Asked) -> Counted | None:
    """Return how many of the issue's `MOST` newest events are asked for, ``None`` where there is no such issue."""
    # Any of them are counted without reading more than `MOST`; some of the newest are not, of many fingerprints.
    number, fingerprints = _count(asked, newest.FEW if asked.is_narrow else _ANY) or (None, None)
    if fingerprints is None:
        return None
    if number is None:
        asked = _later(asked, MOST)
        number, _ = _count(asked, _ANY) or (0, 0)
    return Counted(number or 0, asked, fingerprints)


_ANY: Final = 2**31 - 1


def _count(asked: Asked, few: int) -> tuple[int | None, int] | None:
    """Return the count, if the issue has ``few`` fingerprints at most, and how many it has."""
    events = _newest(asked, _LOOKED_AT if asked.is_narrow else "timestamp, id", ordered=asked.is_narrow)
    counted = f"SELECT count(*) FROM ({events}) newest{_narrowed(asked)}"  # noqa: S608
    statement = (
        f"SELECT CASE WHEN f.number <= %(few)s THEN ({counted}) END, f.number"  # noqa: S608
        " FROM errortracking_issue i CROSS JOIN LATERAL ("
        " SELECT count(*) AS number FROM errortracking_fingerprint"
        " WHERE environment_id = %(environment)s AND issue_id = i.id) f"
        " WHERE i.environment_id = %(environment)s AND i.id = %(issue)s"
    )
    with sql.cursor(prepared=True) as cursor:
        return cursor.execute(statement, _parameters(asked, MOST, few=few)).fetchone()


def _later(asked: Asked, number: int) -> Asked:
    """Return the same, beginning with the last of the ``number`` newest events between its moments."""
    fingerprints = newest.of_issue(asked.environment_id, asked.issue_id)
    within = newest.Within(asked.since, asked.until)
    since = newest.since(asked.environment_id, fingerprints, within, number)
    return asked._replace(since=since)


_COLUMNS: Final = "id, timestamp, received_at, distinct_id, sdk, sdk_version"
# OFFSET 0 keeps the planner from joining in another way than one look into one partition for each row of the page.
_FULL: Final = """
    SELECT {columns}, e.fingerprint_id, f.fingerprint, f.kind, f.record::text,
           CASE WHEN sum(octet_length(e.payload)) OVER (ORDER BY e.timestamp DESC, e.id DESC) <= %(budget)s
           THEN e.payload END
    FROM ({page}) page
    CROSS JOIN LATERAL (
        SELECT * FROM errortracking_event
        WHERE environment_id = %(environment)s AND id = page.id AND received_at = page.received_at OFFSET 0
    ) e
    JOIN errortracking_fingerprint f ON f.environment_id = %(environment)s AND f.id = e.fingerprint_id
    ORDER BY e.timestamp DESC, e.id DESC
"""
_SHOWN: Final = ", ".join(f"e.{name}" for name in Line._fields)


def _page(asked: Asked, wanted: slice, columns: str) -> tuple[str, dict[str, Any]]:
    """Return the statement of the ``wanted`` ones of the newest events, and its parameters."""
    stop = min(wanted.stop, MOST)
    deep = MOST if asked.is_narrow else stop
    statement = (
        f"SELECT * FROM ({_newest(asked, columns)}) newest{_narrowed(asked)}"  # noqa: S608
        " ORDER BY newest.timestamp DESC, newest.id DESC LIMIT %(limit)s OFFSET %(offset)s"
    )
    start = min(wanted.start, stop)
    return statement, _parameters(asked, deep, limit=stop - start, offset=start)


def lines(asked: Asked, wanted: slice) -> list[Line]:
    """Return those of the issue's newest events that are ``wanted``, without their payloads."""
    statement, parameters = _page(asked, wanted, f"{_COLUMNS}, release_id")
    size = len(Line._fields)
    with sql.cursor(prepared=True) as cursor:
        return [Line._make(row[:size]) for row in cursor.execute(statement, parameters).fetchall()]


def rows(counted: Counted, wanted: slice, budget: int) -> list[Row]:
    """Return those of the events counted that are ``wanted``, with at most ``budget`` bytes of payloads."""
    if wanted.start >= MOST:
        return []
    asked, deep = counted.asked, min(wanted.stop, MOST)
    if not asked.is_narrow and deep > SHALLOW and counted.fingerprints > newest.FEW:
        asked = _later(asked, deep)
    page, parameters = _page(asked, wanted, _LOOKED_AT)
    with sql.cursor(prepared=True) as cursor:
        statement = _FULL.format(columns=_SHOWN, page=page)
        return [Row._make(row) for row in cursor.execute(statement, parameters | {"budget": budget}).fetchall()]


_ONE: Final = f"""
    SELECT {_SHOWN}, e.fingerprint_id, f.fingerprint, f.kind, f.record::text, e.payload
    FROM errortracking_event e
    JOIN errortracking_fingerprint f ON f.environment_id = %(environment)s AND f.id = e.fingerprint_id
    WHERE e.environment_id = %(environment)s AND e.id = %(event)s AND f.issue_id = %(issue)s
    ORDER BY e.received_at DESC LIMIT 1
"""  # noqa: S608


def one(environment_id: int, issue_id: UUID, event_id: UUID) -> Row | None:
    """Return the event of the issue with this id, ``None`` where there is none.

    Beyond the ledger's horizon a uuid may have been stored twice; it is the later one then.
    """
    parameters = {"environment": environment_id, "issue": issue_id, "event": event_id}
    with sql.cursor(prepared=True) as cursor:
        row = cursor.execute(_ONE, parameters).fetchone()
    return Row._make(row) if row else None
