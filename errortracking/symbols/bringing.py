"""A script and its source map are fetched and become a symbol set, or the reason why not becomes one."""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from django.db import IntegrityError, transaction

from environments import clock
from errortracking.symbols import container, fetching, fetching_script, lookup_rows, records
from errortracking.symbols.failures import Failure
from errortracking.symbols.fetching import ChunkId, Fetched
from errortracking.symbols.lookup_rows import SetRow
from errortracking.symbols.lookups import Kind
from errortracking.symbols.storage import Missing, storage

log = structlog.get_logger(__name__)


def bring(environment_id: int, url: str) -> None:
    """Fetch the script at ``url`` and its map, unless somebody has done so lately, and save what came of it.

    What other machines do wrong is saved as a failure. Raises `storage.Unavailable` and ``django.db.Error``.
    """
    row = lookup_rows.read(environment_id, [url]).get(url)
    if row is not None and not row.is_to_be_fetched_again(clock.now()):
        return
    found = fetching.fetch(url, is_uploaded=lambda chunk_id: _uploaded(environment_id, chunk_id) is not None)
    try:
        if isinstance(found, Failure):
            log.info("no source map", environment_id=environment_id, url=url, reason=found.text)
            with transaction.atomic():
                records.record_failure(environment_id, url, found)
        elif isinstance(found, ChunkId):
            _copy(environment_id, url, found.id)
        else:
            # Frames that name the chunk lack what was to be uploaded for it; the script's own map is as good.
            chunk = fetching_script.chunk_id(found.script)
            also = [chunk] if chunk else []
            records.store(environment_id, url, _packed(found), used_at=clock.now(), keep=True, also=also)
    except records.Kept:
        log.info("a source map was uploaded while it was fetched", environment_id=environment_id, url=url)
    except IntegrityError:
        log.info("a source map came too late", environment_id=environment_id, url=url)  # the project is gone


def _packed(found: Fetched) -> Iterable[bytes]:
    return container.write(container.Contents(Kind.JAVASCRIPT, found.source_map, found.script))


def _uploaded(environment_id: int, chunk_id: str) -> SetRow | None:
    """Return the symbol set that was uploaded for a chunk id, if it can answer."""
    row = lookup_rows.read(environment_id, [chunk_id]).get(chunk_id)
    return row if row is not None and row.key else None


def _copy(environment_id: int, url: str, chunk_id: str) -> None:
    """Give the script the data that was uploaded for the chunk id which it names.

    A copy, and no second pointer to the same data: whoever deletes one of the two sets must not think of the other.
    """
    row = _uploaded(environment_id, chunk_id)
    try:
        if row is None:
            raise Missing(chunk_id)
        data = storage().read(environment_id, row.key or "")
    except Missing:
        records.record_failure(environment_id, url, Failure("JavaScript", "NoSourcemapUploaded", (chunk_id,)))
    else:
        records.store(environment_id, url, data, used_at=clock.now(), keep=True)
