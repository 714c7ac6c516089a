"""Which environments are not ours to change, and where ours is then. pip is a recorder; the rest is real."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.bootstrap import places
from tests.runtime.bootstrapping import FakePip, break_configuration, break_python, checkout, fake_pip, ready

__all__ = ["checkout", "fake_pip", "ready"]


def someone_elses(checkout: Path) -> Path:
    import venv

    venv.create(checkout / ".venv", symlinks=True)
    (checkout / ".venv" / "mine").touch()
    return checkout / ".venv"


def another_python(folder: Path) -> None:
    (folder / "pyvenv.cfg").write_text("home = /usr/bin\nversion = 3.9.2\n")


def not_an_environment(folder: Path) -> None:
    break_configuration(folder)
    break_python(folder)


@pytest.mark.parametrize("how", [another_python, break_python, break_configuration, not_an_environment])
def test_one_of_somebody_else_that_cannot_be_used_is_left_alone_and_this_is_said(
    ready: Callable[[str], Path],
    fake_pip: FakePip,
    checkout: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    how: Callable[[Path], None],
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    theirs = someone_elses(checkout)
    how(theirs)
    before = sorted(theirs.rglob("*"))
    expected = tmp_path / "cache" / "healthtrack" / places.checkout_key(checkout) / "venv"
    assert ready("runtime") == expected
    said = [line for line in capsys.readouterr().err.splitlines() if "is used instead" in line]
    assert len(said) == 1
    assert str(theirs) in said[0]
    assert str(expected) in said[0]
    assert sorted(theirs.rglob("*")) == before
    assert ready("runtime") == expected
    assert fake_pip.installed == ["runtime.txt"]
    assert capsys.readouterr().err == ""


def test_an_interrupted_completion_does_not_make_somebody_elses_ours(
    ready: Callable[[str], Path], fake_pip: FakePip, checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    theirs = someone_elses(checkout)
    fake_pip.fails_with = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        ready("runtime")
    fake_pip.fails_with = None
    break_python(theirs)
    assert ready("runtime") != theirs
    assert (theirs / "mine").exists()


def test_one_that_a_person_made_is_kept_and_completed(
    ready: Callable[[str], Path], fake_pip: FakePip, checkout: Path
) -> None:
    import venv

    venv.create(checkout / ".venv", symlinks=True)
    (checkout / ".venv" / "mine").touch()
    ready("dev")
    assert (checkout / ".venv" / "mine").exists()
    assert fake_pip.installed == ["dev.txt"]


def test_one_of_ours_with_another_python_that_runs_is_left_to_what_may_run_from_it(
    ready: Callable[[str], Path], fake_pip: FakePip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = ready("runtime")
    # The same interpreter under another name: as far as this one can tell, another build.
    copy = tmp_path / "python3"
    copy.symlink_to(sys.executable)
    (folder / "in-use").touch()
    with monkeypatch.context() as patch:
        patch.setattr(os.path, "realpath", lambda path: str(path))
        other = ready("dev")
        assert other.is_relative_to(tmp_path / "cache")
        assert ready("dev") == other
    assert (folder / "in-use").exists()


def test_a_file_in_its_place_is_left_alone(
    ready: Callable[[str], Path], fake_pip: FakePip, checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (checkout / ".venv").write_text("mine")
    assert ready("runtime").is_relative_to(tmp_path / "cache")
    assert (checkout / ".venv").read_text() == "mine"


def test_a_checkout_that_cannot_be_written_gets_one_in_the_cache_folder(
    ready: Callable[[str], Path],
    fake_pip: FakePip,
    checkout: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = os.access
    monkeypatch.setattr(
        os, "access", lambda path, mode: mode != os.W_OK or (Path(path) != checkout and real(path, mode))
    )
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    expected = tmp_path / "cache" / "healthtrack" / places.checkout_key(checkout) / "venv"
    assert ready("runtime") == expected
    assert ready("runtime") == expected
    assert fake_pip.installed == ["runtime.txt"]
    assert not (checkout / ".venv").exists()


def test_one_that_is_ready_is_used_though_it_cannot_be_written(
    ready: Callable[[str], Path], fake_pip: FakePip, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ready("runtime")
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK and real(path, mode))
    assert ready("runtime") == checkout / ".venv"
    assert fake_pip.installed == ["runtime.txt"]
