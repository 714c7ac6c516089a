"""Which commands make an environment at all, and run inside it with the packages that they need."""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
from pathlib import Path

import pytest

from runtime.bootstrap import environment, pip, stamp
from tests.runtime.bootstrapping import FakePip, checkout, fake_pip

__all__ = ["checkout", "fake_pip"]


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
