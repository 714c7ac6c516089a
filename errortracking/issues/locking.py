"""The locks under which fingerprints move, so that nothing is lost or counted twice beside the workers.

A worker's batch locks the fingerprints that it knows FOR SHARE, in the order of their texts, before it counts anything
of them or of their issues, and keeps them until its transaction ends (`pipeline.group`). So whoever has all
fingerprints of an issue FOR UPDATE knows that no batch is counting it: what the statements after that see is all there
is, and the numbers can be made anew of it. The issues come after their fingerprints, as they do for the worker, in the
order of their ids. A fingerprint that came between the two is found by looking again, and then all begins anew.

What is left are circles of several locks in rare orders (a batch that opens issues again takes them in any order).
PostgreSQL breaks them: the worker tries its batch again, and so does `settled`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import UUID

from django.db import OperationalError, transaction
from psycopg import errors

from errortracking.issues.errors import Busy
from errortracking.models import Fingerprint, Issue

T = TypeVar("T")

TRIES: Final = 5
_PAUSE: Final = 0.05  # seconds, doubled with each try
_MAY_PASS: Final = (errors.DeadlockDetected, errors.SerializationFailure, errors.LockNotAvailable)


class Changed(Exception):
    """Something came between two locks: to be done anew."""


@dataclass(frozen=True, slots=True)
class Locked:
    """Issues and all of their fingerprints, which nobody else counts or moves until the transaction ends."""

    issues: dict[UUID, Issue]
    fingerprints: dict[UUID, Fingerprint]

    def of(self, issue_id: UUID) -> list[UUID]:
        """Return the ids of the fingerprints of one issue."""
        return [id_ for id_, fingerprint in self.fingerprints.items() if fingerprint.issue_id == issue_id]


def settled(work: Callable[[], T]) -> T:
    """Do ``work`` in a transaction, again where others were in the way. Raises `Busy` where they always are."""
    for attempt in range(1, TRIES + 1):
        try:
            with transaction.atomic():
                return work()
        except Changed:
            pass
        except OperationalError as error:
            if not isinstance(error.__cause__, _MAY_PASS):
                raise
        time.sleep(_PAUSE * 2**attempt * random.uniform(0.5, 1))  # noqa: S311  # so that two do not meet again
    raise Busy("The issues are being changed by others. Please retry.")


def lock(environment_id: int, issue_ids: Collection[UUID]) -> Locked:
    """Lock those of the issues that are there, with their fingerprints. Raises `Changed`, for `settled`."""
    wanted = set(issue_ids)
    of_issues = Fingerprint.objects.filter(environment_id=environment_id, issue_id__in=wanted).defer("record")
    fingerprints = {row.pk: row for row in of_issues.order_by("fingerprint").select_for_update()}
    issues = {row.pk: row for row in lock_issues(environment_id, wanted, delete=True)}
    now = dict(of_issues.values_list("pk", "issue_id"))
    if now != {id_: row.issue_id for id_, row in fingerprints.items()}:
        raise Changed
    return Locked(issues, fingerprints)


def lock_issues(environment_id: int, issue_ids: Collection[UUID], *, delete: bool = False) -> list[Issue]:
    """Lock those of the issues that are there against other changes, and with ``delete`` against new references too."""
    mine = Issue.objects.filter(environment_id=environment_id, pk__in=set(issue_ids))
    return list(mine.order_by("pk").select_for_update(no_key=not delete))
