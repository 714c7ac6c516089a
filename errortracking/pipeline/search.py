"""Stage: what issues are found by (``models/search.py``): texts of their exceptions, releases and SDKs.

Most exceptions bring nothing that a fingerprint was not known by. Each worker remembers for those it meets what has
been committed, and a batch in which all is known sends no statement; otherwise it sends one. The memory is only that: a
worker that knows nothing yet, or not any more, writes what is there already, and nothing changes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.db import transaction

from environments.tenancy import sql
from errortracking.models import Outcome
from errortracking.models.search import MAX_TEXT
from errortracking.pipeline.batch import Accepted, Batch
from errortracking.pipeline.exceptions import ParsedException

MAX_TERM: Final = 300  # characters of a message, path or name that are searched
REMEMBERED: Final = 2_000  # fingerprints; some kilobytes each
# … which hold, of one, so many terms, and so many releases and SDKs. A row has room for fewer; more are parts of what
# is there, or a client's that calls itself something else each time. They are forgotten, and written in vain then.
REMEMBERED_OF_ONE: Final = 500

Key = tuple[int, UUID]  # project and fingerprint


@dataclass(slots=True)
class _Known:
    """What a fingerprint is known by; of terms the hashes, since they are only compared."""

    terms: set[int] = field(default_factory=set)
    length: int = 0
    """Characters that were sent. From `MAX_TEXT` on the row is full, and more terms are not looked at."""
    places: set[UUID | str] = field(default_factory=set)
    """Releases by id, SDKs by name."""


@dataclass(slots=True)
class _New:
    """What a batch adds to a fingerprint."""

    terms: dict[str, None] = field(default_factory=dict)
    places: set[UUID | str] = field(default_factory=set)
    text: str = ""
    """The row's text of the terms, as it was written."""


_memory: OrderedDict[Key, _Known] = OrderedDict()


def keep_searchable(batch: Batch) -> None:
    """Add what the stored events of the batch are found by, as far as it is not known."""
    found: dict[UUID, _New] = {}
    for event in batch.events:
        if event.outcome == Outcome.STORED and event.fingerprint_id is not None:
            known = _memory.get((batch.environment_id, event.fingerprint_id)) or _Known()
            _look(event, known, found.setdefault(event.fingerprint_id, _New()))
    new = {id_: one for id_, one in sorted(found.items()) if one.terms or one.places}
    if new:
        _write(batch.environment_id, new)
        transaction.on_commit(partial(_remember, batch.environment_id, new))


def _look(event: Accepted, known: _Known, new: _New) -> None:
    """Add to ``new`` what of ``event`` is not ``known``."""
    for place in (event.release_id, event.parsed.lib):
        if place and place not in known.places:
            new.places.add(place)
    if known.length < MAX_TEXT:
        for term in terms(event.parsed.exceptions):
            kept = term[:MAX_TERM]
            if hash(kept) not in known.terms:
                new.terms[kept] = None


def terms(exceptions: list[ParsedException]) -> Iterable[str]:
    """Return what exceptions are found by: types, then files and functions, then messages, since these vary most.

    Of frames those of the program itself, or all where there are none.
    """
    frames = [frame.contents for exception in exceptions for frame in exception.frames]
    found = dict.fromkeys(exception.type for exception in exceptions)
    for frame in [frame for frame in frames if frame["in_app"]] or frames:
        found[frame.get("source", "")] = None
        found[frame.get("resolved_name") or frame["mangled_name"]] = None
    found.update(dict.fromkeys(exception.value for exception in exceptions))
    return found


def text_of(new: Iterable[str]) -> str:
    """Return the row's text of these terms, each a line; what is part of the text already needs none of its own.

    Those for which there is no room are not looked at: of an event's 50,000 frames hardly any.
    """
    text = ""
    for term in new:
        if len(text) >= MAX_TEXT:
            break
        line = term[:MAX_TERM].replace("\n", " ").strip()
        if line and line not in text:
            text = f"{text}\n{line}" if text else line
    return text[:MAX_TEXT]


# A release may be deleted while its events are processed: it is locked against that, and one that is gone is left out.
# All is written in the order of the fingerprints, so that of two workers one waits and neither in a circle.
_WRITE: Final = """
    WITH sdk AS (
        INSERT INTO errortracking_fingerprintsdk (environment_id, sdk, fingerprint_id)
        SELECT %(environment)s, new.* FROM unnest(%(sdks)b::text[], %(by_sdk)b::uuid[]) AS new(sdk, fingerprint_id)
        ON CONFLICT (environment_id, sdk, fingerprint_id) DO NOTHING
    ), release AS (
        INSERT INTO errortracking_fingerprintrelease (environment_id, release_id, fingerprint_id)
        SELECT r.environment_id, r.id, new.fingerprint_id
        FROM unnest(%(releases)b::uuid[], %(in_release)b::uuid[]) AS new(release_id, fingerprint_id)
        JOIN errortracking_release r ON r.environment_id = %(environment)s AND r.id = new.release_id
        FOR KEY SHARE OF r
        ON CONFLICT (environment_id, release_id, fingerprint_id) DO NOTHING
    )
    INSERT INTO errortracking_fingerprinttext AS t (environment_id, fingerprint_id, text)
    SELECT %(environment)s, new.* FROM unnest(%(ids)b::uuid[], %(texts)b::text[]) AS new(fingerprint_id, text)
    ON CONFLICT (environment_id, fingerprint_id) DO UPDATE SET text = left(t.text || (
        SELECT string_agg(chr(10) || line, '') FROM string_to_table(excluded.text, chr(10)) AS line
        WHERE position(line IN t.text) = 0
    ), %(most)s)
    WHERE length(t.text) < %(most)s AND EXISTS (
        SELECT FROM string_to_table(excluded.text, chr(10)) AS line WHERE position(line IN t.text) = 0
    )
"""


def _write(environment_id: int, new: dict[UUID, _New]) -> None:
    """Write what is new; ``new`` is in the order of the ids."""
    for one in new.values():
        one.text = text_of(one.terms)
    with_text = [id_ for id_, one in new.items() if one.terms]
    places = [(id_, place) for id_, one in new.items() for place in sorted(one.places, key=str)]
    sdks = [(id_, place) for id_, place in places if isinstance(place, str)]
    releases = [(id_, place) for id_, place in places if isinstance(place, UUID)]
    parameters: dict[str, Any] = {
        "environment": environment_id,
        "ids": with_text,
        "texts": [new[id_].text for id_ in with_text],
        "sdks": [sdk for _, sdk in sdks],
        "by_sdk": [id_ for id_, _ in sdks],
        "releases": [release for _, release in releases],
        "in_release": [id_ for id_, _ in releases],
        "most": MAX_TEXT,
    }
    with sql.cursor() as cursor:
        cursor.execute(_WRITE, parameters)


def _remember(environment_id: int, new: dict[UUID, _New]) -> None:
    for id_, one in new.items():
        known = _memory.setdefault((environment_id, id_), _Known())
        _memory.move_to_end((environment_id, id_))
        known.terms.update(map(hash, one.terms))
        known.length += len(one.text) + 1
        known.places |= one.places
        if known.length >= MAX_TEXT or len(known.terms) > REMEMBERED_OF_ONE:
            known.terms = set()
        if len(known.places) > REMEMBERED_OF_ONE:
            known.places = set()
    while len(_memory) > REMEMBERED:
        _memory.popitem(last=False)
