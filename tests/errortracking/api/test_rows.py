"""What the lists of error tracking show is what their serializers say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from environments.api.viewsets import ProjectViewSet
from environments.models import Project
from errortracking.api.releases import ReleaseViewSet
from errortracking.api.stack_frames import StackFrameViewSet
from errortracking.api.symbol_sets import SymbolSetViewSet
from errortracking.models import FrameContent, Release, StackFrame, SymbolSet
from tests.environments.same import JSON, MOMENT, TEXT, assert_same
from tests.environments.world import World

RELEASE = st.fixed_dictionaries(
    {"hash_id": TEXT, "metadata": JSON, "version": TEXT, "project": TEXT, "created_at": MOMENT}
)
SYMBOLS = st.fixed_dictionaries({"ref": TEXT, "release": st.none() | RELEASE})
SYMBOL_SET = st.fixed_dictionaries(
    {
        **dict.fromkeys(("storage_ptr", "failure_reason", "content_hash"), st.none() | TEXT),
        "ref": TEXT,
        "created_at": MOMENT,
        "last_used": st.none() | MOMENT,
        "release": st.none() | RELEASE,
    }
)
CONTENT = st.fixed_dictionaries(
    {"contents": JSON.filter(lambda value: value is not None), "context": JSON, "resolved": st.booleans()}
)
FRAME = st.fixed_dictionaries(
    {
        "raw_id": TEXT,
        "part": st.integers(-(2**31), 2**31 - 1),
        "created_at": MOMENT,
        "content": CONTENT,
        "symbol_set": st.none() | SYMBOLS,
    }
)


def store_release(project: Project, values: dict[str, Any]) -> Release:
    return Release.objects.create(environment=project, **values)


def store_frame(project: Project, values: dict[str, Any]) -> StackFrame:
    symbols = values["symbol_set"]
    if symbols is not None:
        release = symbols["release"] and store_release(project, symbols["release"])
        symbols = SymbolSet.objects.create(environment=project, ref=symbols["ref"], release=release)
    number = FrameContent.objects.filter(environment=project).count()
    content = FrameContent.objects.create(environment=project, hash=number.to_bytes(4), **values["content"])
    return StackFrame.objects.create(environment=project, **values | {"symbol_set": symbols, "content": content})


def store_symbol_set(project: Project, values: dict[str, Any]) -> SymbolSet:
    release = values["release"] and store_release(project, values["release"])
    return SymbolSet.objects.create(environment=project, **values | {"release": release})


RESOURCES: dict[type[ProjectViewSet], tuple[Any, Callable[[Project, Any], Any], tuple[str, ...]]] = {
    ReleaseViewSet: (RELEASE, store_release, ()),
    SymbolSetViewSet: (SYMBOL_SET, store_symbol_set, ("release",)),
    StackFrameViewSet: (FRAME, store_frame, ("content", "symbol_set__release")),
}


@pytest.mark.parametrize("viewset", RESOURCES, ids=lambda viewset: viewset.__name__)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_the_fast_path_shows_what_the_serializer_says(
    world: World, viewset: type[ProjectViewSet], data: st.DataObject
) -> None:
    values, store, related = RESOURCES[viewset]
    viewset.model._default_manager.filter(environment_id=world.project.pk).delete()
    Release.objects.filter(environment_id=world.project.pk).delete()
    SymbolSet.objects.filter(environment_id=world.project.pk).delete()
    seen: set[tuple[Any, ...]] = set()
    for value in data.draw(st.lists(values, min_size=1, max_size=4)):
        unique = unique_texts(value)
        if not unique & seen:
            seen |= unique
            store(world.project, value)
    assert_same(viewset, world.project, *related)


def unique_texts(value: dict[str, Any]) -> set[tuple[Any, ...]]:
    """Return what the database holds unique of one drawn value: such repetitions are no subject here."""
    found: set[tuple[Any, ...]] = set()
    if "hash_id" in value:
        found.add(("hash", value["hash_id"]))
    if "raw_id" in value:
        found.add(("frame", value["raw_id"], value["part"]))
    if "ref" in value:
        found.add(("ref", value["ref"]))
    for below in ("symbol_set", "release"):
        if value.get(below):
            found |= unique_texts(value[below])
    return found
