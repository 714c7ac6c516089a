"""When the environment is made, refreshed, mended or made anew. pip is replaced by a recorder; the rest is real."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.bootstrap import environment, pip
from runtime.bootstrap.progress import Progress
from tests.runtime.bootstrapping import FakePip, break_configuration, break_python, checkout, fake_pip, ready, site

__all__ = ["checkout", "fake_pip", "ready"]


def test_the_first_command_makes_it_and_the_second_finds_it(
    ready: Callable[[str], Path], fake_pip: FakePip, checkout: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ready("runtime") == checkout / ".venv"
    said = capsys.readouterr()
    assert "creating it" in said.err
    assert "the environment is ready" in said.err
    assert said.out == "", "a command's output may be JSON"
    assert ready("runtime") == checkout / ".venv"
    assert fake_pip.installed == ["runtime.txt"]
    assert capsys.readouterr().err == ""


def test_back_and_forth_between_the_tests_and_the_server_installs_each_set_once(
    ready: Callable[[str], Path], fake_pip: FakePip
) -> None:
    for wanted in ("runtime", "dev", "runtime", "dev", "runtime"):
        ready(wanted)
    assert fake_pip.installed == ["runtime.txt", "dev.txt"]


def test_an_environment_made_for_the_tests_serves_the_server(ready: Callable[[str], Path], fake_pip: FakePip) -> None:
    ready("dev")
    ready("runtime")
    assert fake_pip.installed == ["dev.txt"]


def test_a_changed_lock_file_refreshes_it_in_place(
    ready: Callable[[str], Path], fake_pip: FakePip, checkout: Path
) -> None:
    folder = ready("runtime")
    (folder / "kept").touch()
    (checkout / "requirements" / "runtime.txt").write_text("django-5 orjson-3")
    ready("runtime")
    assert fake_pip.installed == ["runtime.txt", "runtime.txt"]
    assert (folder / "kept").exists()
    assert (site(folder) / "orjson-3.dist-info").exists()


def test_a_lock_file_that_changes_while_pip_runs_is_installed_the_next_time(
    ready: Callable[[str], Path], fake_pip: FakePip, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def install(python: Path, lock: Path, progress: Progress, keep_open: int) -> None:
        fake_pip(python, lock, progress, keep_open)
        lock.write_text("django-6")

    monkeypatch.setattr(pip, "install", install)
    ready("runtime")
    monkeypatch.setattr(pip, "install", fake_pip)
    ready("runtime")
    assert fake_pip.installed == ["runtime.txt", "runtime.txt"]


def package(folder: Path, name: str, *, missing: bool = False, record: bool = True) -> Path:
    """Install a package with one module by hand; returns its record's folder."""
    information = site(folder) / f"{name}.dist-info"
    information.mkdir(exist_ok=True)
    module = f"{name.partition('-')[0]}.py"
    if not missing:
        (site(folder) / module).touch()
    if record:
        (information / "RECORD").write_text(f"{module},,\n{information.name}/RECORD,,\n")
    return information


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), pip.InstallError("no network"), OSError("disk full")])
def test_a_refresh_that_was_interrupted_goes_on_in_place_and_half_packages_are_installed_again(
    ready: Callable[[str], Path], fake_pip: FakePip, checkout: Path, failure: BaseException
) -> None:
    folder = ready("runtime")
    (checkout / "requirements" / "dev.txt").write_text("django==5\npytest==9\nhalf==1")
    fake_pip.fails_with = failure
    with pytest.raises(type(failure)):
        ready("dev")
    whole = package(folder, "django-5")
    package(folder, "pytest-9", missing=True)
    package(folder, "half-1", record=False)
    foreign = package(folder, "foreign-1", missing=True)
    (folder / "postgresql").touch()  # what a running server may have in use
    seen: list[bool] = []

    def look(python: Path, lock: Path, progress: Progress, keep_open: int) -> None:
        seen.extend((site(folder) / f"{name}.dist-info").exists() for name in ("pytest-9", "half-1"))
        fake_pip.fails_with = None
        fake_pip(python, lock, progress, keep_open)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pip, "install", look)
        assert ready("dev") == folder
    assert seen == [False, False]
    assert (whole / "RECORD").exists()
    assert foreign.exists()
    assert (folder / "postgresql").exists()
    ready("dev")
    assert fake_pip.installed == ["runtime.txt", "dev.txt", "dev.txt"]


def test_one_whose_creation_was_interrupted_is_begun_anew_from_empty(
    ready: Callable[[str], Path], fake_pip: FakePip, monkeypatch: pytest.MonkeyPatch, checkout: Path
) -> None:
    import venv

    def interrupted(folder: Path, **_: object) -> None:
        create(folder, symlinks=True)
        raise KeyboardInterrupt

    create = venv.create
    monkeypatch.setattr(venv, "create", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ready("runtime")
    (checkout / ".venv" / "half").touch()
    monkeypatch.setattr(venv, "create", create)
    folder = ready("runtime")
    assert folder == checkout / ".venv"
    assert not (folder / "half").exists()


def break_package(folder: Path) -> None:
    (site(folder) / "django-5.dist-info").rmdir()


def break_stamp(folder: Path) -> None:
    (folder / ".healthtrack.json").write_text("{")


def break_interpreter(folder: Path) -> None:
    path = folder / ".healthtrack.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "key": "another Python"}))


@pytest.mark.parametrize("damage", [break_python, break_configuration])
def test_one_of_ours_whose_interpreter_does_not_run_is_made_anew(
    ready: Callable[[str], Path], fake_pip: FakePip, damage: Callable[[Path], None]
) -> None:
    folder = ready("runtime")
    (folder / "old").touch()
    damage(folder)
    assert ready("runtime") == folder
    assert fake_pip.installed == ["runtime.txt", "runtime.txt"]
    assert not (folder / "old").exists()
    assert (folder / "bin" / "python").exists()
    assert (folder / "pyvenv.cfg").exists()
    ready("runtime")
    assert len(fake_pip.installed) == 2


@pytest.mark.parametrize("damage", [break_package, break_interpreter])
def test_one_of_ours_whose_interpreter_runs_is_mended_in_place(
    ready: Callable[[str], Path], fake_pip: FakePip, damage: Callable[[Path], None]
) -> None:
    folder = ready("runtime")
    (folder / "old").touch()
    damage(folder)
    assert ready("runtime") == folder
    assert (folder / "old").exists()
    assert (site(folder) / "django-5.dist-info").exists()
    ready("runtime")
    assert fake_pip.installed == ["runtime.txt", "runtime.txt"]


def test_one_with_an_unreadable_stamp_is_checked_by_pip(ready: Callable[[str], Path], fake_pip: FakePip) -> None:
    break_stamp(ready("runtime"))
    ready("runtime")
    ready("runtime")
    assert fake_pip.installed == ["runtime.txt", "runtime.txt"]


def test_one_that_was_moved_with_its_checkout_is_installed_again(
    ready: Callable[[str], Path], fake_pip: FakePip, checkout: Path
) -> None:
    ready("runtime")
    moved = checkout.rename(checkout.with_name("moved"))
    environment._find_or_make(moved, "runtime")
    assert fake_pip.installed == ["runtime.txt", "runtime.txt"]
