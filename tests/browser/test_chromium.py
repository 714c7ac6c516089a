"""How the tests find a browser: in which order, and what a machine without one gets."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from runtime.bootstrap.places import CHECKOUT
from tests.browser import chromium

LOCK = chromium.HERE / "package-lock.json"


def program(folder: Path, name: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return path


def playwright(downloaded: Path) -> Any:
    return SimpleNamespace(chromium=SimpleNamespace(executable_path=str(downloaded)))


def test_the_named_one_comes_first_then_the_machines_then_playwrights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named, on_path = program(tmp_path / "named", "mine"), program(tmp_path / "bin", "google-chrome")
    downloaded = program(tmp_path / "playwright", "chrome")
    packed = chromium.Chromium(tmp_path / "packed")
    monkeypatch.setattr(chromium, "packed", lambda cache: packed)
    environ = {"HEALTHTRACK_TEST_CHROMIUM": str(named), "PATH": str(on_path.parent)}
    assert chromium.find(playwright(downloaded), environ).program == named
    assert chromium.find(playwright(downloaded), {**environ, "HEALTHTRACK_TEST_CHROMIUM": ""}).program == on_path
    assert chromium.find(playwright(downloaded), {"PATH": str(tmp_path)}).program == downloaded
    assert chromium.find(playwright(tmp_path / "none"), {"PATH": str(tmp_path)}) is packed


def test_a_named_one_that_is_not_there_is_not_replaced_by_another(tmp_path: Path) -> None:
    environ = {"HEALTHTRACK_TEST_CHROMIUM": str(tmp_path / "nothing"), "PATH": os.environ["PATH"]}
    with pytest.raises(chromium.NoBrowser, match="which is no program"):
        chromium.find(playwright(tmp_path / "none"), environ)


def test_a_machine_for_which_there_is_no_package_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    with pytest.raises(chromium.NoBrowser, match="Linux on x86-64 alone"):
        chromium.packed(tmp_path)


def test_an_install_that_fails_is_tried_again_the_next_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def offline(source: Path, folder: Path) -> Path:
        calls.append(source)
        raise AssertionError("npm error network")

    monkeypatch.setattr(chromium, "install", offline)
    for _ in range(2):
        with pytest.raises(chromium.NoBrowser, match="npm could not install one: npm error network"):
            chromium.packed(tmp_path)
    assert calls == [chromium.HERE] * 2


def test_absence_is_an_error_only_where_it_is_said_to_be() -> None:
    assert chromium.is_demanded({}) is False
    assert chromium.is_demanded({"HEALTHTRACK_TEST_BROWSER": "required"}) is True
    with pytest.raises(ValueError, match="'yes'"):
        chromium.is_demanded({"HEALTHTRACK_TEST_BROWSER": "yes"})


@pytest.mark.parametrize(("demanded", "outcome"), [("", "skipped"), ("required", "error")])
def test_a_run_without_a_browser_skips_with_a_listed_reason_or_fails(
    tmp_path: Path, demanded: str, outcome: str
) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        "HEALTHTRACK_TEST_CHROMIUM": str(tmp_path / "nothing"),
        "HEALTHTRACK_TEST_BROWSER": demanded,
    }
    words = ["-q", "-n", "0", "tests/browser/test_login.py", "-k", "no_staff"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *words],
        cwd=CHECKOUT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert f"1 {outcome}" in done.stdout, done.stdout + done.stderr
    assert (done.returncode == 0) == (outcome == "skipped"), done.stdout
    assert ("expected tests/browser/test_login.py::" in done.stdout) == (outcome == "skipped")


def test_the_lock_file_holds_hashes_and_names_no_host() -> None:
    text = LOCK.read_text()
    packages = {name: entry for name, entry in json.loads(text)["packages"].items() if name}
    assert all(re.fullmatch(r"sha512-[A-Za-z0-9+/]{86}==", entry["integrity"]) for entry in packages.values())
    assert "://" not in text
    assert "node_modules/@sparticuz/chromium" in packages
