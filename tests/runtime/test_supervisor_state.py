"""The run folder: who holds the data folder, and what runs on it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.supervisor import identity
from runtime.supervisor.state import AlreadyRunning, Row, RunFolder

MINE = Row("web-1", "web", os.getpid(), "2026-11-22T06:00:00Z", 2, identity.of(os.getpid()) or "")
DEAD = Row("web-2", "web", os.getpid(), "2026-11-22T06:00:00Z", 0, "of another life")


def test_a_second_server_is_kept_out_until_the_first_has_gone(tmp_path: Path) -> None:
    first, second = RunFolder(tmp_path / "data"), RunFolder(tmp_path / "data")
    first.lock()
    with pytest.raises(AlreadyRunning):
        second.lock()
    first.unlock()
    second.lock()
    second.unlock()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    code = (
        "import os, sys; from pathlib import Path; from runtime.supervisor.state import RunFolder;"
        "RunFolder(Path(sys.argv[1])).lock(); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    assert done.returncode == -9
    RunFolder(tmp_path).lock()


def test_only_the_owner_can_look_into_the_folder(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.lock()
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700


def test_processes_that_are_gone_are_not_listed(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.lock()
    folder.write([MINE, DEAD])
    assert folder.read() == [MINE]


@pytest.mark.parametrize("content", ["", "[", "{}", '[{"name": "x"}]', '["x"]', "\x00"])
def test_a_list_that_cannot_be_read_is_an_empty_one(tmp_path: Path, content: str) -> None:
    folder = RunFolder(tmp_path)
    folder.lock()
    folder.processes.write_text(content)
    assert folder.read() == []


def test_nothing_is_left_of_a_list_that_could_not_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = RunFolder(tmp_path)
    folder.lock()
    folder.write([MINE])

    def refuse(*_: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="no space left"):
        folder.write([])
    assert folder.read() == [MINE]
    assert sorted(path.name for path in folder.path.iterdir()) == ["processes.json", "up.lock"]


def test_leftovers_are_ended_but_the_database_is_taken_over(tmp_path: Path) -> None:
    sleepers = [
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], start_new_session=True)
        for _ in range(2)
    ]
    web, database = (
        Row(role, role, process.pid, "", 0, identity.of(process.pid) or "")
        for role, process in zip(("web", "database"), sleepers, strict=True)
    )
    folder = RunFolder(tmp_path)
    folder.lock()
    folder.write([web, database])
    try:
        assert folder.end_leftovers() == [web.pid]
        assert sleepers[0].wait(10) == -15
        assert sleepers[1].poll() is None
    finally:
        for process in sleepers:
            process.kill()
            process.wait()


def test_counters_begin_at_zero_with_each_start(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.lock()
    (folder.empty_metrics() / "counter_web-1.db").write_bytes(b"old")
    assert list(folder.empty_metrics().iterdir()) == []
