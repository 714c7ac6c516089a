"""Fills a project by COPY, so that a benchmark meets tables as large as after months.

One issue for each ten events, with a fingerprint, statistics, a frame and its content; each event with its payload, its
entry in the ledger and its user. Times are spread over the last 20 days.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from environments.ids import uuid7
from errortracking.models import packing, partitions

EVENTS_PER_ISSUE = 10
DAYS = 20
USERS = 200_000
PAYLOAD_BYTES = 1_500  # of JSON before packing; most of it does not compress, as what is an event's own


class Preload:
    """Makes ``events`` events of one project, the same for the same number but for ids and times."""

    def __init__(self, environment_id: int, events: int, now: datetime) -> None:
        self._project, self._events, self._now = environment_id, events, now
        self._random = random.Random(events)
        self._issues = [uuid7() for _ in range(max(events // EVENTS_PER_ISSUE, 1))]
        self._fingerprints = [uuid7() for _ in self._issues]
        self._contents = [uuid7() for _ in self._issues]
        self._payloads = [self._payload() for _ in range(500)]

    def fill(self, database: psycopg.Connection) -> None:
        """Copy everything, with the triggers that check references and count rows."""
        with database.transaction():
            for table, columns, types, rows in self._tables():
                names = f"errortracking_{table} ({columns})"
                with database.cursor().copy(f"COPY {names} FROM STDIN (FORMAT BINARY)") as copy:
                    copy.set_types(types.split())
                    for row in rows:
                        copy.write_row(row)
        database.execute("VACUUM ANALYZE")

    def _tables(self) -> Iterator[tuple[str, str, str, Iterator[tuple[Any, ...]]]]:
        yield (
            "issue",
            "environment_id, id, created_at, state_updated_at, status, name",
            "int4 uuid timestamptz timestamptz varchar text",
            ((self._project, id_, self._now, self._now, "active", "OldError") for id_ in self._issues),
        )
        yield (
            "fingerprint",
            "environment_id, id, issue_id, fingerprint, version, kind, record, first_seen, created_at",
            "int4 uuid uuid text int8 varchar jsonb timestamptz timestamptz",
            (
                (self._project, id_, issue, f"{number:0128x}", 0, "v2", "[]", self._now, self._now)
                for number, (id_, issue) in enumerate(zip(self._fingerprints, self._issues, strict=True))
            ),
        )
        for owner, ids, more in (("issue", self._issues, (10,)), ("fingerprint", self._fingerprints, ())):
            yield (
                f"{owner}statistics",
                f"environment_id, {owner}_id, first_seen, last_seen, occurrences{', users' if more else ''}",
                f"int4 uuid timestamptz timestamptz int8{' int8' if more else ''}",
                ((self._project, id_, self._now, self._now, EVENTS_PER_ISSUE, *more) for id_ in ids),
            )
        yield from self._frames()
        yield from self._of_events()

    def _frames(self) -> Iterator[tuple[str, str, str, Iterator[tuple[Any, ...]]]]:
        yield (
            "framecontent",
            "environment_id, id, hash, contents, resolved, created_at",
            "int4 uuid bytea jsonb bool timestamptz",
            (
                (self._project, id_, number.to_bytes(32), '{"lang": "python", "in_app": true}', True, self._now)
                for number, id_ in enumerate(self._contents)
            ),
        )
        yield (
            "stackframe",
            "environment_id, id, raw_id, part, content_id, created_at",
            "int4 uuid text int4 uuid timestamptz",
            (
                (self._project, uuid7(), f"{number:0128x}", 0, id_, self._now)
                for number, id_ in enumerate(self._contents)
            ),
        )

    def _of_events(self) -> Iterator[tuple[str, str, str, Iterator[tuple[Any, ...]]]]:
        events = [(UUID(int=self._random.getrandbits(128), version=4), number) for number in range(self._events)]
        yield (
            "eventledger",
            "environment_id, uuid, received_at",
            "int4 uuid timestamptz",
            ((self._project, uuid, self._at(number)) for uuid, number in events),
        )
        yield (
            "fingerprintuser",
            "environment_id, fingerprint_id, user_key",
            "int4 uuid uuid",
            ((self._project, self._fingerprint(number), UUID(int=number)) for _, number in events),
        )
        yield (
            "event",
            "environment_id, id, received_at, timestamp, fingerprint_id, distinct_id, sdk, sdk_version, payload",
            "int4 uuid timestamptz timestamptz uuid text text text bytea",
            (
                (
                    self._project,
                    uuid,
                    self._at(number),
                    self._at(number),
                    self._fingerprint(number),
                    f"user-{number % USERS}",
                    "posthog-python",
                    "7.91.1",
                    self._payloads[number % len(self._payloads)],
                )
                for uuid, number in events
            ),
        )

    def _fingerprint(self, number: int) -> UUID:
        return self._fingerprints[number % len(self._fingerprints)]

    def _at(self, number: int) -> datetime:
        return self._now - timedelta(days=DAYS) * (1 - number / self._events)

    def _payload(self) -> bytes:
        return packing.pack({"v": 1, "own": self._random.randbytes(PAYLOAD_BYTES // 2).hex()}, 1)


def make_partitions(database: psycopg.Connection, now: datetime) -> None:
    """Make the partitions of the days that the events of a `Preload` made ``now`` fall on."""
    for ago in range(DAYS + 1):
        day = now.astimezone(UTC).date() - timedelta(days=ago)
        database.execute(
            f"CREATE TABLE IF NOT EXISTS {partitions.name(day)} PARTITION OF {partitions.TABLE}"
            f" FOR VALUES FROM ('{day}') TO ('{day + timedelta(days=1)}')"
        )
