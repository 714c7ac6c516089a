"""Uploads of symbol sets: what is begun, finished and deleted, by `upload_rules`.

An upload is begun (`start`), sent to an address of the storage, and finished (`finish`). In between the set is pending:
it has a key (``storage_ptr``) and no ``content_hash``, and resolves nothing. The hash is the client's word for the
content, by which it is told that nothing has to be sent. Mostly it is the SHA-512 of the data, but newer clients leave
out of it what differs between builds of the same code; so it cannot be compared with what came.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from django.db import OperationalError
from django.db.models import Q

from environments import clock
from environments.tenancy import sql
from errortracking.models import Release, StackFrame, SymbolSet
from errortracking.symbols import lookup_rows, wishes
from errortracking.symbols.storage import LARGEST_BYTES, new_key, storage
from errortracking.symbols.upload_rules import OnConflict, Refused, Upload, checked, joins, needs_data, shares_key

_TRIES: Final = 3
"""To find or make sets that others delete at the same time; once is the rule."""
_LOCK_CLASS: Final = 0x48545355  # "HTSU": first half of the advisory lock of a project's uploads; then the project's id


class Effect(NamedTuple):
    """What was changed of one set: for the record of changes. ``None``: it was not there before, or is not now."""

    symbol_set_id: UUID
    before: dict[str, Any] | None
    after: dict[str, Any] | None


class Started(NamedTuple):
    """The sets whose data is to be sent now, and what was changed."""

    pending: list[SymbolSet]
    effects: list[Effect]


def check(environment_id: int, uploads: Sequence[Upload], on_conflict: OnConflict) -> list[str]:
    """Return the refs that `start` would change, in the order given; raise `Refused` where it would.

    The others count as used: whoever asks still ships them, and will not name them again.
    """
    _checked_releases(environment_id, uploads)
    known = {row.ref: row for row in _named(environment_id, [upload.ref for upload in uploads])}
    wanted = []
    for upload in uploads:
        row = known.get(upload.ref)
        if row is None or joins(row, upload) | needs_data(row, upload, on_conflict):
            wanted.append(upload.ref)
    # The clean-up stays away from sets that are still shipped, though no event has needed them lately (pipeline 2.6).
    lookup_rows.note_use(environment_id, known.keys() - set(wanted), clock.now())
    return wanted


def start(environment_id: int, uploads: Sequence[Upload], on_conflict: OnConflict) -> Started:
    """Make sets and give new keys, as the rules want it. To be called in a transaction; raises `Refused`.

    A pending set gets another key with each start, unless somebody is just uploading the same: what is under a key
    never changes once it counts, and so may be cached.
    """
    releases = _checked_releases(environment_id, uploads)
    now = clock.now()
    wanted = {upload.ref: upload for upload in uploads}
    known, made = _locked_or_made(environment_id, wanted, now)
    for row in made:
        row.release_id = releases.get(wanted[row.ref].release_id or "")
    changed = [row for row in made if row.release_id]
    pending, effects = list(made), [Effect(row.pk, None, audited(row)) for row in made]
    for row in known:
        upload, before = wanted[row.ref], audited(row)
        if joins(row, upload):
            row.release_id = releases[upload.release_id or ""]
        if needs_data(row, upload, on_conflict):
            if not shares_key(row, upload, now):
                row.storage_ptr, row.begun_hash = new_key(), upload.content_hash or None
                row.content_hash = None  # it comes with `finish`
            pending.append(row)
        if audited(row) != before:
            changed.append(row)
            effects.append(Effect(row.pk, before, audited(row)))
    rows = SymbolSet.objects.filter(environment_id=environment_id)
    rows.bulk_update(changed, ["release", "storage_ptr", "content_hash", "begun_hash"])
    lookup_rows.note_use(environment_id, wanted, now)
    return Started(pending, effects)


def restart(environment_id: int, ref: str, release_id: str | None) -> Started:
    """Do as `start` for one set of an old client, which knows no hashes and always replaces what is there."""
    return start(environment_id, [Upload(ref, release_id, content_hash="")], OnConflict.REPLACE)  # equals no hash


def uploaded_keys(environment_id: int, ids: Collection[UUID]) -> dict[UUID, str]:
    """Return the key of each set after a look that there is data, of no more than `LARGEST_BYTES`; raise `Refused`.

    It asks the storage, which may be far away: not to be called in a transaction.
    """
    found: dict[UUID, str] = {}
    rows = SymbolSet.objects.filter(environment_id=environment_id, pk__in=ids).order_by("id")
    keys = dict(rows.values_list("pk", "storage_ptr"))
    _all_there(ids, keys)
    for id_, key in keys.items():
        size = storage().size(environment_id, key) if key else None
        if not key or not size:  # an empty file is as good as none
            raise _not_uploaded()
        if size > LARGEST_BYTES:
            raise Refused("file_too_large", "The uploaded symbol set file was too large.")
        found[id_] = key
    return found


def finish(environment_id: int, hashes: Mapping[UUID, str], keys: Mapping[UUID, str]) -> list[Effect]:
    """Let what was uploaded count from now on; ``keys`` are those that were looked at (`uploaded_keys`).

    To be called in a transaction. Finishing twice is no mistake: clients ask again when an answer got lost.
    """
    rows = _locked(environment_id, Q(pk__in=list(hashes)))
    _all_there(hashes, {row.pk: row for row in rows})
    effects: list[Effect] = []
    for row in rows:
        if row.storage_ptr != keys.get(row.pk):  # begun anew since then
            raise _not_uploaded()
        before = audited(row)
        if row.content_hash != hashes[row.pk] or row.failure_reason is not None:
            row.content_hash, row.failure_reason = hashes[row.pk], None
            effects.append(Effect(row.pk, before, audited(row)))
    changed = [row for row in rows if row.pk in {effect.symbol_set_id for effect in effects}]
    own = SymbolSet.objects.filter(environment_id=environment_id)
    own.bulk_update(changed, ["content_hash", "failure_reason"])
    _forget_frames(environment_id, [row.pk for row in changed])
    wishes.changed(environment_id, *(row.ref for row in changed))
    return effects


def _forget_frames(environment_id: int, ids: Collection[UUID]) -> None:
    """Delete the frames that older data has resolved, or failed to: the next event resolves them again.

    Not those that waited for data: they are resolved in their place (`wishes`), so that old events show it.
    """
    frames = StackFrame.objects.filter(environment_id=environment_id, symbol_set_id__in=ids)
    frames.filter(missing_ref__isnull=True).delete()


def delete(environment_id: int, ids: Collection[UUID]) -> list[Effect]:
    """Delete the sets that are there, and their unresolved frames; resolved ones stay. To be called in a transaction.

    A trigger remembers the data, and a sweep deletes it.
    """
    rows = _locked(environment_id, Q(pk__in=ids))
    found = [row.pk for row in rows]
    forget_unresolved(environment_id, found)
    SymbolSet.objects.filter(environment_id=environment_id, pk__in=found).delete()
    return [Effect(row.pk, audited(row), None) for row in rows]


def lock_sets_of(environment_id: int, release_id: UUID) -> None:
    """Lock a release's sets, which will go with it. Before the release itself, as batches and uploads do."""
    _locked(environment_id, Q(release_id=release_id))


