"""The least that any server of this kind must do, to compare with: read, keep, store.

    python benchmarks/ingest_floor.py DATABASE-URL < bodies

A minimal program for the same requests: each is decompressed, parsed, and inserted with a commit of its own; then all
events are copied into one table, 250 at a time, as the same bytes of JSON. No HTTP, no checks, no grouping, no frames,
no counters, one index. Prints the CPU seconds that it used itself.
"""

from __future__ import annotations

import gzip
import pickle
import sys
import time
from uuid import UUID

import orjson
import psycopg

BATCH = 250  # events of one COPY and commit


def main() -> None:
    """Run the floor over the pickled list of bodies on standard input."""
    bodies: list[bytes] = pickle.load(sys.stdin.buffer)
    with psycopg.connect(sys.argv[1], autocommit=True) as database:
        database.execute("CREATE TABLE request (id bigserial PRIMARY KEY, body bytea)")
        database.execute("CREATE TABLE event (uuid uuid PRIMARY KEY, body bytea)")
        started = time.process_time()
        waiting: list[tuple[UUID, bytes]] = []
        for body in bodies:
            text = gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body
            batch = orjson.loads(text)["batch"]
            database.execute("INSERT INTO request (body) VALUES (%b)", [body])
            waiting += [(UUID(event["uuid"]), orjson.dumps(event)) for event in batch]
        for first in range(0, len(waiting), BATCH):
            _store(database, waiting[first : first + BATCH])
        print(time.process_time() - started)


def _store(database: psycopg.Connection, events: list[tuple[UUID, bytes]]) -> None:
    with database.transaction(), database.cursor().copy("COPY event FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(["uuid", "bytea"])
        for event in events:
            copy.write_row(event)


if __name__ == "__main__":
    main()
