"""A checkout whose environment is made without a network: pip is replaced by a recorder; the rest is real."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.bootstrap import environment, pip
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


def break_python(folder: Path) -> None:
    (folder / "bin" / "python").unlink()


def break_configuration(folder: Path) -> None:
    (folder / "pyvenv.cfg").unlink()
