"""The parsing process itself: how long it lives, what it keeps, and that it does not outlive whoever asked for it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
import psutil
import pytest

from errortracking.symbols import child, protocol
from errortracking.symbols.container import Contents
from errortracking.symbols.formats import PARSERS, Parsed
from errortracking.symbols.lookups import Kind
from errortracking.symbols.protocol import Request
from tests.errortracking.symbols.maps import at, container

ROOT = Path(__file__).parents[3]
PROGRAM = "from errortracking.symbols import child; {changes}; child.main(['2000000000'])"
WORKER = """
import django, pathlib, sys
django.setup()
from errortracking.symbols import parser
from errortracking.symbols.lookups import Kind, Position
parser.lookup(pathlib.Path(sys.argv[1]), "ref", [Position(Kind.JAVASCRIPT, 1, 31)])
print(parser._process.pid, flush=True)
parser.lookup(pathlib.Path(sys.argv[2]), "ref", [Position(Kind.JAVASCRIPT, 1, 31)])
"""


@contextmanager
def process(changes: str = "pass") -> Iterator[subprocess.Popen[bytes]]:
    """Start one that has said that it is ready; end it afterwards."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(changes=changes)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
    ) as started:
        assert started.stdout
        assert started.stdout.readline() == b'{"kind":"ready"}\n'
        try:
            yield started
        finally:
            started.kill()


def ask(started: subprocess.Popen[bytes], path: Path) -> None:
    assert started.stdin
    started.stdin.write(orjson.dumps(request(path)) + b"\n")
    started.stdin.flush()


def answer(started: subprocess.Popen[bytes]) -> bytes:
    assert started.stdout
    return started.stdout.readline()


def request(path: Path) -> Request:
    return protocol.request(str(path), "ref", [at(31)])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return put(tmp_path / "data")


def put(path: Path) -> Path:
    path.write_bytes(container())
    return path


@pytest.fixture
def pipe(tmp_path: Path) -> Path:
    """A file that whoever reads it waits for."""
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def test_it_leaves_when_nobody_asks(path: Path) -> None:
    with process("child.IDLE_SECONDS = 0.3") as started:
        ask(started, path)
        assert answer(started).startswith(b'{"kind":"answers"')
        assert started.wait(10) == 0


def test_it_leaves_sooner_when_it_is_large(path: Path) -> None:
    with process("child.LARGE_BYTES, child.LARGE_IDLE_SECONDS = 1, 0.3") as started:
        ask(started, path)
        assert answer(started).startswith(b'{"kind":"answers"')
        assert started.wait(10) == 0


def test_large_it_answers_about_the_same_map_and_leaves_for_another(path: Path, tmp_path: Path) -> None:
    with process("child.LARGE_BYTES = 1") as started:
        for _ in range(3):
            ask(started, path)
            assert answer(started).startswith(b'{"kind":"answers"')
        ask(started, put(tmp_path / "other"))
        assert answer(started) == b""
        assert started.wait(10) == 0


def test_it_leaves_with_whoever_asked(path: Path) -> None:
    with process() as started:
        ask(started, path)
        assert answer(started).startswith(b'{"kind":"answers"')
        assert started.stdin
        started.stdin.close()
        assert started.wait(10) == 0


def test_it_leaves_in_the_middle_of_its_work_when_nobody_waits_for_it(pipe: Path) -> None:
    with process() as started:
        ask(started, pipe)
        assert started.stdin
        started.stdin.close()
        assert started.wait(10) == 3


def test_signals_for_the_worker_are_not_for_it(path: Path) -> None:
    with process() as started:
        started.send_signal(signal.SIGINT)
        started.send_signal(signal.SIGTERM)
        ask(started, path)
        assert answer(started).startswith(b'{"kind":"answers"')


def test_its_limits_are_its_own_whoever_started_it(path: Path) -> None:
    lower = "import resource as r; r.setrlimit(r.RLIMIT_AS, (10**9, -1)); r.setrlimit(r.RLIMIT_CPU, (20, -1))"
    with process(lower) as started:
        limits = Path(f"/proc/{started.pid}/limits").read_text().splitlines()
    words = {line[:25].strip(): line[25:].split() for line in limits}
    assert words["Max address space"][:2] == ["2000000000", "2000000000"]
    assert words["Max cpu time"][:2] == ["unlimited", "unlimited"]
    assert words["Max core file size"][:2] == ["0", "0"]


def test_it_knows_neither_django_nor_the_database() -> None:
    program = "import sys, errortracking.symbols.child as _; print({'django', 'psycopg', 'boto3'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=True)
    assert done.stdout == b"set()\n"


def test_a_worker_that_is_killed_leaves_none_behind(path: Path, pipe: Path) -> None:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    words = [sys.executable, "-c", WORKER, str(path), str(pipe)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=ROOT, env=environment) as worker:
        assert worker.stdout
        orphan = psutil.Process(int(worker.stdout.readline()))
        worker.kill()
    deadline = time.monotonic() + 20
    while orphan.is_running() and orphan.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "it lives on"
        time.sleep(0.05)


class Counting:
    """Counts what is parsed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.parsed = 0
        self._parse = PARSERS[Kind.JAVASCRIPT]
        monkeypatch.setitem(PARSERS, Kind.JAVASCRIPT, self)

    def __call__(self, contents: Contents) -> Parsed:
        self.parsed += 1
        return self._parse(contents)


def test_a_map_that_was_used_lately_is_not_parsed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counting, maps = Counting(monkeypatch), child.Maps(2_000_000_000)
    monkeypatch.setattr(child, "KEPT_MAPS", 2)
    monkeypatch.setattr(child, "LARGE_BYTES", 2**40)
    first, second, third = (put(tmp_path / name) for name in ("1", "2", "3"))
    for path, parsed in ((first, 1), (second, 2), (first, 2), (third, 3), (first, 3), (second, 4)):
        assert maps.reply(request(path))["kind"] == "answers"
        assert counting.parsed == parsed


def test_a_map_is_the_same_whenever_it_was_used_last(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counting, maps = Counting(monkeypatch), child.Maps(2_000_000_000)
    maps.reply(request(path))
    os.utime(path, (1, 1))
    maps.reply(request(path))
    assert counting.parsed == 1


def test_memory_that_is_short_because_of_kept_maps_is_no_fault_of_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Leaves(BaseException):
        pass

    def leave() -> None:
        raise Leaves

    def short(contents: Contents) -> Parsed:
        raise MemoryError

    monkeypatch.setattr(child, "_leave", leave)
    monkeypatch.setattr(child, "LARGE_BYTES", 2**40)
    maps = child.Maps(2 * 1024**3)
    maps.reply(request(put(tmp_path / "small")))
    monkeypatch.setitem(PARSERS, Kind.JAVASCRIPT, short)
    with pytest.raises(Leaves):
        maps.reply(request(put(tmp_path / "large")))
    reply = child.Maps(2 * 1024**3).reply(request(put(tmp_path / "large")))
    assert reply["kind"] == "unreadable"
    assert protocol.failure(reply["failure"]).text == "JSDataError: reading it takes more than 2048 MB of memory"


def test_a_defect_is_told_and_the_next_request_answered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def defective(_: Contents) -> Parsed:
        raise RecursionError("too deep")

    maps = child.Maps(2 * 1024**3)
    with monkeypatch.context() as patch:
        patch.setitem(PARSERS, Kind.JAVASCRIPT, defective)
        reply = maps.reply(request(put(tmp_path / "map")))
    assert reply == {"kind": "defect", "text": "RecursionError: too deep"}
    assert maps.reply(request(tmp_path / "map"))["kind"] == "answers"
