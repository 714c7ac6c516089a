"""The key that signs sessions."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from runtime import secret_key


def test_the_first_start_makes_a_key_that_only_the_owner_reads_and_the_next_ones_keep_it(tmp_path: Path) -> None:
    added = secret_key.ensure(tmp_path, {})
    path = tmp_path / "secret_key"
    assert added == {"HEALTHTRACK_SECRET_KEY_FILE": str(path)}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_text()
    assert len(before.strip()) == 64
    assert secret_key.ensure(tmp_path, {}) == added
    assert path.read_text() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["HEALTHTRACK_SECRET_KEY", "HEALTHTRACK_SECRET_KEY_FILE"])
def test_a_key_that_was_given_is_used_and_none_is_made(tmp_path: Path, name: str) -> None:
    assert secret_key.ensure(tmp_path, {name: "x"}) == {}
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_of_a_start_that_was_cut_short_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "secret_key").touch()
    secret_key.ensure(tmp_path, {})
    assert (tmp_path / "secret_key").stat().st_size == 65


def run(**environment: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith("HEALTHTRACK_SECRET")}
    code = "import config.wsgi; from django.conf import settings; print(settings.SECRET_KEY)"
    return subprocess.run(
        [sys.executable, "-c", code], env={**kept, **environment}, capture_output=True, text=True, check=False
    )


def test_a_web_process_without_a_key_of_its_own_installation_refuses_to_start() -> None:
    done = run()
    assert done.returncode == 1
    assert "Set HEALTHTRACK_SECRET_KEY (or HEALTHTRACK_SECRET_KEY_FILE) to the same value" in done.stderr


def test_the_key_comes_from_the_variable_or_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from the file\n")
    assert run(HEALTHTRACK_SECRET_KEY="from the variable").stdout == "from the variable\n"
    assert run(HEALTHTRACK_SECRET_KEY_FILE=str(tmp_path / "key")).stdout == "from the file\n"
