"""Data for the parsing process, and what is asked of its answers; no process outlives a test."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from errortracking.symbols import parser
from errortracking.symbols.failures import Failure
from errortracking.symbols.lookups import Answer, Position
from errortracking.symbols.parser import Unreadable, lookup
from tests.errortracking.symbols.maps import at, container

REF = "0190f3f0-chunk"
INNER = ("src/app.ts", 6, 3, "inner")


@pytest.fixture(autouse=True)
def no_process_is_left() -> Iterator[None]:
    yield
    parser.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return put(tmp_path, container())


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """A file that whoever reads it waits for."""
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def put(folder: Path, data: bytes) -> Path:
    path = folder / "data"
    path.write_bytes(data)
    return path


def place(answer: Answer) -> tuple[str | None, int | None, int | None, str | None]:
    assert isinstance(answer, tuple), answer
    return answer[0].source, answer[0].line, answer[0].column, answer[0].name


def failure_of(path: Path, *positions: Position) -> Failure:
    with pytest.raises(Unreadable) as refused:
        lookup(path, REF, positions or [at(31)])
    return refused.value.failure


def pid() -> int:
    assert parser._process
    return parser._process.pid


def _wait_until_gone(pid: int) -> None:
    with suppress(psutil.NoSuchProcess):
        while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)


def kill_those_who_read(pipe: Path, times: int) -> threading.Thread:
    """Kill the next processes, each as soon as it waits for what comes through the pipe."""

    def kill() -> None:
        killed: set[int] = set()
        while len(killed) < times:
            with suppress(OSError):  # nobody reads yet
                writer = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
                reader = pid()
                if reader not in killed:
                    killed.add(reader)
                    os.kill(reader, signal.SIGKILL)
                    _wait_until_gone(reader)  # or it still takes what is written next
                os.close(writer)
            time.sleep(0.01)

    thread = threading.Thread(target=kill, daemon=True)
    thread.start()
    return thread
