"""Telling whether a pid is still the process it was: pids are used again."""

from __future__ import annotations

import contextlib
import os
import signal
import time

import psutil

# A killed process still has to give back its memory and its sockets; one that waits for a disk does it later.
_DYING_SECONDS = 5.0


def of(pid: int) -> str | None:
    """Return when ``pid`` started: together they are one process and no other. ``None`` where it ended or is a zombie.

    Read from ``/proc`` where there is one: psutil's start time moves with the machine's clock, the kernel's ticks
    since boot do not.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
    except FileNotFoundError:
        return _elsewhere(pid) if not os.path.exists("/proc/self/stat") else None
    except (OSError, ValueError):
        return None
    state, started = fields[0], fields[19]  # fields 3 and 22 of proc(5), counted after the name in parentheses
    return None if state in (b"Z", b"X") else started.decode()


def _elsewhere(pid: int) -> str | None:
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else repr(process.create_time())
    except psutil.Error:
        return None


def is_same(pid: int, identity: str) -> bool:
    """Return whether ``pid`` lives and is the process whose ``identity`` was noted."""
    return of(pid) == identity


def end(processes: dict[int, str], polite_seconds: float) -> list[int]:
    """End processes noted as ``pid: identity`` that still live, politely first; return the pids that were ended."""
    alive = [pid for pid, identity in processes.items() if is_same(pid, identity)]
    for number, seconds in ((signal.SIGTERM, polite_seconds), (signal.SIGKILL, _DYING_SECONDS)):
        for pid in alive:
            if is_same(pid, processes[pid]):
                _signal(pid, number)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and any(is_same(pid, processes[pid]) for pid in alive):
            time.sleep(0.02)
    return alive


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)
