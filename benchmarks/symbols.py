"""What it takes to look positions up in a large source map: memory of the worker and of its parsing process, and time.

    .venv/bin/python benchmarks/symbols.py [--map-mb 34] [--script-mb 16] [--positions 1000]

One command: an own PostgreSQL with the product's settings, a generated bundle stored as an upload is, and a process
that does what a worker does: fetch it to disk, have it parsed, look positions up, and again. Method and findings:
``symbols.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("HEALTHTRACK_LOG_LEVEL", "ERROR")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

KEY = "symbolsets/benchmark"
DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
WORDS = ("cart", "order", "payment", "invoice", "session", "profile", "search", "stock", "coupon", "address", "mail")


class Bundle:
    """A minified script on one line, as bundlers write it, and its map; made module by module until both are large."""

    def __init__(self, script_bytes: int, map_bytes: int) -> None:
        self._random = random.Random(1)
        self._script: list[str] = []
        self._column = self._source_line = self._source_column = self._name = 0
        self._last = [0, 0, 0, 0, 0]  # column, source, line, column, name of the token before
        self.mappings: list[str] = []
        self.sources: list[str] = []
        self.contents: list[str] = []
        self.names = [f"{a}{b.title()}{n}" for n in range(200) for a in WORDS for b in WORDS]
        self.positions: list[tuple[int, str]] = []
        size = 0
        while size < script_bytes:
            self._module(len(self.sources))
            size = self._column
        self.script = "".join(self._script).encode()
        self.map = self._map(map_bytes)

    def _module(self, number: int) -> None:
        self.sources.append(f"webpack://shop/./src/{WORDS[number % 11]}/module{number}.ts")
        lines: list[str] = []
        for _ in range(self._random.randrange(5, 60)):
            name = self._random.randrange(len(self.names))
            lines += ["", f"export function {self.names[name]}(value, other) {{"]
            self._emit(f"function f{name:x}(e,t){{", number, len(lines) - 1, 7, name)
            for step in range(self._random.randrange(2, 9)):
                lines.append(f"  let r{step} = value.lines[{step}].amount * other.factor + {step};")
                self._emit(f"var n{step}=", number, len(lines) - 1, 2, None)
                self._emit(f"e.lines[{step}]", number, len(lines) - 1, 18, None)
                self._emit(f".amount*t.factor+{step};", number, len(lines) - 1, 32, None)
            lines += ["  return r0;", "}"]
            self.positions.append((self._column + 1, self.names[name]))
            self._emit("return n0}", number, len(lines) - 2, 2, None)
        self.contents.append("\n".join(lines) + "\n")

    def _emit(self, text: str, source: int, line: int, column: int, name: int | None) -> None:
        last = self._last
        here = [self._column, source, line, column, last[4] if name is None else name]
        fields = 4 if name is None else 5
        self.mappings.append("".join(_vlq(here[i] - last[i]) for i in range(fields)))
        self._last = here
        self._script.append(text)
        self._column += len(text)

    def _map(self, size: int) -> bytes:
        """Return the map; comments in the sources make it as large as it has to be."""
        told: dict[str, Any] = {"version": 3, "sources": self.sources, "names": self.names}
        told["mappings"] = ",".join(self.mappings)
        told["sourcesContent"] = self.contents
        missing = size - len(json.dumps(told, separators=(",", ":")))
        comment = "// " + "what this module is for, and why " * 2 + "\n"
        padding = comment * max(missing // len(self.contents) // (len(comment) + 1), 0)
        told["sourcesContent"] = [content + padding for content in self.contents]
        return json.dumps(told, separators=(",", ":")).encode()


def _vlq(number: int) -> str:
    rest = -number << 1 | 1 if number < 0 else number << 1
    digits = ""
    while True:
        digit, rest = rest & 31, rest >> 5
        digits += DIGITS[digit | 32 if rest else digit]
        if not rest:
            return digits


def main() -> None:
    """Make everything, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--map-mb", type=float, default=34)
    parser.add_argument("--script-mb", type=float, default=16)
    parser.add_argument("--positions", type=int, default=1000)
    parser.add_argument("--work", metavar="ENVIRONMENT", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work is not None:
        print(json.dumps(_work(options.work, json.load(sys.stdin))))
        return
    from benchmarks.machine import machine

    with machine() as postgres, tempfile.TemporaryDirectory(prefix="healthtrack-benchmark-") as folder:
        os.environ["DATABASE_URL"] = postgres.database("symbols")
        os.environ["HEALTHTRACK_SYMBOL_CACHE_DIR"] = folder
        _run(options)


def _run(options: argparse.Namespace) -> None:
    import django

    django.setup()
    environment_id, positions = _prepare(options)
    words = [sys.executable, __file__, "--work", str(environment_id)]
    done = subprocess.run(words, input=json.dumps(positions).encode(), stdout=subprocess.PIPE, check=True)
    for name, value in json.loads(done.stdout).items():
        print(f"{name:44} {value:>8.4g}")


def _prepare(options: argparse.Namespace) -> tuple[int, list[int]]:
    from django.core.management import call_command
    from django.db import transaction

    from environments.models import Organization, Project
    from errortracking.symbols import container
    from errortracking.symbols.lookups import Kind
    from errortracking.symbols.storage import storage

    call_command("migrate", verbosity=0)
    project = Project.objects.create(organization=Organization.objects.create(name="Benchmark"), name="web")
    bundle = Bundle(int(options.script_mb * 1e6), int(options.map_mb * 1e6))
    print(
        f"script {len(bundle.script) / 1e6:.1f} MB, map {len(bundle.map) / 1e6:.1f} MB, {len(bundle.mappings):,} tokens"
    )
    contents = container.Contents(Kind.JAVASCRIPT, bundle.map, bundle.script)
    began = time.perf_counter()
    with transaction.atomic():
        size = storage().write(project.id, KEY, container.write(contents))
    print(f"compressed and stored: {size / 1e6:.1f} MB in {time.perf_counter() - began:.1f} s")
    chosen = random.Random(2).sample(bundle.positions, options.positions)
    return project.id, [column for column, _ in chosen]


def _work(environment_id: int, columns: list[int]) -> dict[str, float]:
    """Do what a worker does, in a process that has done nothing else."""
    import django

    django.setup()
    from errortracking.symbols import cache, parser
    from errortracking.symbols.lookups import Kind, Position

    positions = [Position(Kind.JAVASCRIPT, 1, column) for column in columns]
    told: dict[str, float] = {"worker before, MB": _peak(os.getpid())}
    with _watched() as watched:
        with _timed(told, "fetched to disk, s"), cache.local(environment_id, KEY) as path:
            pass
        for round_ in ("first", "second"):
            with _timed(told, f"{round_} look-up of all positions, s"), cache.local(environment_id, KEY) as path:
                answers = parser.lookup(path, "benchmark", positions)
        assert all(isinstance(answer, tuple) and answer[0].context for answer in answers)
    told["worker at its peak, MB"] = _peak(os.getpid())
    told["parsing process at its peak, MB"] = watched["VmHWM"]
    told["parsing process, address space, MB"] = watched["VmPeak"]
    return told


@contextmanager
def _timed(told: dict[str, float], name: str) -> Iterator[None]:
    began = time.perf_counter()
    yield
    told[name] = time.perf_counter() - began


@contextmanager
def _watched() -> Iterator[dict[str, float]]:
    """Note what the parsing processes of the block take at most, every 20 ms while they live."""
    from errortracking.symbols import parser

    peaks, over = {"VmHWM": 0.0, "VmPeak": 0.0}, threading.Event()

    def watch() -> None:
        while not over.wait(0.02):
            if process := parser._process:
                for name in peaks:
                    with suppress(OSError, ProcessLookupError):
                        peaks[name] = max(peaks[name], _status(process.pid, name))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peaks
    finally:
        over.set()
        thread.join()


def _peak(pid: int) -> float:
    return _status(pid, "VmHWM")


def _status(pid: int, name: str) -> float:
    """Return a line of ``/proc/<pid>/status`` in MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    return 0.0


if __name__ == "__main__":
    main()
