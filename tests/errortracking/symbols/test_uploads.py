"""The rules of uploads, below the API (pipeline 2.6 and 6.2). What it answers stands in the files of its endpoints."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from environments.models import Project
from errortracking.models import SymbolChunk, SymbolGarbage, SymbolSet
from errortracking.symbols import uploads
from errortracking.symbols.storage import storage
from errortracking.symbols.upload_rules import OnConflict, Refused, Upload
from tests.environments.world import World, statements, world
from tests.errortracking.api.making import make_release, make_symbol_set

__all__ = ["world"]

_numbers = count(1)
PENDING, DONE = {"storage_ptr": "symbolsets/1"}, {"storage_ptr": "symbolsets/1", "content_hash": "h"}
FAILED: dict[str, str] = {}
BROKEN = DONE | {"failure_reason": '{"JavaScript":{"JSDataError":"the process was ended by SIGKILL"}}'}
REFUSE, KEEP, REPLACE = OnConflict


def start(world: World, *wanted: Upload, on_conflict: OnConflict = REFUSE) -> list[str]:
    """Begin uploads as the API does, and return what is to be sent."""
    with transaction.atomic():
        return [row.ref for row in uploads.start(world.project.pk, wanted, on_conflict).pending]


@pytest.mark.parametrize(
    ("there", "content_hash", "on_conflict", "expected"),
    [
        (None, "h", REFUSE, True),
        (None, None, REFUSE, True),
        (FAILED, "h", REFUSE, True),
        (FAILED, None, REFUSE, True),
        (PENDING, "h", REFUSE, True),
        (PENDING, None, KEEP, True),
        (DONE, "h", REFUSE, False),
        (DONE, "h", KEEP, False),
        (DONE, "h", REPLACE, False),
        (BROKEN, "h", REFUSE, False),
        (BROKEN, "h", KEEP, False),
        (BROKEN, "h", REPLACE, True),
        (DONE, "other", REFUSE, "content_hash_mismatch"),
        (DONE, "other", KEEP, False),
        (DONE, "other", REPLACE, True),
        (DONE, None, REFUSE, "content_hash_required"),
        (DONE, None, KEEP, "content_hash_required"),
        (DONE, None, REPLACE, "content_hash_required"),
    ],
)
def test_what_is_to_be_sent(
    world: World, there: dict[str, Any] | None, content_hash: str | None, on_conflict: OnConflict, expected: bool | str
) -> None:
    if there is not None:
        make_symbol_set(world.project, ref="a", **there)
    wanted = Upload("a", None, content_hash)
    if isinstance(expected, str):
        for call in (uploads.check, uploads.start):
            with pytest.raises(Refused) as refusal, transaction.atomic():
                call(world.project.pk, [wanted], on_conflict)
            assert refusal.value.code == expected
    else:
        assert uploads.check(world.project.pk, [wanted], on_conflict) == (["a"] if expected else [])
        assert start(world, wanted, on_conflict=on_conflict) == (["a"] if expected else [])


def test_the_number_of_statements_does_not_grow_with_the_uploads(world: World) -> None:
    release = str(make_release(world.project).pk)

    def sent(size: int) -> list[int]:
        wanted = [Upload(f"{next(_numbers)}", release, "h") for _ in range(size)]
        numbers = []
        with statements() as first:
            start(world, *wanted)
        numbers.append(len(first))
        rows = SymbolSet.objects.filter(environment=world.project, ref__in=[upload.ref for upload in wanted])
        for row in rows:
            storage().write(world.project.pk, row.storage_ptr or "", [b"x"])
        keys = {row.pk: row.storage_ptr or "" for row in rows}
        with statements() as last, transaction.atomic():
            uploads.finish(world.project.pk, dict.fromkeys(keys, "h"), keys)
        numbers.append(len(last))
        with statements() as again:
            start(world, *wanted)
        numbers.append(len(again))
        with statements() as deletion, transaction.atomic():
            uploads.delete(world.project.pk, list(keys))
        return [*numbers, len(deletion)]

    assert sent(2) == sent(50)


def test_what_a_refused_start_had_made_is_not_there(world: World) -> None:
    make_symbol_set(world.project, ref="z", **DONE)
    with pytest.raises(Refused):
        start(world, Upload("a", None, "x"), Upload("z", None, "x"))
    assert list(SymbolSet.objects.filter(environment=world.project).values_list("ref", flat=True)) == ["z"]


# ---- whatever clients do, in whatever order


STEP = st.tuples(
    st.sampled_from(["start", "send", "finish", "restart", "delete"]),
    st.sampled_from(["a", "b"]),
    st.sampled_from(["x", "y", None]),
    st.sampled_from(OnConflict),
)


class Clients:
    """Takes steps and remembers what clients were told to be there."""

    def __init__(self, project: Project) -> None:
        self.project, self.told = project, dict[str, str]()

    def row(self, ref: str) -> SymbolSet | None:
        return SymbolSet.objects.filter(environment=self.project, ref=ref).first()

    def take(self, what: str, ref: str, content_hash: str | None, on_conflict: OnConflict) -> None:
        try:
            with transaction.atomic():
                getattr(self, what)(ref, content_hash, on_conflict)
        except Refused:
            pass

    def start(self, ref: str, content_hash: str | None, on_conflict: OnConflict) -> None:
        if uploads.start(self.project.pk, [Upload(ref, None, content_hash)], on_conflict).pending:
            self.told.pop(ref, None)

    def restart(self, ref: str, *_: Any) -> None:
        uploads.restart(self.project.pk, ref, None)
        self.told.pop(ref, None)

    def send(self, ref: str, content_hash: str | None, *_: Any) -> None:
        row = self.row(ref)
        if row and row.storage_ptr and row.content_hash is None:
            storage().write(self.project.pk, row.storage_ptr, [b"data of " + (content_hash or "").encode()])

    def finish(self, ref: str, content_hash: str | None, *_: Any) -> None:
        if row := self.row(ref):
            hashes = {row.pk: content_hash or "z"}
            uploads.finish(self.project.pk, hashes, uploads.uploaded_keys(self.project.pk, [row.pk]))
            self.told[ref] = hashes[row.pk]

    def delete(self, ref: str, *_: Any) -> None:
        if row := self.row(ref):
            uploads.delete(self.project.pk, [row.pk])
            self.told.pop(ref, None)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, max_size=14))
def test_a_set_has_a_hash_where_its_data_is_there_and_no_data_is_forgotten(
    world: World, steps: Sequence[tuple[str, str, str | None, OnConflict]]
) -> None:
    project = Project.objects.create(organization=world.organization, name=f"project {next(_numbers)}")
    clients = Clients(project)
    for step in steps:
        clients.take(*step)
        rows = {row.ref: row for row in SymbolSet.objects.filter(environment=project)}
        assert {ref: row.content_hash for ref, row in rows.items() if row.content_hash is not None} == clients.told
        for ref in clients.told:
            assert storage().size(project.pk, rows[ref].storage_ptr or "")
    stored = set(SymbolChunk.objects.filter(environment=project).values_list("key", flat=True))
    named = {row.storage_ptr for row in SymbolSet.objects.filter(environment=project)}
    garbage = set(SymbolGarbage.objects.filter(project_id=project.pk).values_list("key", flat=True))
    assert stored <= named | garbage
    assert not named & garbage
