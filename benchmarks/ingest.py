"""What it takes to accept exceptions and to make rows of them, against the least that any such server must do.

    python benchmarks/ingest.py [--events 10000] [--clients 4] [--gzip] [--preload N] [--profile]

One command: it starts an own PostgreSQL (durable settings) and an own server on fresh data, sends a fixed corpus in
requests of 50 and then of 1 event, waits until the last is a row, and then lets the floor (``ingest_floor.py``) do its
minimum with the same bodies on the same PostgreSQL. Method and findings: ``ingest.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("HEALTHTRACK_LOG_LEVEL", "WARNING")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psycopg

from benchmarks import ingest_load, measure
from benchmarks.corpus import Corpus, digest
from benchmarks.machine import Machine, connect, machine
from tests.live import LiveServer, live_server

FLOOR = Path(__file__).with_name("ingest_floor.py")
WARM_UP = 500  # events of another seed, sent and processed before anything counts
PATIENCE = 600.0  # seconds


@dataclass(slots=True)
class Result:
    """What one way of sending took. Seconds, CPU seconds for all events, MB, bytes."""

    accepting: float
    draining: float
    latencies: list[float]
    cpu: dict[str, float]
    memory: dict[str, float]
    tables: dict[str, int]


def stored(database: psycopg.Connection) -> int:
    """Return how many events have got their outcome."""
    row = database.execute("SELECT coalesce(sum(count), 0)::int FROM errortracking_outcomecount").fetchone()
    return int(row[0]) if row else 0


def wait_for(database: psycopg.Connection, events: int) -> None:
    """Wait until that many events have their outcome."""
    deadline = time.monotonic() + PATIENCE
    while stored(database) < events:
        if time.monotonic() > deadline:
            raise SystemExit(f"only {stored(database)} of {events} events after {PATIENCE:g} s")
        time.sleep(0.01)


def run(host: Machine, options: argparse.Namespace, per_request: int) -> Result:
    """Measure requests of ``per_request`` events against a server on a fresh database."""
    url = host.database(f"product_{per_request}")
    server = live_server(
        embedded=True,
        DATABASE_URL=url,
        HEALTHTRACK_SQL_GUARD=None,  # a check of the tests
        HEALTHTRACK_DEFAULT_PER_ISSUE_RATE_LIMIT=str(2**31 - 1),  # so that it is asked, and drops nothing
    )
    with server as running, connect(url) as database:
        made = running.bootstrap()
        if options.preload:
            _preload(database, made["environment_id"], options.preload)
        token = made["project_token"]
        warm_up = Corpus(options.seed + 1).requests(token, WARM_UP, per_request, compress=options.gzip)
        ingest_load.send(
            running.url, ingest_load.prepare(running.url, list(warm_up), gzip=options.gzip), options.clients
        )
        wait_for(database, WARM_UP)
        before = measure.table_bytes(database)
        bodies = list(Corpus(options.seed).requests(token, options.events, per_request, compress=options.gzip))
        requests = ingest_load.prepare(running.url, bodies, gzip=options.gzip)
        return _measure(host, running, database, requests, options, before)


def _measure(
    host: Machine,
    server: LiveServer,
    database: psycopg.Connection,
    requests: list[bytes],
    options: argparse.Namespace,
    before: dict[str, int],
) -> Result:
    pids = {role: server.pids(role) for role in ("web", "worker")}

    def cpu() -> dict[str, float]:
        return {role: measure.cpu(pids[role]) for role in pids} | {"PostgreSQL": host.cpu()}

    used, started = cpu(), time.perf_counter()
    latencies = ingest_load.send(server.url, requests, options.clients)
    accepted = time.perf_counter()
    wait_for(database, WARM_UP + options.events)
    drained, after = time.perf_counter(), cpu()
    memory = {role: measure.memory(pids[role]) for role in pids}
    tables = measure.table_bytes(database)
    return Result(
        accepting=accepted - started,
        draining=drained - started,
        latencies=latencies,
        cpu={role: after[role] - used[role] for role in used},
        memory=memory,
        tables={name: size - before.get(name, 0) for name, size in tables.items()},
    )


def _preload(database: psycopg.Connection, environment_id: int, events: int) -> None:
    import django

    django.setup()
    from benchmarks.preload import Preload, make_partitions
    from environments import clock

    started, now = time.perf_counter(), clock.now()
    make_partitions(database, now)
    Preload(environment_id, events, now).fill(database)
    print(f"preloaded {events} events in {time.perf_counter() - started:.0f} s", flush=True)


def floor(host: Machine, options: argparse.Namespace, per_request: int) -> float:
    """Let the minimal program do its work and return the CPU seconds of it and of PostgreSQL."""
    url = host.database(f"floor_{per_request}")
    bodies = list(Corpus(options.seed).requests("phc_" + "x" * 43, options.events, per_request, compress=options.gzip))
    before = host.cpu()
    done = subprocess.run(
        [sys.executable, str(FLOOR), url], input=pickle.dumps(bodies), capture_output=True, check=True
    )
    return float(done.stdout) + host.cpu() - before


def report(result: Result, least: float, options: argparse.Namespace, per_request: int) -> dict[str, Any]:
    """Print one way of sending, and return it."""
    thousands = options.events / 1000
    total = sum(result.cpu.values())
    p50, p95, p99 = (measure.percentile(result.latencies, share) * 1000 for share in (0.5, 0.95, 0.99))
    size = sum(result.tables.values()) / options.events
    shares = ", ".join(f"{role} {seconds / thousands:.2f}" for role, seconds in result.cpu.items())
    memory = ", ".join(f"{role} {size:.0f}" for role, size in result.memory.items())
    largest = sorted(result.tables.items(), key=lambda table: -table[1])[:6]
    print(f"\nrequests of {per_request}:")
    print(f"  accepted/s {options.events / result.accepting:.0f}, drained/s {options.events / result.draining:.0f}")
    print(f"  CPU s per 1,000 events: {total / thousands:.2f} ({shares})")
    print(f"  the floor: {least / thousands:.2f}; ratio {total / least:.2f}")
    print(f"  accept ms: p50 {p50:.1f}, p95 {p95:.1f}, p99 {p99:.1f} with {options.clients} clients")
    print(f"  memory (PSS), MB: {memory}")
    print(f"  bytes per event over all tables and indexes: {size:.0f}", end=" (")
    print(", ".join(f"{name.removeprefix('errortracking_')} {b / options.events:.0f}" for name, b in largest) + ")")
    return {"per_request": per_request, "ratio": total / least, "cpu": total / thousands, "p95": p95}


def main() -> None:
    """Measure, print; the last line is JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--gzip", action="store_true", help="compress the bodies, as posthog-node does")
    parser.add_argument("--preload", type=int, default=0, metavar="N", help="fill the project with N events first")
    parser.add_argument("--per-request", type=int, nargs="+", default=[50, 1])
    parser.add_argument("--profile", action="store_true", help="show where the time goes instead, in one process")
    options = parser.parse_args()
    if options.profile:
        from benchmarks.ingest_profile import profile

        return profile(options)
    bodies = list(Corpus(options.seed).requests("phc_" + "x" * 43, options.events, 50))
    size = sum(map(len, bodies)) / options.events / 1024
    print(f"{options.events} events of {size:.1f} KB, seed {options.seed}, corpus {digest(bodies)}", flush=True)
    results = []
    with machine() as host:
        for per_request in options.per_request:
            result = run(host, options, per_request)
            results.append(report(result, floor(host, options, per_request), options, per_request))
    print(json.dumps(results))
    return None


if __name__ == "__main__":
    main()
