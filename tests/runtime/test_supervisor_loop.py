"""The supervisor with small children of its own: started, started again, stopped in order, and never left behind.

Each supervisor runs in a process of its own (the program below), because it owns the signals of its process.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import psutil
import pytest

from runtime.supervisor import identity
from runtime.supervisor.state import Row, RunFolder

SUPERVISOR = """
import json, os, sys
from pathlib import Path
from config import logs
from runtime.supervisor import identity
from runtime.supervisor.children import Specification
from runtime.supervisor.state import Row, RunFolder
from runtime.supervisor.supervise import Supervisor

logs.configure(json=True, level="INFO")
folder = RunFolder(Path(sys.argv[1]))
folder.lock()
me = Row("supervisor", "supervisor", os.getpid(), "", 0, identity.of(os.getpid()))
children = [
    Specification(name=name, role=name.partition("-")[0], command=(sys.executable, "-c", code, name, sys.argv[1]),
                  stop_seconds=float(sys.argv[3]))
    for name, code in json.loads(sys.argv[2]).items()
]
supervisor = Supervisor(children, folder, me, None)
supervisor.ready = sys.argv[4] == "ready"
supervisor.run(lambda: None, before_stop=lambda: open(sys.argv[1] + "/journal", "a").write("before\\n"))
folder.unlock()
print(supervisor.failure or "", end="")
"""

# A child that notes its start and its end, and ends when asked to.
OBEDIENT = """
import os, signal, sys, time
def note(text):
    with open(sys.argv[2] + "/journal", "a") as file: file.write(f"{text} {sys.argv[1]}\\n")
def leave(*_):
    time.sleep(0.2); note("end"); os._exit(0)
