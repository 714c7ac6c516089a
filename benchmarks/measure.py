"""What processes and tables cost: CPU seconds, memory, bytes. Linux only (``/proc``)."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import psutil
import psycopg


def cpu(pids: Iterable[int]) -> float:
    """Return the CPU seconds that living processes have used so far, with their children that have ended."""
    total = 0.0
    for pid in pids:
        times = psutil.Process(pid).cpu_times()
        total += times.user + times.system + times.children_user + times.children_system
    return total


def server_cpu(postmaster: int) -> float:
    """Return the CPU seconds of a PostgreSQL server: its backends, living or ended, and what writes behind them."""
    return cpu([postmaster, *(child.pid for child in psutil.Process(postmaster).children(recursive=True))])


def memory(pids: Iterable[int]) -> float:
    """Return the proportional set size of processes in MB: what they share with others is divided among the sharers."""
    return sum(_pss(pid) for pid in pids) / 1024


def _pss(pid: int) -> int:
    """Return a process's proportional set size in KB."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def table_bytes(database: psycopg.Connection) -> dict[str, int]:
    """Return the bytes of each table of the product with its indexes and its TOAST, partitions added to their parent.

    ``VACUUM`` is run before, as autovacuum would in time: what a queue has left behind is not what events take.
    """
    database.execute("VACUUM")
    rows = database.execute(
        """
        SELECT coalesce(parent.relname, c.relname), sum(pg_total_relation_size(c.oid))::bigint
        FROM pg_class c
        LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
        LEFT JOIN pg_class parent ON parent.oid = i.inhparent
        WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
        GROUP BY 1
        """
    ).fetchall()
    return dict(rows)


def percentile(values: list[float], share: float) -> float:
    """Return the value below which ``share`` of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]
