"""Work on symbol sets that is asked for here and done in the background.

Jobs are queued on the connection, and in the transaction, of whatever asks for them: neither exists without the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from hashlib import sha256
from typing import Any, Final

from django.db import OperationalError, transaction
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException

from environments import clock
from environments.ids import uuid7
from environments.tenancy import sql

RESOLVE_AGAIN: Final = "errortracking.symbols.resolve_again"
FETCH: Final = "errortracking.symbols.fetch"
FETCH_QUEUE: Final = "fetch"
"""Of its own: fetching waits for other machines, and what is queued behind it should not."""

MOST_FETCHES: Final = 100
"""That a project may have queued. A program has some dozens of scripts; anybody can send events that name millions."""
MOST_NEW_IN_AN_HOUR: Final = 500
"""Scripts never fetched before, of a project. A deployment has some hundreds, mostly one at a time as their code fails;
without this, whoever knows a project's public key could have the server ask other machines for scripts without end.
"""
MOST_AGAIN_IN_AN_HOUR: Final = 500
"""Scripts that could not be fetched a day ago or more. Their number grows day by day where somebody invents them."""
LATER_SECONDS: Final = 60
LATEST_SECONDS: Final = 24 * 3600
"""Between two questions for data that is not to be had: it may be gone for good, with a bucket or after a restore."""


def changed(environment_id: int, *refs: str) -> None:
    """Ask for the frames that lack one of the symbol sets ``refs`` to be resolved again, in one job.

    To be called in the transaction that saves a set's data, with all the sets that it saves. The job runs once that has
    been committed; where no frame lacks any of the sets, it ends at once. Raises ``OperationalError`` where it cannot
    be queued.

    Without a queueing lock: the job that holds it may be taken, and end, before this transaction is committed.
    """
    if refs:
        _defer({"task": RESOLVE_AGAIN, "lock": _lock(environment_id)}, environment_id=environment_id, refs=list(refs))


def soon(environment_id: int, refs: Iterable[str]) -> None:
    """Ask for the same at once, however often it is asked for: the sets are there, and nobody has asked them yet."""
    _resolve_in(0, environment_id, refs)


def later(environment_id: int, refs: Iterable[str], *, waited: int = 0) -> None:
    """Ask for the same in a while: the sets are there, but could not be asked.

    In a minute; where that was in vain after so many seconds that it has ``waited``, in twice as many, a day at most.
    """
    _resolve_in(min(max(2 * waited, LATER_SECONDS), LATEST_SECONDS), environment_id, refs)


def _resolve_in(seconds: int, environment_id: int, refs: Iterable[str]) -> None:
    for ref in sorted(refs):
        _defer_once(
            {
                "task": RESOLVE_AGAIN,
                "lock": _lock(environment_id),
                "queueing_lock": f"{RESOLVE_AGAIN}:{environment_id}:{_digest(ref)}",
                "schedule_in": {"seconds": seconds},
            },
            environment_id=environment_id,
            refs=[ref],
            waited=seconds,
        )


def fetch(environment_id: int, urls: Iterable[str]) -> set[str]:
    """Ask for scripts and their maps to be fetched, and return the URLs of those that are going to be.

    Each once, however often it is asked for while it waits or is on its way; beyond `MOST_FETCHES`, and beyond
    `MOST_NEW_IN_AN_HOUR`, none.
    """
    return _fetch(environment_id, urls, _new_left)


def fetch_again(environment_id: int, urls: Iterable[str]) -> set[str]:
    """Ask for the same of scripts that could not be fetched before; beyond `MOST_AGAIN_IN_AN_HOUR`, none."""
    return _fetch(environment_id, urls, _again_left)


def _fetch(environment_id: int, urls: Iterable[str], left: Callable[[int], int]) -> set[str]:
    """Queue as many as are ``left`` for the hour, and return those that are queued.

    The more a project has queued, the later comes the next: its slow server must not keep other projects' maps waiting.
    (Not by a lock: a job whose worker was killed keeps that for minutes.)
    """
    locks = {_fetch_lock(environment_id, url): url for url in urls}
    busy = _fetches(environment_id)
    new = sorted(locks.keys() - busy)
    if new:
        # Of those that are queued it is not asked whether they are new, nor whether they end just now: rather too few.
        free = min(MOST_FETCHES - len(busy), left(environment_id) - len(busy)) if len(busy) < MOST_FETCHES else 0
        new = new[: max(free, 0)]
    for before, lock in enumerate(new, len(busy)):
        _defer_once(
            {"task": FETCH, "queue": FETCH_QUEUE, "priority": -before, "queueing_lock": lock},
            environment_id=environment_id,
            url=locks[lock],
        )
    return {locks[lock] for lock in locks.keys() & (busy | set(new))}


# By the ids, which hold the moment and stand in the primary key's index: a project may have sets by the hundred
# thousand. What could not be fetched has a set, too.
_NEW_LATELY: Final = """
    SELECT count(*) FROM (
        SELECT FROM errortracking_symbolset
        WHERE environment_id = %s AND id >= %s AND (starts_with(ref, 'http://') OR starts_with(ref, 'https://'))
        LIMIT %s
    ) AS lately
