"""What recommendations cost a project with millions of frames and very many issues.

    .venv/bin/python benchmarks/recommendations.py [--frames 10000000] [--issues 100000] [--events 5] [--rounds 5]
        [--unbounded] [--only half|no]

One command: an own PostgreSQL with the product's settings and two projects that are filled by COPY, one whose frames
are JavaScript for a half, one without any JavaScript. All frames were resolved within the last 24 hours, which is the
worst case. Half of the issues have been silent for over a month, the others have so many events of the last week each.
Prints milliseconds of each type's computation, of the sweep and of a client's list. Method and findings:
``recommendations.md``.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("HEALTHTRACK_LOG_LEVEL", "ERROR")
os.environ.setdefault("HEALTHTRACK_RATE_LIMITS", "off")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.machine import machine

FRAMES_PER_CONTENT = 4  # one line of code is called from several places, and each chunk of a bundle has its own
SOURCE = "x" * 300  # of a content, beside its language: the lines around the frame
Row = tuple[Any, ...]


class Filling:
    """Makes the rows of one project, the same for the same sizes but for ids and times."""

    def __init__(self, project: int, now: datetime, options: argparse.Namespace, *, has_javascript: bool) -> None:
        from environments.ids import uuid7

        self.project, self.now, self.has_javascript = project, now, has_javascript
        self.frames, self.issues, self.events = options.frames, options.issues, options.events
        self.issue_ids = [uuid7(now) for _ in range(self.issues)]
        self.fingerprint_ids = [uuid7(now) for _ in range(self.issues)]

    def fill(self, database: Any) -> None:
        """Copy everything; foreign keys are not checked row by row, and counts are made afterwards."""
        with database.transaction():
            database.execute("SET LOCAL session_replication_role = replica")
            for table, columns, types, rows in self._tables():
                names = f"errortracking_{table} (environment_id, {columns})"
                with database.cursor().copy(f"COPY {names} FROM STDIN (FORMAT BINARY)") as copy:
                    copy.set_types(["int4", *types.split()])
                    for row in rows:
                        copy.write_row((self.project, *row))

    def _tables(self) -> Iterator[tuple[str, str, str, Iterator[Row]]]:
        yield (
            "framecontent",
            "id, hash, contents, resolved, created_at",
            "uuid bytea jsonb bool timestamptz",
            (self._content(number) for number in range(self.frames // FRAMES_PER_CONTENT + 1)),
        )
        yield (
            "stackframe",
            "id, raw_id, part, content_id, created_at",
            "uuid text int4 uuid timestamptz",
            (self._frame(number) for number in range(self.frames)),
        )
        yield (
            "issue",
            "id, created_at, state_updated_at, status, name, description",
            "uuid timestamptz timestamptz varchar text text",
            (
                (id_, self._first(number), self.now, self._status(number), f"Error{number}", "no price")
                for number, id_ in enumerate(self.issue_ids)
            ),
        )
        yield (
            "issuestatistics",
            "issue_id, first_seen, last_seen, occurrences, users",
            "uuid timestamptz timestamptz int8 int8",
            (
                (id_, self._first(number), self._last(number), self.events, 1)
                for number, id_ in enumerate(self.issue_ids)
            ),
        )
        yield (
            "fingerprint",
            "id, issue_id, fingerprint, version, kind, record, first_seen, created_at",
            "uuid uuid text int8 varchar jsonb timestamptz timestamptz",
            (
                (id_, self.issue_ids[number], f"{number:0128x}", 0, "v2", "[]", self._first(number), self.now)
                for number, id_ in enumerate(self.fingerprint_ids)
            ),
        )
        yield (
            "event",
            "id, received_at, timestamp, fingerprint_id, distinct_id, sdk, sdk_version, payload",
            "uuid timestamptz timestamptz uuid text text text bytea",
            (
                (UUID(int=number << 64 | place), moment, moment, self.fingerprint_ids[number], "ann", "web", "1", b"")
                for number in range(1, self.issues, 2)
                for place in range(self.events)
                for moment in [self._last(number) - timedelta(minutes=place)]
            ),
        )

    def _content(self, number: int) -> Row:
        lang = "javascript" if self.has_javascript and number % 2 else "python"
        contents = {"lang": lang, "in_app": True, "source": f"{SOURCE}{number}"}
        return self._key(number), hashlib.sha256(str(number).encode()).digest(), contents, number % 3 > 0, self.now

    def _frame(self, number: int) -> Row:
        any_ = number * 7_368_787 % self.frames  # rows do not lie in the order of any index
        return (
            UUID(int=any_ << 64 | number),
            hashlib.sha512(str(number).encode()).hexdigest(),
            0,
            self._key(any_ // FRAMES_PER_CONTENT),
            self.now - timedelta(hours=23) * (number / self.frames),
        )

    def _key(self, number: int) -> UUID:
        return UUID(bytes=hashlib.md5(str(number).encode(), usedforsecurity=False).digest())

    def _first(self, number: int) -> datetime:
        return self.now - timedelta(days=90) + timedelta(seconds=number % 999_983)

    def _last(self, number: int) -> datetime:
        """Return when an issue was seen last: every second one, long ago."""
        ago = timedelta(days=6) * (number / self.issues) if number % 2 else timedelta(days=40)
        return self.now - ago - timedelta(hours=1)

    def _status(self, number: int) -> str:
        return "resolved" if number % 10 > 7 else "active"


def milliseconds(work: Callable[[], Any], rounds: int) -> tuple[float, float, Any]:
    """Return how long the first of so many runs took, the median of the others, and what the last returned."""
    times = []
    for _ in range(rounds + 1):
        started = time.perf_counter()
        result = work()
        times.append((time.perf_counter() - started) * 1000)
    return times[0], statistics.median(times[1:]), result


def made(database: Any, options: argparse.Namespace) -> dict[str, tuple[int, str]]:
    """Fill two projects; return the id of each with a key that may read it."""
    from environments import clock
    from environments.models import Membership, Organization, PersonalAPIKey, Project, User
    from environments.tenancy import counters
    from errortracking.models import Fingerprint, Issue, StackFrame, partitions

    now = clock.now()
    partitions.ensure([(now - timedelta(days=ago)).date() for ago in range(9)])
    organization = Organization.objects.create(name="Benchmark")
    user = User.objects.create(email="benchmark@example.com", password="!")
    Membership.objects.create(organization=organization, user=user)
    key = PersonalAPIKey.objects.issue(user, "benchmark", ["*"])[1]
    found = {}
    for name, has_javascript in (("half JavaScript", True), ("no JavaScript", False)):
        if not name.startswith(options.only):
            continue
        project, started = Project.objects.create(organization=organization, name=name), time.perf_counter()
        Filling(project.pk, now, options, has_javascript=has_javascript).fill(database)
        print(f"{name}: copied in {time.perf_counter() - started:.0f} s", flush=True)
        found[name] = (project.pk, key)
    for model in (Fingerprint, Issue, StackFrame):
        counters.recount(model)
    database.execute("VACUUM ANALYZE")
    (size,) = database.execute("SELECT pg_size_pretty(pg_database_size(current_database()))").fetchone()
    print(f"the database has {size}", flush=True)
    return found


def measure(projects: dict[str, tuple[int, str]], rounds: int) -> None:
    """Print the milliseconds of everything."""
    from errortracking.recommendations import sweep
    from errortracking.recommendations.registry import TYPES

    for name, (project, key) in projects.items():
        print(f"\n{name}: ms of the first run, median of {rounds} more, what was found", flush=True)
        for kind in TYPES.values():
            first, median, meta = milliseconds(partial(kind.compute, project), rounds)
            print(f"  {kind.name:22}{first:10.1f}{median:10.1f}   {_told(meta)}", flush=True)
        for query in ("", "?poll=true"):
            first, median, _ = milliseconds(partial(_listed, project, key, query), rounds)
            print(f"  {'list' + query:22}{first:10.1f}{median:10.1f}", flush=True)
    first, median, found = milliseconds(sweep.projects_in_use, rounds)
    print(f"\n  {'projects of the sweep':22}{first:10.1f}{median:10.1f}   {len(found)}")


def measure_without_bound(projects: dict[str, tuple[int, str]], frames: int) -> None:
    """Print what `source_maps` would cost if it looked for JavaScript among all frames of the day."""
    from errortracking.recommendations.types import source_maps

    source_maps.LOOKED_AT = frames  # type: ignore[misc]
    for name, (project, _) in projects.items():
        first, second, meta = milliseconds(partial(source_maps.TYPE.compute, project), 1)
        print(f"  without its bound, {name}: {first:.1f} and {second:.1f}   {_told(meta)}", flush=True)


def _listed(project: int, key: str, query: str) -> None:
    from django.test import Client

    headers = {"Authorization": f"Bearer {key}"}
    response = Client(headers=headers).get(f"/api/projects/{project}/error_tracking/recommendations/{query}")
    if response.status_code != 200:
        raise SystemExit(f"{response.status_code} {response.content[:300]!r}")


def _told(meta: dict[str, Any]) -> str:
    shown = {key: len(value) if isinstance(value, list) else value for key, value in meta.items()}
    return ", ".join(f"{key} {value}" for key, value in shown.items() if not key.startswith(("threshold", "min_")))


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=10_000_000)
    parser.add_argument("--issues", type=int, default=100_000)
    parser.add_argument("--events", type=int, default=5, help="of the last week, of every second issue")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--unbounded", action="store_true", help="source_maps without its bound, too")
    parser.add_argument("--only", choices=("half", "no"), default="", help="only the project with that much JavaScript")
    options = parser.parse_args()
    with machine() as host:
        os.environ["DATABASE_URL"] = host.database("recommendations")
        import django

        django.setup()
        import psycopg
        from django.core.management import call_command
        from django.db import connection

        call_command("migrate", verbosity=0)
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as database:
            projects = made(database, options)
            measure(projects, options.rounds)
            if options.unbounded:
                measure_without_bound(projects, options.frames)
        connection.close()


if __name__ == "__main__":
    main()
