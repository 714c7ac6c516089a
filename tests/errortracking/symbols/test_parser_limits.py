"""What becomes of data that takes too much memory or time, and of processes that die over it or without a cause."""

from __future__ import annotations

import os
import signal
import sys
import threading
from pathlib import Path

import psutil
import pytest
import zstandard

from errortracking.symbols import parser, parsing
from errortracking.symbols.lookups import Kind, Position
from errortracking.symbols.parser import lookup
from errortracking.symbols.protocol import Reply, Request
from tests.errortracking.symbols.asking import (
    INNER,
    REF,
    failure_of,
    kill_those_who_read,
    no_process_is_left,
    path,
    pid,
    pipe,
    place,
    put,
)
from tests.errortracking.symbols.maps import SCRIPT, at, container, mappings, script, source_map

__all__ = ["no_process_is_left", "path", "pipe"]


def test_a_map_that_takes_more_memory_than_there_is_is_a_failure(
    tmp_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parser, "MEMORY", 256 * 1024 * 1024)
    giant = tmp_path / "giant"
    giant.write_bytes(container(script(source_map(mappings="AAAA,CAAA," * 4_000_000))))
    assert giant.stat().st_size < 100_000
    assert failure_of(giant).text in {
        "JSDataError: the process was ended by SIGABRT, with 256 MB of memory",  # the library asked for what came last
        "JSDataError: reading it takes more than 256 MB of memory",  # Python did
    }
    assert place(lookup(path, REF, [at(31)])[0]) == INNER


def test_a_section_far_away_takes_no_room_in_between(tmp_path: Path) -> None:
    section = {"offset": {"line": 4_000_000_000, "column": 0}, "map": source_map()}
    path = put(tmp_path, container(script({"version": 3, "sections": [section]})))
    [answer] = lookup(path, REF, [at(31, line=4_000_000_001)])
    assert place(answer) == ("src/app.ts", 6, 3, None)


def test_data_that_unfolds_beyond_the_memory_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parser, "MEMORY", 512 * 1024 * 1024)
    bomb = b"posthog_error_tracking\x02\0\0\0\x04\0\0\0\x01" + zstandard.compress(bytes(700 * 1024 * 1024))
    failure = failure_of(put(tmp_path, bomb), Position(Kind.PROGUARD))
    assert failure.text == "Invalid mapping: reading it takes more than 512 MB of memory"


def test_sections_within_sections_are_a_failure_or_an_answer(tmp_path: Path, path: Path) -> None:
    told = source_map()
    for _ in range(100):
        told = {"version": 3, "sections": [{"offset": {"line": 0, "column": 0}, "map": told}]}
    deep = tmp_path / "deep"
    deep.write_bytes(container(script(told)))
    assert failure_of(deep).text == "Invalid Source and Map"
    assert place(lookup(path, REF, [at(31)])[0]) == INNER


@pytest.mark.parametrize(("opened", "closed"), [("(", ")"), ("[", "]")])
def test_a_script_that_is_nested_deeply_is_read(tmp_path: Path, opened: str, closed: str) -> None:
    minified = f"{SCRIPT}var x={opened * 20_000}1{closed * 20_000};"
    assert place(lookup(put(tmp_path, container(script(source=minified))), REF, [at(31)])[0]) == INNER


def test_a_script_that_is_nested_without_end_is_a_failure(tmp_path: Path, path: Path) -> None:
    minified = f"{SCRIPT}var x={'(' * 2_000_000}1{')' * 2_000_000};"
    deep = tmp_path / "deep"
    deep.write_bytes(container(script(source=minified)))
    assert failure_of(deep).text == "JSDataError: the process was ended by SIGSEGV, with 2048 MB of memory"
    assert place(lookup(path, REF, [at(31)])[0]) == INNER