signal.signal(signal.SIGTERM, leave)
note("start")
while True: time.sleep(60)
"""
DEAF = OBEDIENT.replace("signal.signal(signal.SIGTERM, leave)", "signal.signal(signal.SIGTERM, signal.SIG_IGN)")
HOLDING = OBEDIENT.replace('note("start")', 'from runtime.supervisor import lifeline; lifeline.hold(); note("start")')
# Starts a child of its own in its group, as the worker does for a batch that kills.
PARENT = OBEDIENT.replace(
    'note("start")',
    "import subprocess; other = subprocess.Popen(['sleep', '61']); note('child ' + str(other.pid))",
)


class Running:
    """A supervisor in a process of its own."""

    def __init__(self, folder: Path, children: dict[str, str], stop_seconds: float, ready: bool) -> None:
        self.folder = folder
        words = [str(folder), json.dumps(children), str(stop_seconds), "ready" if ready else ""]
        self.process = subprocess.Popen(
            [sys.executable, "-c", SUPERVISOR, *words],
            stdout=subprocess.PIPE,
            stderr=(folder / "log").open("w"),
            text=True,
            start_new_session=True,
        )

    def said(self, event: str) -> list[str]:
        """Return the children of whom the log says this, in order."""
        lines = [json.loads(line) for line in (self.folder / "log").read_text().splitlines()]
        return [line["name"] for line in lines if line["event"] == event]

    def journal(self) -> list[str]:
        path = self.folder / "journal"
        return path.read_text().splitlines() if path.exists() else []

    def wait_for(self, *lines: str) -> None:
        self.until(lambda: set(lines) <= set(self.journal()))

    def rows(self) -> dict[str, Row]:
        return {row.name: row for row in RunFolder(self.folder).read()}

    def until(self, question: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if answer := question():
                return answer
            time.sleep(0.02)
        raise AssertionError(self.journal())

    def stop(self, number: int = signal.SIGTERM) -> str:
        self.process.send_signal(number)
        return self.process.communicate(timeout=30)[0]


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    started: list[Running] = []

    def start(children: dict[str, str], stop_seconds: float = 20, ready: bool = True) -> Running:
        started.append(Running(tmp_path, children, stop_seconds, ready))
        return started[-1]

    yield start
    for running in started:
        left = {row.pid: row.identity for row in running.rows().values()}
        running.process.kill()
        identity.end(left, polite_seconds=0)
        running.process.communicate()


def gone(pid: int) -> bool:
    return identity.of(pid) is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_web_first_and_then_the_worker(supervise: Callable[..., Running], number: int) -> None:
    running = supervise({"worker-1": OBEDIENT, "web-1": OBEDIENT})
    running.wait_for("start worker-1", "start web-1")
    running.stop(number)
    assert running.process.returncode == 0
    assert running.journal()[2:] == ["before", "end web-1", "end worker-1"]
    assert running.rows() == {}


def test_a_child_that_dies_is_started_again_and_counted(supervise: Callable[..., Running]) -> None:
    running = supervise({"web-1": OBEDIENT, "web-2": OBEDIENT})
    running.wait_for("start web-1", "start web-2")
    before = running.until(lambda: rows if len(rows := running.rows()) == 3 else None)
    os.kill(before["web-1"].pid, signal.SIGKILL)
    after = running.until(lambda: rows if len(rows := running.rows()) == 3 and rows != before else None)
    assert (after["web-1"].restarts, after["web-2"].restarts) == (1, 0)
    assert after["web-1"].pid != before["web-1"].pid
    assert after["web-2"] == before["web-2"]


def test_a_child_that_keeps_dying_waits_longer_each_time(supervise: Callable[..., Running]) -> None:
    code = "import sys, time; open(sys.argv[2] + '/journal', 'a').write(f'{time.monotonic()}\\n')"
    running = supervise({"web-1": code})
    running.until(lambda: len(running.journal()) >= 4)
    moments = [float(line) for line in running.journal()[:4]]
    pauses = [later - earlier for earlier, later in pairwise(moments)]
    assert pauses[0] >= 0.5
    assert pauses[1] >= 1
    assert pauses[2] >= 2


def test_children_that_never_work_end_the_start_with_a_reason(supervise: Callable[..., Running]) -> None:
    running = supervise({"web-1": "raise SystemExit(1)", "worker-1": OBEDIENT}, ready=False)
    output = running.process.communicate(timeout=30)[0]
    assert output == "web-1 ended 3 times before the server was ready"
    assert running.journal()[-1] == "end worker-1"


def test_a_child_that_does_not_listen_is_killed_when_its_time_is_up(supervise: Callable[..., Running]) -> None:
    running = supervise({"web-1": DEAF, "worker-1": OBEDIENT}, stop_seconds=0.5)
    running.wait_for("start web-1", "start worker-1")
    pid = running.until(lambda: running.rows().get("web-1")).pid
    running.stop()
    assert gone(pid)
    assert running.journal()[-1] == "end worker-1"


def test_a_second_signal_kills_at_once(supervise: Callable[..., Running]) -> None:
    running = supervise({"web-1": DEAF, "worker-1": DEAF}, stop_seconds=600)
    running.wait_for("start web-1", "start worker-1")
    running.process.send_signal(signal.SIGINT)
    running.wait_for("before")
    running.stop(signal.SIGINT)
    assert running.process.returncode == 0


def test_a_kill_is_logged_once(supervise: Callable[..., Running]) -> None:
    running = supervise({"web-1": DEAF, "worker-1": DEAF}, stop_seconds=600)
    running.wait_for("start web-1", "start worker-1")
    running.process.send_signal(signal.SIGINT)
    running.wait_for("before")
    running.stop(signal.SIGINT)
    assert running.said("killed") == ["web-1", "worker-1"]


def test_waiting_for_the_last_child_takes_no_processor(supervise: Callable[..., Running]) -> None:
    running = supervise({"web-1": OBEDIENT, "web-2": DEAF}, stop_seconds=3)
    running.wait_for("start web-1", "start web-2")
    running.process.send_signal(signal.SIGTERM)
    running.wait_for("end web-1")  # its death woke the supervisor, which then has nothing to do for almost 3 s
    process = psutil.Process(running.process.pid)
    time.sleep(0.3)
    before = process.cpu_times()
    time.sleep(1.5)
    after = process.cpu_times()
    assert after.user + after.system - before.user - before.system < 0.15  # seconds
    running.process.communicate(timeout=30)


def test_what_a_killed_child_had_started_is_killed_with_it(supervise: Callable[..., Running]) -> None:
    running = supervise({"worker-1": PARENT})
    child = int(running.until(running.journal)[0].split()[1])
    assert not gone(child)
    os.kill(running.until(lambda: running.rows().get("worker-1")).pid, signal.SIGKILL)
    running.until(lambda: gone(child))


def test_children_end_by_themselves_when_the_supervisor_is_killed(supervise: Callable[..., Running]) -> None:
    running = supervise({"web-1": HOLDING, "worker-1": HOLDING})
    running.wait_for("start web-1", "start worker-1")
    pids = [row.pid for name, row in running.rows().items() if name != "supervisor"]
    running.stop(signal.SIGKILL)
    running.until(lambda: all(map(gone, pids)))
    assert {"end web-1", "end worker-1"} <= set(running.journal())


def test_a_child_that_cannot_be_started_is_tried_again(tmp_path: Path) -> None:
    from runtime.supervisor.children import Child, Specification

    child = Child(Specification(name="web-1", role="web", command=(str(tmp_path / "missing"),)))
    child.start()
    assert not child.running
    assert child.row() is None
    assert (child.deaths, child.restarts) == (1, 1)
    assert 0 < child.due_in <= 0.5