def forget_unresolved(environment_id: int, ids: Collection[UUID]) -> None:
    """Delete the unresolved frames of sets that are about to go (contract 9)."""
    with sql.cursor() as cursor:
        cursor.execute(_FORGET_UNRESOLVED, {"environment": environment_id, "sets": list(ids)})


# Not Django's: it deletes by the ids of a sub-select, without the project's.
_FORGET_UNRESOLVED: Final = """
    DELETE FROM errortracking_stackframe f USING errortracking_framecontent c
    WHERE f.environment_id = %(environment)s AND f.symbol_set_id = ANY(%(sets)s)
      AND c.environment_id = %(environment)s AND c.id = f.content_id AND NOT c.resolved
"""


def audited(row: SymbolSet) -> dict[str, Any]:
    """Return what the record of changes holds of a set."""
    return {
        "ref": row.ref,
        "release": str(row.release_id) if row.release_id else None,
        "storage_ptr": row.storage_ptr,
        "content_hash": row.content_hash,
    }


def _checked_releases(environment_id: int, uploads: Sequence[Upload]) -> dict[str, UUID]:
    """Return the releases by what the uploads call them; raise `Refused` for what makes no sense whatever is there."""
    named = checked(uploads)
    releases = Release.objects.filter(environment_id=environment_id, pk__in=set(named.values()))
    known = set(releases.values_list("pk", flat=True)) if named else set()
    for text, id_ in named.items():
        if id_ not in known:
            raise Refused("invalid_release_id", f"Unknown release ID provided: {text}")
    return named


def _all_there(wanted: Iterable[UUID], found: Collection[UUID]) -> None:
    if missing := sorted(str(id_) for id_ in wanted if id_ not in found):
        raise Refused("symbol_set_not_found", f"Unknown symbol set IDs: {', '.join(missing)}")


def _not_uploaded() -> Refused:
    return Refused("file_not_found", "No file has been uploaded for the symbol set.")


# ---- the rows


def _named(environment_id: int, refs: Collection[str]) -> list[SymbolSet]:
    return list(SymbolSet.objects.filter(environment_id=environment_id, ref__in=list(refs)))


def _locked(environment_id: int, condition: Q) -> list[SymbolSet]:
    # In one order for everybody, so that nobody waits in a circle. With their keys: frames are changed next, and so do
    # batches, which keep the sets from going first (`pipeline.frame_rows`).
    rows = SymbolSet.objects.select_for_update().filter(condition, environment_id=environment_id)
    return list(rows.order_by("ref"))


def _locked_or_made(
    environment_id: int, wanted: Mapping[str, Upload], now: datetime
) -> tuple[list[SymbolSet], list[SymbolSet]]:
    """Return the sets that were there and those that were made now, all locked. Raises ``OperationalError`` where
    others delete the sets as fast as they are made.

    One by one in a project: two that make sets of which each has found some would wait for each other in a circle. The
    sets are made before any is locked, and without a release, for a reference to one would lock it: who deletes sets,
    or a release with its sets, holds some of them when he waits for the others or for the release.
    """
    with sql.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_LOCK_CLASS, environment_id])
    made: set[UUID] = set()
    for _ in range(_TRIES):
        there = {row.ref for row in _named(environment_id, wanted)}
        new = [_begun(environment_id, wanted[ref], now) for ref in sorted(wanted.keys() - there)]
        SymbolSet.objects.bulk_create(new, ignore_conflicts=True)
        made |= {row.pk for row in new}
        rows = _locked(environment_id, Q(ref__in=list(wanted)))
        if len(rows) == len(wanted):  # what somebody has deleted since the look is neither there nor made
            return [row for row in rows if row.pk not in made], [row for row in rows if row.pk in made]
    raise OperationalError("symbol sets are deleted while their uploads begin")


def _begun(environment_id: int, upload: Upload, now: datetime) -> SymbolSet:
    return SymbolSet(
        environment_id=environment_id,
        ref=upload.ref,
        created_at=now,
        storage_ptr=new_key(),
        begun_hash=upload.content_hash or None,
    )