def test_a_map_of_millions_of_lines_is_read(tmp_path: Path) -> None:
    told = source_map(mappings=";" * 5_000_000 + mappings([(0, 0, 0, 5, 2)]))
    [answer] = lookup(put(tmp_path, container(script(told, SCRIPT))), REF, [at(1, line=5_000_001)])
    assert place(answer) == ("src/app.ts", 6, 3, None)


def test_what_takes_too_long_is_a_failure_and_its_process_is_ended(
    pipe: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lookup(path, REF, [at(31)])
    process = psutil.Process(pid())
    monkeypatch.setattr(parser, "SECONDS", 0.5)
    monkeypatch.setattr(parser, "BUSY_SECONDS", 0)
    assert failure_of(pipe).text == "JSDataError: it took longer than 0.5 s"
    assert not process.is_running()
    monkeypatch.setattr(parser, "SECONDS", 30)
    assert place(lookup(path, REF, [at(31)])[0]) == INNER


def test_what_could_not_work_in_its_time_is_not_blamed(pipe: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parser, "SECONDS", 0.5)
    with pytest.raises(parser.Unavailable, match=r"it took longer than 0.5 s, of which it could work for 0\.\d s"):
        lookup(pipe, REF, [at(31)])
    assert parser._process
    assert not parser._process.is_alive


def test_what_works_for_longer_than_its_time_is_blamed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parser, "SECONDS", 0.5)
    monkeypatch.setattr(parser, "BUSY_SECONDS", 0.01)
    path = put(tmp_path, container(script(source_map(mappings="AAAA,CAAA," * 8_000_000))))
    assert failure_of(path).text == "JSDataError: it took longer than 0.5 s"


def test_one_death_is_not_blamed_on_the_data(pipe: Path) -> None:
    killer = kill_those_who_read(pipe, times=1)

    def write() -> None:
        killer.join()
        pipe.write_bytes(container())

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    assert place(lookup(pipe, REF, [at(31)])[0]) == INNER
    writer.join()


def test_two_deaths_are(pipe: Path) -> None:
    killer = kill_those_who_read(pipe, times=2)
    assert failure_of(pipe).text == "JSDataError: the process was ended by SIGKILL, with 2048 MB of memory"
    killer.join()


def test_a_process_that_died_while_nobody_asked_is_replaced(path: Path) -> None:
    lookup(path, REF, [at(31)])
    first = pid()
    os.kill(first, signal.SIGKILL)
    assert place(lookup(path, REF, [at(31)])[0]) == INNER
    assert pid() != first


def test_a_file_that_is_gone_is_no_fault_of_its_data(tmp_path: Path, path: Path) -> None:
    with pytest.raises(parser.Unavailable, match="FileNotFoundError"):
        lookup(tmp_path / "gone", REF, [at(31)])
    assert place(lookup(path, REF, [at(31)])[0]) == INNER


def test_a_process_that_cannot_be_started_is_no_fault_of_the_data(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(parser.Unavailable):
        lookup(path, REF, [at(31)])
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(parser.Unavailable, match="the process ended with status 1"):
        lookup(path, REF, [at(31)])


def test_a_process_that_leaves_instead_of_answering_is_asked_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    ask = parsing.Process.ask

    def leave_first(self: parsing.Process, request: Request, seconds: float) -> Reply:
        asked.append(self.pid)
        if len(asked) <= 3:
            self.close()
            raise parsing.Left("the process left")
        return ask(self, request, seconds)

    monkeypatch.setattr(parsing.Process, "ask", leave_first)
    assert place(lookup(path, REF, [at(31)])[0]) == INNER
    assert len(set(asked)) == 4


def test_processes_that_only_leave_are_not_asked_without_end(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def leave(self: parsing.Process, request: Request, seconds: float) -> Reply:
        self.close()
        raise parsing.Left("the process left")

    monkeypatch.setattr(parsing.Process, "ask", leave)
    with pytest.raises(parser.Unavailable, match="leaves without an answer"):
        lookup(path, REF, [at(31)])
