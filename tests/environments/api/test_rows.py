"""The fast read path: what a shape may be made of, and that it shows what the serializer says."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from django.db.models import F, Func, Q, TextField, Value
from django.db.models.functions import Concat
from rest_framework import serializers

from environments.api import rows as rows_module
from environments.api.fields import ObjectField
from environments.api.renderers import dumps
from environments.api.rows import DEEP_OFFSET, Reader, Shape
from errortracking.api.releases import ErrorTrackingReleaseSerializer, ReleaseViewSet
from errortracking.api.stack_frames import ErrorTrackingStackFrameSerializer, StackFrameViewSet
from errortracking.models import FrameContent, Release, SymbolSet
from tests.environments.world import World, statements

# ---- what a shape may be made of


class Inner(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    version = serializers.CharField()


def test_sources_become_paths_and_nested_objects_come_last() -> None:
    class Outer(serializers.Serializer[Any]):
        id = serializers.UUIDField()
        release = Inner(source="symbol_set.release", allow_null=True)
        ref = serializers.CharField(source="symbol_set.ref")

    shape = Shape.of(Outer)
    assert shape.keys == ("id", "release", "ref")
    assert shape.columns == (
        *("id", "symbol_set__release__id", "symbol_set__ref"),
        *("symbol_set__release__id", "symbol_set__release__version"),
    )
    rows = [(1, 7, "a", 7, "1.0"), (2, None, None, None, None)]
    assert shape.objects(rows) == [
        {"id": 1, "release": {"id": 7, "version": "1.0"}, "ref": "a"},
        {"id": 2, "release": None, "ref": None},
    ]


def test_objects_nest_to_any_depth() -> None:
    class Middle(serializers.Serializer[Any]):
        id = serializers.UUIDField()
        inner = Inner(source="a")
        name = serializers.CharField()

    class Outer(serializers.Serializer[Any]):
        id = serializers.UUIDField()
        middle = Middle(source="b")
        other = Inner(source="c")

    shape = Shape.of(Outer)
    assert len(shape.columns) == 3 + 3 + 2 + 2
    row = ("o", "m", "x", *("m", "i", "name"), *("i", "v"), *("x", "w"))
    assert shape.objects([row]) == [
        {
            "id": "o",
            "middle": {"id": "m", "inner": {"id": "i", "version": "v"}, "name": "name"},
            "other": {"id": "x", "version": "w"},
        }
    ]
    absent = ("o", None, "x", None, None, None, None, None, "x", "w")
    assert shape.objects([absent])[0]["middle"] is None


@pytest.mark.parametrize(
    "field",
    [
        serializers.SerializerMethodField(),
        serializers.DecimalField(max_digits=3, decimal_places=1),
        serializers.ListField(),
        serializers.ReadOnlyField(),
        serializers.DurationField(),
        serializers.DateField(),
    ],
)
def test_a_field_whose_json_is_not_the_columns_is_refused_at_once(field: serializers.Field[Any, Any, Any, Any]) -> None:
    odd = type("OddSerializer", (serializers.Serializer,), {"odd": field, "get_odd": lambda self, row: 1})
    with pytest.raises(TypeError, match=r"OddSerializer\.odd: \w+ cannot be read from rows"):
        Shape.of(odd)


def test_a_computed_field_needs_an_expression() -> None:
    class Computed(serializers.Serializer[Any]):
        both = serializers.SerializerMethodField()
        expressions = {"both": Func(F("version"), F("project"), function="CONCAT", output_field=TextField())}

    assert Shape.of(Computed).columns == (Computed.expressions["both"],)


@pytest.mark.parametrize(
    "field", [serializers.EmailField(), serializers.SlugField(), serializers.ChoiceField(["a"]), ObjectField()]
)
def test_fields_that_pass_a_column_on_are_taken(field: serializers.Field[Any, Any, Any, Any]) -> None:
    assert Shape.of(type("Plain", (serializers.Serializer,), {"column": field})).columns == ("column",)


# ---- reading


@pytest.fixture
def reader() -> Reader:
    return Reader(Release, ErrorTrackingReleaseSerializer, ("version",))


def make(world: World, *versions: str) -> None:
    for version in versions:
        Release.objects.create(environment=world.project, hash_id=f"h{version}", version=version, project="web")


def test_a_page_by_values_is_the_same_when_its_statement_is_kept(world: World, stranger: World, reader: Reader) -> None:
    make(world, "c", "a", "b")
    make(stranger, "x")
    for project, count, versions in (
        (world.project, 3, ["b", "c"]),
        (stranger.project, 1, []),
        (world.project, 3, ["b", "c"]),
    ):
        found, rows = reader.page({"environment_id": project.pk, "project": "web"}, slice(1, 3))
        assert [row["version"] for row in rows] == versions
        assert found == count


@pytest.mark.parametrize(
    ("condition", "versions"),
    [
        ({"version": "a"}, ["a"]),
        ({"version": "zzz"}, []),
        ({"version__in": ["a", "c"]}, ["a", "c"]),
        ({"version__in": []}, []),
        ({"metadata__isnull": True}, ["a", "b", "c"]),
        ({"metadata__isnull": False}, []),
        ({"version": "%s"}, []),
        ({"version": "a' OR '1'='1"}, []),
    ],
)
def test_any_condition_can_be_read_again_and_again(
    world: World, reader: Reader, condition: dict[str, Any], versions: list[str]
) -> None:
    make(world, "a", "b", "c")
    for _ in range(3):
        rows = reader.all({"environment_id": world.project.pk, **condition}, 10)
        assert [row["version"] for row in rows] == versions
        count, page = reader.page({"environment_id": world.project.pk, **condition}, slice(0, 10))
        assert [row["version"] for row in page] == versions
        assert count == len(versions)


def test_null_is_not_mistaken_for_a_value_of_a_kept_statement(world: World) -> None:
    reader = Reader(SymbolSet, type("S", (serializers.Serializer,), {"ref": serializers.CharField()}), ("ref",))
    SymbolSet.objects.create(environment=world.project, ref="a", failure_reason="gone")
    SymbolSet.objects.create(environment=world.project, ref="b")
    for reason, refs in (("gone", ["a"]), (None, ["b"]), ("gone", ["a"]), ("other", [])):
        found = reader.all({"environment_id": world.project.pk, "failure_reason": reason}, 10)
        assert [row["ref"] for row in found] == refs


def test_booleans_are_not_mistaken_either(world: World) -> None:
    shape = type("S", (serializers.Serializer,), {"resolved": serializers.BooleanField()})
    reader = Reader(FrameContent, shape, ("id",))
    for number, resolved in enumerate((True, False, False)):
        FrameContent.objects.create(environment=world.project, hash=bytes([number]), contents={}, resolved=resolved)
    for resolved, count in ((True, 1), (False, 2), (True, 1)):
        assert len(reader.all({"environment_id": world.project.pk, "resolved": resolved}, 10)) == count


def test_a_queryset_is_read_in_the_readers_order(world: World, reader: Reader) -> None:
    make(world, "c", "a", "b")
    queryset = Release.objects.filter(Q(version="a") | Q(version="c"), environment=world.project).order_by("-version")
    assert [row["version"] for row in reader.all(queryset, 10)] == ["a", "c"]
    count, page = reader.page(queryset, slice(1, 2))
    assert (count, [row["version"] for row in page]) == (2, ["c"])


def test_a_limit_is_a_limit(world: World, reader: Reader) -> None:
    make(world, "c", "a", "b")
    assert [row["version"] for row in reader.all({"environment_id": world.project.pk}, 2)] == ["a", "b"]


@pytest.mark.parametrize(
    ("start", "count", "versions", "texts"),
    [
        (0, 3, ["a", "b"], 1),
        (2, 3, ["c"], 1),
        (3, 3, [], 2),  # no row came that could have told the count
        (DEEP_OFFSET, 3, [], 1),
        (2**64, 3, [], 1),  # never reaches PostgreSQL, which has no such number
    ],
)
def test_a_page_and_the_count_are_one_statement_where_there_are_rows(
    world: World, reader: Reader, start: int, count: int, versions: list[str], texts: int
) -> None:
    make(world, "a", "b", "c")
    for _ in range(7):  # the first ones are parsed by PostgreSQL each time, the last ones are prepared
        with statements() as sent:
            found, rows = reader.page({"environment_id": world.project.pk}, slice(start, start + 2))
        assert (found, [row["version"] for row in rows]) == (count, versions)
        assert len(sent) == texts


def test_an_empty_list_is_one_statement(world: World, reader: Reader) -> None:
    with statements() as sent:
        assert reader.page({"environment_id": world.project.pk}, slice(0, 100)) == (0, [])
    assert len(sent) == 1


def test_deep_pages_hold_what_shallow_ones_do(world: World, reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    make(world, *"abcdefg")
    condition = {"environment_id": world.project.pk, "project": "web"}
    shallow = [reader.page(condition, slice(start, start + 3)) for start in range(9)]
    monkeypatch.setattr(rows_module, "DEEP_OFFSET", 0)
    assert [reader.page(condition, slice(start, start + 3)) for start in range(9)] == shallow
    assert [count for count, _ in shallow] == [7] * 9
    assert [row["version"] for row in shallow[5][1]] == ["f", "g"]


def test_an_expression_with_a_parameter_is_read_with_every_kind_of_condition(world: World) -> None:
    """Its value stands in the list and not in the count: the values of one statement are not those of another."""

    class Marked(serializers.Serializer[Any]):
        version = serializers.CharField()
        mark = serializers.SerializerMethodField()
        expressions = {"mark": Concat(F("version"), Value("%s!"), output_field=TextField())}

    make(world, "a", "b", "c")
    reader = Reader(Release, Marked, ("version",))
    for start, found in ((0, ["a%s!", "b%s!"]), (2, ["c%s!"]), (3, [])):
        for condition in (
            {"environment_id": world.project.pk, "project": "web"},
            Release.objects.filter(environment=world.project, version__in=["a", "b", "c"]),
        ):
            count, rows = reader.page(condition, slice(start, start + 2))
            assert (count, [row["mark"] for row in rows]) == (3, found)
    assert [row["mark"] for row in reader.all({"environment_id": world.project.pk}, 1)] == ["a%s!"]


def test_numbers_of_json_pass_unparsed(world: World) -> None:
    """Numbers of any size: they are copied, not read."""
    make_metadata = {"big": 10**300, "small": 1e-300, "pi": math.pi, "zero": -0.0}
    Release.objects.create(environment=world.project, hash_id="h", version="1", project="p", metadata=make_metadata)
    shown = json.loads(dumps(ReleaseViewSet.reader.all({"environment_id": world.project.pk}, 1)))[0]["metadata"]
    assert shown == make_metadata


def test_the_serializers_of_both_resources_are_those_of_the_schema() -> None:
    assert ReleaseViewSet.serializer_class is ErrorTrackingReleaseSerializer
    assert StackFrameViewSet.serializer_class is ErrorTrackingStackFrameSerializer
