"""The fast read path where the order, the count or the condition is dear: kept counts, foreign ids, rows found once."""

from __future__ import annotations

from typing import Any

import pytest

from environments.api.rows import Reader
from environments.models import RowCount
from errortracking.api.releases import ErrorTrackingReleaseSerializer
from errortracking.models import Release
from tests.environments.world import World, statements


@pytest.fixture(params=[False, True], ids=["counting", "with kept counts"])
def reader(request: pytest.FixtureRequest) -> Reader:
    return Reader(Release, ErrorTrackingReleaseSerializer, ("version",), counted=request.param)


def make(world: World, versions: str) -> None:
    for version in versions:
        Release.objects.create(environment=world.project, hash_id=f"h{version}", version=version, project=version)


def shown(page: tuple[int, list[dict[str, Any]]]) -> tuple[int, str]:
    return page[0], "".join(row["version"] for row in page[1])


@pytest.mark.parametrize(
    ("start", "stop", "versions"), [(0, 2, "ab"), (2, 4, "cd"), (4, 9, "e"), (5, 9, ""), (2**70, 2**70 + 2, "")]
)
def test_every_way_to_read_a_page_reads_the_same(
    world: World, stranger: World, reader: Reader, start: int, stop: int, versions: str
) -> None:
    make(world, "ecdab")
    make(stranger, "xyz")
    own = {"environment_id": world.project.pk}
    queryset, wanted = Release.objects.filter(**own), slice(start, stop)
    ids = queryset.order_by("project").values("pk")
    for _ in range(7):  # the first ones are parsed by PostgreSQL each time, the last ones are prepared
        for page in (
            reader.page(own, wanted),
            reader.page(queryset, wanted),
            reader.page(own, wanted, ids),
            reader.found(queryset, wanted, own),
        ):
            assert shown(page) == (5, versions)


def test_an_empty_table_is_an_empty_page(world: World, reader: Reader) -> None:
    own = {"environment_id": world.project.pk}
    queryset = Release.objects.filter(**own)
    for start in (0, 3):
        wanted = slice(start, start + 3)
        assert reader.page(own, wanted) == reader.found(queryset, wanted, own) == (0, [])
        assert reader.page(own, wanted, queryset.values("pk")) == (0, [])


def test_only_all_rows_of_a_project_are_not_counted(world: World) -> None:
    """The kept count is made wrong, to see where it is asked."""
    make(world, "abc")
    reader = Reader(Release, ErrorTrackingReleaseSerializer, ("version",), counted=True)
    RowCount.objects.filter(environment_id=world.project.pk).update(count=77)
    own = {"environment_id": world.project.pk}
    wanted = slice(0, 2)
    assert shown(reader.page(own, wanted)) == (77, "ab")
    assert shown(reader.page(own | {"project": "a"}, wanted)) == (1, "a")
    assert shown(reader.page(Release.objects.filter(**own), wanted)) == (3, "ab")
    assert len(reader.all(own, 10)) == 3


def test_rows_that_foreign_ids_do_not_know_come_last_in_the_readers_order(world: World, reader: Reader) -> None:
    """The reader's order must have them last; here by their version."""
    make(world, "abcdef")
    own = {"environment_id": world.project.pk}
    ids = Release.objects.filter(**own, version__lte="d").order_by("version").values("pk")
    assert [shown(reader.page(own, slice(start, start + 2), ids)) for start in (0, 2, 3, 4, 6)] == [
        *((6, "ab"), (6, "cd"), (6, "de"), (6, "ef"), (6, ""))
    ]


def test_what_is_found_once_takes_two_statements(world: World, reader: Reader) -> None:
    make(world, "abc")
    own = {"environment_id": world.project.pk}
    with statements() as sent:
        assert shown(reader.found(Release.objects.filter(**own, version__gte="b"), slice(0, 1), own)) == (2, "b")
    assert len(sent) == 2
    assert '"version" >=' in sent[0]
    assert '"version" >=' not in sent[1]


def test_a_shallow_page_of_dear_columns_is_read_by_ids(world: World) -> None:
    make(world, "abc")
    reader = Reader(Release, ErrorTrackingReleaseSerializer, ("version",), counted=True, deep_offset=1)
    own = {"environment_id": world.project.pk}
    for start, expected in ((0, 1), (1, 2)):
        with statements() as sent:
            assert shown(reader.page(own, slice(start, start + 1))) == (3, "abc"[start])
        assert len(sent) == expected
    assert "IN (SELECT" in sent[1]
