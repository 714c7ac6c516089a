"""How fast one worker drains a backlog, and what that costs.

    DATABASE_URL=… python benchmarks/drain.py [events] [events per request] [--seed N] [--profile FILE]

Fills the queue of a new project with the seeded corpus, then processes it in this process, turn by turn, unpaused.
Prints events per second, CPU seconds per 1,000 events of this process and of PostgreSQL's process for it (on this
machine), and bytes stored. ``--profile`` writes a cProfile of the draining. Findings: ``drain.md``.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import django

django.setup()

import orjson
import psutil
from django.db import connection

from benchmarks.corpus import Corpus
from environments import clock
from environments.ids import uuid7
from environments.models import Organization, Project
from environments.tenancy import sql
from errortracking.models import partitions, payload
from errortracking.pipeline import lease
from errortracking.pipeline.worker import take_turn


def fill(environment_id: int, seed: int, events: int, per_request: int) -> int:
    """Queue the corpus and return its size as JSON, in bytes."""
    size = 0
    with sql.cursor() as cursor:
        for content in Corpus(seed).payloads(events, per_request, clock.now()):
            size += len(orjson.dumps(content))
            packed = payload.pack(content)  # type: ignore[arg-type]
            cursor.execute(
                "INSERT INTO errortracking_queuedrequest (environment_id, id, received_at, events, bytes, payload,"
                " attempts, isolated, poison) VALUES (%s, %s, %s, %s, %s, %b, 0, FALSE, '{}')",
                [environment_id, uuid7(), content["received_at"], len(content["events"]), len(packed), packed],
            )
    return size


def database_cpu() -> float:
    """Return the CPU seconds that PostgreSQL's process for this connection has used so far; 0 on another machine.

    The processes that write in the background are left out: they work for everybody.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (pid,) = cursor.fetchone()
    try:
        times: Any = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system)


def drain(environment_id: int) -> int:
    """Process until nothing waits; return the number of turns."""
    turns = 0
    with lease.hold(environment_id) as held:
        assert held
        while take_turn(environment_id, threading.Event()):
            turns += 1
    return turns


def main() -> None:
    """Fill, drain, print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("events", type=int, nargs="?", default=5_000)
    parser.add_argument("per_request", type=int, nargs="?", default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--profile")
    options = parser.parse_args()
    organization = Organization.objects.create(name="benchmark")
    project = Project.objects.create(organization=organization, name=f"drain {uuid7()}")
    partitions.ensure_ahead()
    size = fill(project.id, options.seed, options.events, options.per_request)
    profile = cProfile.Profile()
    cpu, database, started = time.process_time(), database_cpu(), time.perf_counter()
    if options.profile:
        profile.enable()
    turns = drain(project.id)
    profile.disable()
    seconds = time.perf_counter() - started
    cpu, database = time.process_time() - cpu, database_cpu() - database
    if options.profile:
        profile.dump_stats(options.profile)
    thousands = options.events / 1000
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), avg(length(payload)) FROM errortracking_event WHERE environment_id = %s", [project.id]
        )
        stored, average = cursor.fetchone()
    print(
        f"{options.events} events of {size / options.events / 1024:.1f} KB in {turns} batches, {seconds:.2f} s:"
        f" {options.events / seconds:.0f} events/s; CPU s per 1,000 events: Python {cpu / thousands:.2f},"
        f" PostgreSQL {database / thousands:.2f}; {stored} stored at {average:.0f} bytes"
    )


if __name__ == "__main__":
    main()
