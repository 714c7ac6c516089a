"""A pid is not a process: it may be somebody else's by now."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from runtime.supervisor import identity


def sleeper(code: str = "import time; time.sleep(60)") -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", code], start_new_session=True)


def test_a_living_process_is_itself_and_nobody_else() -> None:
    mark = identity.of(os.getpid())
    assert mark is not None
    assert identity.is_same(os.getpid(), mark)
    assert not identity.is_same(1, mark)
    assert not identity.is_same(os.getpid(), mark + "0")


def test_a_process_that_ended_has_no_identity_even_before_it_was_waited_for() -> None:
    process = sleeper("pass")
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # a zombie now
    assert identity.of(process.pid) is None
    process.wait()
    assert identity.of(process.pid) is None


def test_end_stops_politely_where_that_is_enough() -> None:
    process = sleeper()
    assert identity.end({process.pid: identity.of(process.pid) or ""}, polite_seconds=10) == [process.pid]
    assert process.wait(10) == -signal.SIGTERM


def test_end_kills_what_does_not_listen() -> None:
    process = sleeper("import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(60)")
    time.sleep(0.5)
    identity.end({process.pid: identity.of(process.pid) or ""}, polite_seconds=0.2)
    assert process.wait(10) == -signal.SIGKILL


def test_end_leaves_another_process_that_got_the_pid() -> None:
    process = sleeper()
    try:
        assert identity.end({process.pid: "of another life"}, polite_seconds=0.1) == []
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()
