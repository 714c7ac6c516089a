"""When the environment is made, refreshed, made anew or left alone. pip is replaced by a recorder; the rest is real."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.bootstrap import environment, pip, places, stamp
from runtime.bootstrap.progress import Progress


class FakePip:
    """Stands in for ``pip.install``: installs a folder for each line of the lock file."""

    def __init__(self) -> None:
        self.installed: list[str] = []
        self.fails_with: BaseException | None = None

    def __call__(self, python: Path, lock: Path, progress: Progress, keep_open: int) -> None:
        self.installed.append(lock.name)
        site = python.parent.parent / "lib" / f"python3.{sys.version_info.minor}" / "site-packages"
        site.mkdir(parents=True, exist_ok=True)
        for line in lock.read_text().replace("==", "-").split():
            (site / f"{line}.dist-info").mkdir(exist_ok=True)
            if self.fails_with:
                raise self.fails_with


@pytest.fixture
def fake_pip(monkeypatch: pytest.MonkeyPatch) -> FakePip:
    fake = FakePip()
    monkeypatch.setattr(pip, "install", fake)
    monkeypatch.setattr(pip, "runner", lambda: Path("pip"))  # there is one: no ensurepip, which takes seconds
    return fake


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    (folder / "requirements").mkdir(parents=True)
    (folder / "requirements" / "runtime.txt").write_text("django-5")
    (folder / "requirements" / "dev.txt").write_text("django-5 pytest-9")
    return folder


@pytest.fixture
def ready(checkout: Path, fake_pip: FakePip) -> Callable[[str], Path]:
    """Ask for an environment with the packages of a set; returns its folder."""
    return lambda wanted: environment._find_or_make(checkout, wanted)


def site(folder: Path) -> Path:
    return next(folder.glob("lib/python*/site-packages"))


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


def break_python(folder: Path) -> None:
    (folder / "bin" / "python").unlink()


def break_configuration(folder: Path) -> None:
    (folder / "pyvenv.cfg").unlink()


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


def test_one_with_an_unreadable_stamp_is_checked_by_pip(ready: Callable[[str], Path], fake_pip: FakePip) -> None:
    break_stamp(ready("runtime"))
    ready("runtime")
    ready("runtime")
    assert fake_pip.installed == ["runtime.txt", "runtime.txt"]


def test_one_that_a_person_made_is_kept_and_completed(
    ready: Callable[[str], Path], fake_pip: FakePip, checkout: Path
) -> None:
    import venv

    venv.create(checkout / ".venv", symlinks=True)
    (checkout / ".venv" / "mine").touch()
    ready("dev")
    assert (checkout / ".venv" / "mine").exists()
    assert fake_pip.installed == ["dev.txt"]


def test_one_that_was_moved_with_its_checkout_is_installed_again(
    ready: Callable[[str], Path], fake_pip: FakePip, checkout: Path
) -> None:
    ready("runtime")
    moved = checkout.rename(checkout.with_name("moved"))
    environment._find_or_make(moved, "runtime")
    assert fake_pip.installed == ["runtime.txt", "runtime.txt"]


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


def test_without_any_pip_the_text_names_the_package(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pip, "runner", lambda: None)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(pip.InstallError, match="apt-get install python3-pip"):
        environment._find_or_make(checkout, "runtime")


def test_inside_a_virtual_environment_nothing_is_made(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "base_prefix", "/usr")
    monkeypatch.setattr(sys, "prefix", "/home/alice/venv")
    environment.ensure(["manage.py", "up"], checkout)
    assert not (checkout / ".venv").exists()


def test_a_container_image_switches_it_off(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    monkeypatch.setenv("HEALTHTRACK_NO_BOOTSTRAP", "1")
    environment.ensure(["manage.py", "up"], checkout)
    assert not (checkout / ".venv").exists()


@pytest.mark.parametrize(
    ("command", "lock"),
    [(["up"], "runtime.txt"), (["test", "-x"], "dev.txt"), (["migrate", "test"], "runtime.txt"), ([], "runtime.txt")],
)
def test_the_command_runs_inside_with_the_packages_it_needs(
    checkout: Path, fake_pip: FakePip, monkeypatch: pytest.MonkeyPatch, command: list[str], lock: str
) -> None:
    executed: list[tuple[Path, list[str]]] = []
    monkeypatch.setattr(sys, "prefix", sys.base_prefix)
    monkeypatch.delenv("HEALTHTRACK_NO_BOOTSTRAP", raising=False)
    monkeypatch.setattr(os, "execv", lambda path, arguments: executed.append((path, arguments)))
    monkeypatch.setenv(environment.LOOP_GUARD, "")
    environment.ensure(["manage.py", *command], checkout)
    python = checkout / ".venv" / "bin" / "python"
    assert executed == [(python, [str(python), "manage.py", *command])]
    assert fake_pip.installed == [lock]
    with pytest.raises(SystemExit, match="does not run as a virtual environment"):
        environment.ensure(["manage.py", *command], checkout)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_to_end_unwinds_so_that_pip_is_ended_too(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(SystemExit) as left, environment._terminated_as_exit():
        signal.raise_signal(number)
    assert left.value.code == 128 + number
    assert signal.getsignal(number) == before


def test_what_binds_an_environment_is_part_of_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    keys = {stamp.interpreter_key(Path("/a/.venv")), stamp.interpreter_key(Path("/b/.venv"))}
    with monkeypatch.context() as patch:
        patch.setattr(sys, "version", "3.12.0 (another)")
        keys.add(stamp.interpreter_key(Path("/a/.venv")))
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/opt/python/bin/python3")
        keys.add(stamp.interpreter_key(Path("/a/.venv")))
    assert len(keys) == 4