"""
# Where that succeeded there is data now, and no reason to try again. An index holds the failures by their last try.
_AGAIN_LATELY: Final = """
    SELECT count(*) FROM (
        SELECT FROM errortracking_symbolset
        WHERE environment_id = %s AND storage_ptr IS NULL AND last_used >= %s AND id < %s LIMIT %s
    ) AS lately
"""


def _new_left(environment_id: int) -> int:
    """Return how many scripts may still get their first set within this hour."""
    since = uuid7(clock.now() - timedelta(hours=1))
    with sql.cursor() as cursor:
        row = cursor.execute(_NEW_LATELY, [environment_id, since, MOST_NEW_IN_AN_HOUR]).fetchone()
    return MOST_NEW_IN_AN_HOUR - int(row[0]) if row else 0


def _again_left(environment_id: int) -> int:
    """Return how many scripts may still be tried again within this hour."""
    hour = clock.now() - timedelta(hours=1)
    parameters = [environment_id, hour, uuid7(hour), MOST_AGAIN_IN_AN_HOUR]
    with sql.cursor() as cursor:
        row = cursor.execute(_AGAIN_LATELY, parameters).fetchone()
    return MOST_AGAIN_IN_AN_HOUR - int(row[0]) if row else 0


_FETCHES: Final = """
    SELECT queueing_lock FROM procrastinate_jobs
    WHERE status IN ('todo', 'doing') AND starts_with(queueing_lock, %s) LIMIT %s
"""


def _fetches(environment_id: int) -> set[str]:
    """Return the locks of the project's fetches that wait or are on their way."""
    with sql.cursor() as cursor:
        rows = cursor.execute(_FETCHES, [f"{FETCH}:{environment_id}:", 2 * MOST_FETCHES]).fetchall()
    return {lock for (lock,) in rows}


def _lock(environment_id: int) -> str:
    """Return the lock by which a project's frames are resolved by one job at a time."""
    return f"{RESOLVE_AGAIN}:{environment_id}"


def _fetch_lock(environment_id: int, url: str) -> str:
    return f"{FETCH}:{environment_id}:{_digest(url)}"


def _digest(ref: str) -> str:
    return sha256(ref.encode()).hexdigest()  # a lock stands in an index, which takes no long text


def _defer_once(how: dict[str, Any], **arguments: Any) -> None:
    try:
        with transaction.atomic():  # a savepoint: what is queued already breaks the statement
            _defer(how, **arguments)
    except AlreadyEnqueued:
        pass


def _defer(how: dict[str, Any], **arguments: Any) -> None:
    options = {name: value for name, value in how.items() if name != "task"}
    try:
        app.configure_task(how["task"], **options).defer(**arguments)
    except ConnectorException as error:  # how procrastinate tells trouble with the database
        raise OperationalError("no job could be queued") from error
