"""Processes of a server found by where they work: PostgreSQL's processes have their data folder as current folder."""

from __future__ import annotations

import os
from pathlib import Path

import psutil


def find(data: Path) -> list[psutil.Process]:
    """Return the living PostgreSQL processes of the data folder. Empty where the system shows no processes at all."""
    found = []
    try:
        folder = data.stat()
    except OSError:
        return []
    try:
        for process in psutil.process_iter():
            try:
                living = process.status() != psutil.STATUS_ZOMBIE
                if living and "postgres" in process.name() and _works_in(process, data, folder):
                    found.append(process)
            except psutil.Error:
                continue  # gone meanwhile, or somebody else's
    except OSError:  # no /proc in here
        return []
    return found


def _works_in(process: psutil.Process, data: Path, folder: os.stat_result) -> bool:
    """Return whether the process's current folder is ``data`` itself.

    Compared as a file and not by its name: seen from a container or chroot, the server of the machine outside may
    work in a folder of the same name, and must not be taken for a leftover.
    """
    try:
        return os.path.samestat(os.stat(f"/proc/{process.pid}/cwd"), folder)
    except FileNotFoundError:
        return not os.path.isdir("/proc/self") and process.cwd() == str(data)  # macOS
    except OSError:
        return False


def kill(processes: list[psutil.Process]) -> None:
    """End backends whose postmaster is dead and who did not notice, because they are deep in a query.

    They may not outlive it: a new server refuses to start beside them.
    """
    for process in processes:
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
