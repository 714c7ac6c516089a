"""The folder of data that was read lately: fetched once, bounded, and never pulled away from whoever reads it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from environments.models import Project
from errortracking.symbols import cache
from errortracking.symbols.cache import local
from errortracking.symbols.storage import Missing, new_key, storage
from tests.errortracking.symbols.storing import a_project

__all__ = ["a_project"]

ROOT = Path(__file__).parents[3]
MB = 1024 * 1024
# Several of these share a folder that keeps nothing: each file is deleted by whoever is done with it first.
READER = """
import os, random, sys, time
import django
django.setup()
from errortracking.symbols import cache

class Same:
    def read(self, environment_id, key):
        for _ in range(4):
            time.sleep(random.random() / 1000)
            yield key.encode() * 1000

cache.storage = Same
for _ in range(60):
    key = random.choice("ab")
    with cache.local(1, key) as path:
        time.sleep(random.random() / 500)
        assert path.read_bytes() == key.encode() * 4000, path.stat().st_size
"""


class Fake:
    """A storage of what it is told; notes what it was asked for."""

    def __init__(self, objects: dict[tuple[int, str], bytes]) -> None:
        self.objects = objects
        self.asked: list[tuple[int, str]] = []

    def read(self, environment_id: int, key: str) -> Iterator[bytes]:
        self.asked.append((environment_id, key))
        if (environment_id, key) not in self.objects:
            raise Missing(key)
        data = self.objects[environment_id, key]
        return (data[start : start + 1000] for start in range(0, len(data), 1000))


@pytest.fixture
def folder(tmp_path: Path, settings: Settings) -> Path:
    settings.SYMBOL_CACHE_DIR = str(tmp_path / "cache")
    settings.SYMBOL_CACHE_MB = 3
    return tmp_path / "cache"


@pytest.fixture
def fake(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    fake = Fake({(1, name): name.encode() * MB for name in "abcd"})
    monkeypatch.setattr(cache, "storage", lambda: fake)
    return fake


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def use(*keys: str, environment_id: int = 1) -> None:
    """Use one after the other, a minute apart."""
    for key in keys:
        with local(environment_id, key) as path:
            assert path.read_bytes() == key.encode() * MB
        for file in path.parent.iterdir():
            older = file.stat().st_mtime - 60
            os.utime(file, (older, older))


@pytest.mark.django_db
def test_the_data_of_the_storage_is_a_file(folder: Path, a_project: Project) -> None:
    key = new_key()
    storage().write(a_project.pk, key, [b"a" * 700_000, b"b" * 700_000])
    with local(a_project.pk, key) as path:
        assert path.read_bytes() == b"a" * 700_000 + b"b" * 700_000


@pytest.mark.django_db
def test_data_that_is_not_there_is_missing_and_leaves_nothing(folder: Path, a_project: Project) -> None:
    with pytest.raises(Missing), local(a_project.pk, new_key()):
        pass
    assert not folder.exists()


def test_it_is_fetched_once(fake: Fake) -> None:
    use("a", "a", "a")
    assert fake.asked == [(1, "a")]


def test_another_project_has_its_own(fake: Fake) -> None:
    use("a")
    with pytest.raises(Missing), local(2, "a"):
        pass


def test_a_key_leads_nowhere_but_into_the_folder(fake: Fake, folder: Path) -> None:
    fake.objects[1, "../../etc/passwd"] = b"x"
    with local(1, "../../etc/passwd") as path:
        assert path.parent == folder
        assert len(files(folder)) == 1


def test_the_folder_is_for_nobody_else(fake: Fake, folder: Path) -> None:
    use("a")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_what_was_used_longest_ago_goes_first(fake: Fake) -> None:
    use("a", "b", "c", "a", "d")
    use("a", "c", "d")
    assert fake.asked == [(1, "a"), (1, "b"), (1, "c"), (1, "d")]
    use("b")
    assert fake.asked[-1] == (1, "b")


def test_without_room_nothing_stays(fake: Fake, folder: Path, settings: Settings) -> None:
    settings.SYMBOL_CACHE_MB = 0
    use("a", "a")
    assert fake.asked == [(1, "a"), (1, "a")]
    assert files(folder) == []


def test_an_object_larger_than_the_folder_may_be_is_used_all_the_same(fake: Fake, folder: Path) -> None:
    fake.objects[1, "large"] = b"x" * 4 * MB
    with local(1, "large") as path:
        assert path.stat().st_size == 4 * MB
    assert files(folder) == []


def test_what_was_unused_for_a_day_goes_at_the_next_fetch(fake: Fake, folder: Path) -> None:
    use("a", "b")
    [old, _] = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime)
    long_ago = time.time() - 24 * 3600 - 1
    os.utime(old, (long_ago, long_ago))
    use("c")
    assert not old.exists()
    assert len(files(folder)) == 2


def test_a_file_in_use_stays(fake: Fake, folder: Path, settings: Settings) -> None:
    settings.SYMBOL_CACHE_MB = 0
    with local(1, "a") as path:
        use("b")
        assert path.read_bytes() == b"a" * MB
        assert files(folder) == [path.name]
    assert files(folder) == []


def test_a_file_that_two_use_stays_until_both_are_done(fake: Fake, folder: Path, settings: Settings) -> None:
    settings.SYMBOL_CACHE_MB = 0
    with local(1, "a") as first:
        with local(1, "a") as second:
            assert second == first
        assert first.exists()


def test_a_fetch_that_fails_leaves_no_half_file(fake: Fake, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(environment_id: int, key: str) -> Iterator[bytes]:
        yield b"half"
        raise ConnectionError

    monkeypatch.setattr(fake, "read", broken)
    with pytest.raises(ConnectionError), local(1, "a"):
        pass
    assert files(folder) == []


def test_a_half_file_of_a_dead_process_goes_after_an_hour(fake: Fake, folder: Path) -> None:
    folder.mkdir()
    (folder / "young.part").write_bytes(b"x" * 10 * MB)
    (folder / "old.part").write_bytes(b"x")
    hour_ago = time.time() - 3601
    os.utime(folder / "old.part", (hour_ago, hour_ago))
    use("a", "b")
    assert "young.part" in files(folder)
    assert "old.part" not in files(folder)


def test_files_of_others_are_not_touched(fake: Fake, folder: Path, settings: Settings) -> None:
    settings.SYMBOL_CACHE_MB = 0
    folder.mkdir()
    (folder / "README").write_text("mine")
    os.utime(folder / "README", (1, 1))
    use("a")
    assert files(folder) == ["README"]


def test_who_fetches_at_the_same_time_gets_the_file_of_the_first(fake: Fake, folder: Path) -> None:
    read = fake.read

    def meanwhile(environment_id: int, key: str) -> Iterator[bytes]:
        fake.read = read  # type: ignore[method-assign]
        with local(1, "a") as path:
            first.append(path.stat().st_ino)
        return read(environment_id, key)

    first: list[int] = []
    fake.read = meanwhile  # type: ignore[method-assign]
    with local(1, "a") as path:
        assert [path.stat().st_ino] == first
    assert len(files(folder)) == 1


def test_several_processes_never_pull_a_file_away_from_one_another(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "HEALTHTRACK_SYMBOL_CACHE_DIR": str(tmp_path / "cache"),
        "HEALTHTRACK_SYMBOL_CACHE_MB": "0",
    }
    readers = [
        subprocess.Popen([sys.executable, "-c", READER], cwd=ROOT, env=environment, stderr=subprocess.PIPE)
        for _ in range(3)
    ]
    for reader in readers:
        _, complaint = reader.communicate(timeout=120)
        assert (reader.returncode, complaint) == (0, b"")
    assert files(tmp_path / "cache") == []
