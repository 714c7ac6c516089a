"""How long a quiet project waits while another one has flooded the queue.

    python benchmarks/fairness.py [--backlog 10000] [--rounds 20]

Method: an own server with one worker and its embedded PostgreSQL (durable settings). One project's requests of 50
events fill the queue; while the worker drains them, another project sends one event at a time and waits until it has
its outcome. The same with an idle server before. Milliseconds from the answer of 200; the flood must outlast the
rounds.

Found in November 2026: see ``ingest.md``.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from pathlib import Path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import psycopg

from benchmarks import ingest_load
from benchmarks.corpus import Corpus
from benchmarks.machine import connect, machine
from tests.live import LiveServer, live_server


def rounds(server: LiveServer, database: psycopg.Connection, token: str, project: int, count: int) -> list[float]:
    """Send ``count`` events one after the other and return how long each took to get its outcome, in milliseconds."""
    waits = []
    done = _outcomes(database, project)
    requests = ingest_load.prepare(server.url, list(Corpus(time.time_ns()).requests(token, count, 1)))
    for request in requests:
        ingest_load.send(server.url, [request], 1)
        started = time.perf_counter()
        while _outcomes(database, project) == done:
            time.sleep(0.005)
        waits.append((time.perf_counter() - started) * 1000)
        done += 1
    return waits


def _outcomes(database: psycopg.Connection, project: int) -> int:
    row = database.execute(
        "SELECT coalesce(sum(count), 0)::int FROM errortracking_outcomecount WHERE environment_id = %s", [project]
    ).fetchone()
    return int(row[0]) if row else 0


def _report(name: str, waits: list[float]) -> None:
    print(f"{name}: median {statistics.median(waits):.0f} ms, max {max(waits):.0f} ms of {len(waits)}", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backlog", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=20)
    options = parser.parse_args()
    with machine() as host:
        url = host.database("fairness")
        with (
            live_server(embedded=True, DATABASE_URL=url, HEALTHTRACK_SQL_GUARD=None) as server,
            connect(url) as database,
        ):
            quiet, loud = server.bootstrap(project="quiet"), server.bootstrap(project="loud")
            mine = (server, database, quiet["project_token"], quiet["environment_id"])
            _report("idle server", rounds(*mine, options.rounds))
            flood = list(Corpus(1).requests(loud["project_token"], options.backlog, 50))
            ingest_load.send(server.url, ingest_load.prepare(server.url, flood), 4)
            _report("flooded by another project", rounds(*mine, options.rounds))
            left = options.backlog - _outcomes(database, loud["environment_id"])
            print(f"of the {options.backlog} events of the other project {left} still waited at the end")


if __name__ == "__main__":
    main()
