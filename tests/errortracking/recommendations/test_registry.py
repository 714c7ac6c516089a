"""Pipeline 4.1: which types there are; and that a type is one file."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType

import pytest

from errortracking.recommendations.registry import TYPES, load

ONE_TYPE = """
from datetime import timedelta
from errortracking.recommendations.base import Meta, RecommendationType

class Weekly(RecommendationType):
    name = "{name}"
    interval = timedelta(days=7)

    def compute(self, environment_id: int) -> Meta:
        return {{}}

    def is_completed(self, meta: Meta) -> bool:
        return False

TYPE = Weekly()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """An importable folder for files of types."""
    sys.path.insert(0, str(tmp_path))
    (tmp_path / "some_types").mkdir()
    yield tmp_path / "some_types"
    sys.path.remove(str(tmp_path))
    for name in [name for name in sys.modules if name.startswith("some_types")]:
        del sys.modules[name]


def package(folder: Path) -> ModuleType:
    made = ModuleType(folder.name)
    made.__path__ = [str(folder)]
    sys.modules[folder.name] = made
    return made


def test_the_types_of_the_contract_and_no_others() -> None:
    """3, `type`: the seed-time set and the later `quiet_issues`; 4.1, refresh."""
    assert {name: kind.interval for name, kind in TYPES.items()} == {
        "alerts": None,
        "long_running_issues": timedelta(hours=6),
        "quiet_issues": timedelta(hours=24),
        "rate_limits": None,
        "source_maps": timedelta(hours=6),
    }


def test_a_new_file_is_a_new_type(folder: Path) -> None:
    (folder / "weekly.py").write_text(ONE_TYPE.format(name="weekly_digest"))
    (folder / "another.py").write_text(ONE_TYPE.format(name="a_digest"))
    found = load(package(folder))
    assert list(found) == ["a_digest", "weekly_digest"]
    assert found["weekly_digest"].interval == timedelta(days=7)


def test_two_files_cannot_give_one_name(folder: Path) -> None:
    (folder / "one.py").write_text(ONE_TYPE.format(name="digest"))
    (folder / "two.py").write_text(ONE_TYPE.format(name="digest"))
    with pytest.raises(ValueError, match="two recommendations are named digest"):
        load(package(folder))


def test_a_file_without_a_type_is_noticed_at_once(folder: Path) -> None:
    (folder / "empty.py").write_text("")
    with pytest.raises(AttributeError, match="TYPE"):
        load(package(folder))
