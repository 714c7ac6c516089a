"""What every place for the data of symbol sets can do: the same in the database and in an object store."""

from __future__ import annotations

import re
from collections.abc import Iterator
from uuid import UUID

import pytest

from environments.ids import moment_of
from environments.models import Project
from errortracking.symbols.storage import LARGEST_BYTES, Missing, Storage, TooLarge, new_key, storage
from tests.errortracking.symbols.storing import a_project, object_server, object_store, stored

__all__ = ["a_project", "object_server", "object_store", "stored"]

MEGABYTE = bytes(range(256)) * 4096


def read(place: Storage, project: Project, key: str) -> bytes:
    return b"".join(place.read(project.pk, key))


def test_a_key_names_the_moment_of_its_making() -> None:
    key = new_key()
    assert re.fullmatch(r"symbolsets/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", key)
    assert moment_of(UUID(key.removeprefix("symbolsets/"))).year >= 2026
    assert new_key() != key


def test_the_settings_name_the_place(stored: Storage) -> None:
    assert storage() is stored


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([b"abc"], id="less than a piece"),
        pytest.param([], id="no pieces"),
        pytest.param([b"", b"a", b""], id="empty ones between"),
        pytest.param([b"x" * 1000] * 2000, id="many small ones"),
        pytest.param([MEGABYTE * 3 + b"end"], id="a large one"),
        pytest.param([b"y" * 512 * 1024] * 2, id="pieces of just the size of a row"),
    ],
)
def test_what_was_written_is_read(stored: Storage, a_project: Project, pieces: list[bytes]) -> None:
    key, whole = new_key(), b"".join(pieces)
    assert stored.write(a_project.pk, key, iter(pieces)) == len(whole)
    assert read(stored, a_project, key) == whole
    assert stored.size(a_project.pk, key) == len(whole)


def test_it_is_read_in_small_pieces(stored: Storage, a_project: Project) -> None:
    key = new_key()
    stored.write(a_project.pk, key, [MEGABYTE * 2])
    assert max(len(piece) for piece in stored.read(a_project.pk, key)) <= 512 * 1024


def test_what_is_not_there_is_missing(stored: Storage, a_project: Project) -> None:
    with pytest.raises(Missing):
        stored.read(a_project.pk, new_key())  # at the call, before anything was asked of the iterator
    assert stored.size(a_project.pk, new_key()) is None


def test_a_key_of_one_project_leads_to_nothing_in_another(stored: Storage, a_project: Project) -> None:
    other = Project.objects.create(organization=a_project.organization, name="other").pk
    key = new_key()
    stored.write(a_project.pk, key, [b"mine"])
    assert stored.size(other, key) is None
    stored.delete(other, [key])
    assert read(stored, a_project, key) == b"mine"
    stored.write(other, key, [b"theirs"])
    assert read(stored, a_project, key) == b"mine"


def test_half_an_object_is_none(stored: Storage, a_project: Project) -> None:
    def breaking() -> Iterator[bytes]:
        yield MEGABYTE
        yield MEGABYTE
        raise ConnectionResetError

    key = new_key()
    with pytest.raises(ConnectionResetError):
        stored.write(a_project.pk, key, breaking())
    assert stored.size(a_project.pk, key) is None


def test_a_hundred_megabytes_are_taken_and_not_a_byte_more(stored: Storage, a_project: Project) -> None:
    assert LARGEST_BYTES == 104_857_600
    key = new_key()
    with pytest.raises(TooLarge):
        stored.write(a_project.pk, key, [*[MEGABYTE] * 100, b"x"])
    assert stored.size(a_project.pk, key) is None
    assert stored.write(a_project.pk, key, [MEGABYTE] * 100) == 104_857_600
    assert stored.size(a_project.pk, key) == 104_857_600


def test_what_is_written_again_replaces_all_of_it(stored: Storage, a_project: Project) -> None:
    key = new_key()
    stored.write(a_project.pk, key, [MEGABYTE * 2])
    stored.write(a_project.pk, key, [b"short"])
    assert read(stored, a_project, key) == b"short"


def test_deleting_takes_those_that_are_there(stored: Storage, a_project: Project) -> None:
    keys = [new_key() for _ in range(3)]
    for key in keys:
        stored.write(a_project.pk, key, [MEGABYTE])
    stored.delete(a_project.pk, [keys[0], new_key(), keys[1]])
    assert [stored.size(a_project.pk, key) for key in keys] == [None, None, 1_048_576]
    stored.delete(a_project.pk, [])
