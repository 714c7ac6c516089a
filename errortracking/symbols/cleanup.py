"""Symbol sets that nobody uses go, and data that no set points at: every hour, in steps that each commit.

Ages and numbers are PostHog's (pipeline 2.6).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final, TypeVar
from uuid import UUID

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Q

from environments import clock
from environments.tenancy import sql
from environments.tenancy.guard import maintenance
from errortracking.models import SymbolGarbage, SymbolSet
from errortracking.symbols import uploads
from errortracking.symbols.storage import made_at, storage
from errortracking.symbols.storage.database import DatabaseStorage

log = structlog.get_logger(__name__)
T = TypeVar("T")

UNUSED: Final = timedelta(days=30)
BATCH: Final = 10_000  # sets that are looked for at a time
STEP: Final = 500  # of one transaction: frames hang on them
MOST: Final = 500_000  # sets of one run; the next hour has its own
SWEPT: Final = 20
"""Keys of one transaction. Each may have 100 MB, and deleting that takes PostgreSQL a tenth of a second."""
SETTLED: Final = timedelta(hours=1)
"""Age of a key from which nobody writes to it any more: its address was good for five minutes, and whoever stores data
by itself (`records.store`) is long done."""

_OLD: Final = """
    SELECT environment_id, id FROM errortracking_symbolset
    WHERE coalesce(last_used, created_at) < %(before)s AND (environment_id, id) > (%(environment)s, %(id)s)
    ORDER BY environment_id, id LIMIT %(most)s
"""


def hourly() -> None:
    """Delete unused symbol sets, then the data of sets that went in any way. Raises `storage.Unavailable`."""
    sets = delete_unused()
    log.info("clean-up of symbol sets", symbol_sets=sets, data=sweep())


def delete_unused() -> int:
    """Delete sets that no event and no upload has asked for in `UNUSED`, with their unresolved frames; return how many.

    One pass from the first project to the last by the primary key, so no index is needed for it.
    """
    deleted, place = 0, (0, UUID(int=0))
    while deleted < MOST:
        found = _old(place, min(BATCH, MOST - deleted))
        for environment_id, ids in _by_project(found).items():
            for start in range(0, len(ids), STEP):
                deleted += _delete(environment_id, ids[start : start + STEP])
        if len(found) < BATCH:
            break
        place = found[-1]
    return deleted


def _old(after: tuple[int, UUID], most: int) -> list[tuple[int, UUID]]:
    parameters = {"before": clock.now() - UNUSED, "environment": after[0], "id": after[1], "most": most}
    with maintenance("the age is the same for all projects"), sql.cursor() as cursor:
        return list(cursor.execute(_OLD, parameters).fetchall())


def _by_project(found: Iterable[tuple[int, T]]) -> dict[int, list[T]]:
    grouped: dict[int, list[T]] = {}
    for environment_id, value in found:
        grouped.setdefault(environment_id, []).append(value)
    return grouped


def _delete(environment_id: int, ids: list[UUID]) -> int:
    """Delete those of the sets that nobody has used since they were found."""
    before = clock.now() - UNUSED
    unused = Q(last_used__lt=before) | Q(last_used__isnull=True, created_at__lt=before)
    with transaction.atomic():
        rows = SymbolSet.objects.select_for_update().filter(unused, environment_id=environment_id, pk__in=ids)
        return len(uploads.delete(environment_id, [row.pk for row in rows.order_by("ref")]))


def sweep() -> int:
    """Delete the data of which `SymbolGarbage` tells, once nobody writes it any more; return of how many keys.

    What a set points at stays, whatever is told. Raises `storage.Unavailable`; what was not reached is swept next time.
    """
    swept, after = 0, ""
    while True:
        with transaction.atomic():  # the rows are held until the data is gone, and come back where that fails
            told = SymbolGarbage.objects.select_for_update().filter(key__gt=after).order_by("key")
            found = list(told[:SWEPT])
            if not found:
                return swept
            settled = [row for row in found if _is_settled(row.key)]
            swept += sum(
                _sweep(project, keys)
                for project, keys in _by_project((row.project_id, row.key) for row in settled).items()
            )
            SymbolGarbage.objects.filter(key__in=[row.key for row in settled]).delete()
        after = found[-1].key


def _is_settled(key: str) -> bool:
    made = made_at(key)
    return made is None or made < clock.now() - SETTLED


def _sweep(project_id: int, keys: list[str]) -> int:
    pointed_at = SymbolSet.objects.filter(environment_id=project_id, storage_ptr__in=keys)
    kept = set(pointed_at.values_list("storage_ptr", flat=True))
    garbage = [key for key in keys if key not in kept]
    storage().delete(project_id, garbage)
    if settings.S3_BUCKET:  # what was stored before there was a bucket is in the database
        DatabaseStorage().delete(project_id, garbage)
    return len(garbage)
