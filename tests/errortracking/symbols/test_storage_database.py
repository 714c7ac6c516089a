"""Data in the database: in rows of half a megabyte, none of which any side holds longer than it must."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest
from django.db import connection, transaction

from environments.models import Project
from errortracking.models import SymbolChunk
from errortracking.symbols.storage import Missing, new_key
from errortracking.symbols.storage.database import DatabaseStorage
from tests.errortracking.symbols.storing import a_project

__all__ = ["a_project"]

pytestmark = pytest.mark.django_db
HALF = 512 * 1024


def rows(project: Project, key: str) -> list[tuple[int, int]]:
    """Return number and length of each piece."""
    chunks = SymbolChunk.objects.filter(environment_id=project.pk, key=key).order_by("number")
    return [(chunk.number, len(chunk.data)) for chunk in chunks]


def test_pieces_of_any_size_become_rows_of_half_a_megabyte(a_project: Project) -> None:
    key = new_key()
    DatabaseStorage().write(a_project.pk, key, [b"a" * (HALF - 1), b"b" * 2, b"c" * HALF, b"d"])
    assert rows(a_project, key) == [(0, HALF), (1, HALF), (2, 2)]


def test_an_object_without_a_byte_is_one_empty_piece(a_project: Project) -> None:
    key = new_key()
    DatabaseStorage().write(a_project.pk, key, [])
    assert rows(a_project, key) == [(0, 0)]


def test_an_exact_multiple_has_no_empty_piece_behind_it(a_project: Project) -> None:
    key = new_key()
    DatabaseStorage().write(a_project.pk, key, [b"a" * HALF * 2])
    assert rows(a_project, key) == [(0, HALF), (1, HALF)]


def test_pieces_are_not_compressed_again(a_project: Project) -> None:
    key = new_key()
    DatabaseStorage().write(a_project.pk, key, [b"a" * HALF])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_column_size(data) FROM errortracking_symbolchunk WHERE environment_id = %s AND key = %s",
            [a_project.pk, key],
        )
        assert cursor.fetchall() == [(HALF,)]


def test_neither_way_takes_the_memory_of_the_whole(a_project: Project) -> None:
    key = new_key()
    tracemalloc.start()
    DatabaseStorage().write(a_project.pk, key, (bytes(65536) for _ in range(640)))
    total = sum(len(piece) for piece in DatabaseStorage().read(a_project.pk, key))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert total == 640 * 65536  # 40 MB
    assert peak < 8 * 1024 * 1024


def test_data_that_goes_while_it_is_read_is_missing_and_not_cut_short(a_project: Project) -> None:
    key = new_key()
    DatabaseStorage().write(a_project.pk, key, [b"a" * HALF * 3])
    reading = DatabaseStorage().read(a_project.pk, key)
    assert len(next(reading)) == HALF
    DatabaseStorage().delete(a_project.pk, [key])
    with pytest.raises(Missing):
        list(reading)


def test_a_write_that_fails_leaves_what_was_there_before(a_project: Project) -> None:
    def breaking() -> Iterator[bytes]:
        yield b"new" * HALF
        raise ConnectionResetError

    key = new_key()
    DatabaseStorage().write(a_project.pk, key, [b"old"])
    with pytest.raises(ConnectionResetError), transaction.atomic():
        DatabaseStorage().write(a_project.pk, key, breaking())
    assert b"".join(DatabaseStorage().read(a_project.pk, key)) == b"old"
