"""Whether lists stay flat: pages of issues, stack frames and spike events of small and of large projects.

    .venv/bin/python benchmarks/lists.py [--rows 1000 1000000] [--rounds 20] [--search]

One command: an own PostgreSQL with the product's settings, a project for each number of rows, filled by COPY, and the
requests of a client with a key, in this process: the whole way from the URL to the bytes, without a socket. Prints the
median of each page in milliseconds. Method and findings: ``lists.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
os.environ.setdefault("HEALTHTRACK_LOG_LEVEL", "ERROR")
os.environ.setdefault("HEALTHTRACK_RATE_LIMITS", "off")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.machine import machine

OFFSETS = (0, 100, 1_000, 10_000, 100_000, 500_000, 999_900)
LISTS = {
    "issues": "issues/",
    "issues by last_seen": "issues/?order_by=-last_seen",
    "issues by users": "issues/?order_by=users",
    "stack frames": "stack_frames/",
    "spike events": "spike_events/",
    "spike events by baseline": "spike_events/?order_by=-computed_baseline",
    "releases": "releases/",
    "fingerprints": "fingerprints/",
}
WORDS = ("cart", "order", "payment", "invoice", "session", "profile", "search", "stock", "coupon", "address", "mail")
SEARCHES = {
    "one issue": "needle-{last}",
    "a rare word and a common one": "needle-{last} cart",
    "a word of every thousandth": "batch7x",
    "a word of five in six": "invoice",
    "nothing": "zzzqqq",
    "one issue, short words": "needle-{last} is a",
}
FILTERS = {
    "status": "status=resolved",
    "assignee none": "assignee=none",
    "last seen in a day": "last_seen_from=2026-11-20",
    "release of one in 100": "release=1.0.7",
    "sdk of a half": "sdk=posthog-python",
}


class Filling:
    """Makes ``rows`` issues with all that hangs on them, as many frames and spike events, and 100 releases."""

    def __init__(self, project: int, rows: int, now: datetime) -> None:
        from environments.ids import uuid7

        self.project, self.rows, self.now = project, rows, now
        self.random = random.Random(rows)
        self.issues = [uuid7(self.at(number)) for number in range(rows)]
        self.fingerprints = [uuid7(self.at(number)) for number in range(rows)]
        self.releases = [uuid7(now) for _ in range(100)]
        self.content = uuid7(now)

    def at(self, number: int) -> datetime:
        """Return a moment of the last 30 days, the later the larger the number."""
        return self.now - timedelta(days=30) * (1 - number / self.rows)

    def fill(self, database: Any) -> None:
        """Copy everything; foreign keys are not checked row by row, and counts are made afterwards."""
        with database.transaction():
            database.execute("SET LOCAL session_replication_role = replica")
            for table, columns, types, row in self._tables():
                names = f"errortracking_{table} (environment_id, {columns})"
                with database.cursor().copy(f"COPY {names} FROM STDIN (FORMAT BINARY)") as copy:
                    copy.set_types(["int4", *types.split()])
                    for number in range({"release": 100, "framecontent": 1}.get(table, self.rows)):
                        copy.write_row((self.project, *row(number)))

    def _tables(self) -> Iterator[tuple[str, str, str, Callable[[int], tuple[Any, ...]]]]:
        issues, fingerprints, releases, at = self.issues, self.fingerprints, self.releases, self.at
        yield (
            "issue",
            "id, created_at, state_updated_at, status, name, description",
            "uuid timestamptz timestamptz varchar text text",
            lambda n: (issues[n], at(n), at(n), "active" if n % 10 else "resolved", *self._title(n)),
        )
        yield (
            "issuestatistics",
            "issue_id, first_seen, last_seen, occurrences, users",
            "uuid timestamptz timestamptz int8 int8",
            lambda n: (issues[n], at(n), at(self._any(n)), self._any(n) % 10_000, self._any(n) % 997),
        )
        yield (
            "fingerprint",
            "id, issue_id, fingerprint, version, kind, record, first_seen, created_at",
            "uuid uuid text int8 varchar jsonb timestamptz timestamptz",
            lambda n: (fingerprints[n], issues[n], f"{n:0128x}", 0, "v2", "[]", at(n), at(n)),
        )
        yield "fingerprinttext", "fingerprint_id, text", "uuid text", lambda n: (fingerprints[n], self._text(n))
        yield (
            "fingerprintsdk",
            "fingerprint_id, sdk",
            "uuid varchar",
            lambda n: (fingerprints[n], ("posthog-python", "web")[n % 2]),
        )
        yield (
            "release",
            "id, hash_id, created_at, version, project",
            "uuid text timestamptz text text",
            lambda n: (releases[n], f"{n}", self.now, f"1.0.{n}", "web"),
        )
        yield (
            "fingerprintrelease",
            "fingerprint_id, release_id",
            "uuid uuid",
            lambda n: (fingerprints[n], releases[n % 100]),
        )
        yield (
            "spikeevent",
            "id, issue_id, detected_at, computed_baseline, current_bucket_value",
            "uuid uuid timestamptz float8 int4",
            lambda n: (UUID(int=self._any(n) << 64 | n), issues[self._any(n)], at(n), self._any(n) / 7, n),
        )
        yield (
            "framecontent",
            "id, hash, contents, resolved, created_at",
            "uuid bytea jsonb bool timestamptz",
            lambda n: (self.content, b"hash", '{"lang": "python", "in_app": true}', True, self.now),
        )
        yield (
            "stackframe",
            "id, raw_id, part, content_id, created_at",
            "uuid text int4 uuid timestamptz",
            lambda n: (UUID(int=self._any(n) << 64 | n), f"{n:0128x}", 0, self.content, at(n)),
        )

    def _any(self, number: int) -> int:
        """Return another number below ``rows``, the same for the same: rows do not lie in the order of any index."""
        return number * 7_368_787 % self.rows

    def _title(self, number: int) -> tuple[str, str]:
        return f"{WORDS[number % 11].title()}Error", f"needle-{number} is not in the {WORDS[number % 7]} of a customer"

    def _text(self, number: int) -> str:
        """Return some 300 characters, as of a stack with eight frames."""
        frames = "\n".join(
            f"shop/{WORDS[(number * 3 + place) % 11]}/module_{(number + place * 131) % 5_000}.py\n"
            f"{WORDS[(number + place) % 11]}_handler"
            for place in range(6)
        )
        title, message = self._title(number)
        return f"{title}\n{frames}\nbatch{number % 1000}x\n{message}"


class Client:
    """Asks for pages of one project with a key."""

    def __init__(self, rows: int) -> None:
        from django.test import Client as Requests

        from environments.models import Membership, Organization, PersonalAPIKey, Project, User

        organization = Organization.objects.create(name="Benchmark")
        self.project = Project.objects.create(organization=organization, name=f"{rows} rows")
        user = User.objects.create(email=f"{rows}@example.com", password="!")
        Membership.objects.create(organization=organization, user=user)
        key = PersonalAPIKey.objects.issue(user, "benchmark", ["*"])[1]
        self.rows = rows
        self._requests = Requests(headers={"Authorization": f"Bearer {key}"})

    def milliseconds(self, path: str, rounds: int) -> tuple[float, dict[str, Any]]:
        """Return the median of so many requests, after one that does not count, and what was answered."""
        address = f"/api/projects/{self.project.pk}/error_tracking/{path}"
        times = []
        for _ in range(rounds + 1):
            started = time.perf_counter()
            response = self._requests.get(address)
            times.append((time.perf_counter() - started) * 1000)
            if response.status_code != 200:
                raise SystemExit(f"{address}: {response.status_code} {response.content[:300]!r}")
        return statistics.median(times[1:]), json.loads(response.content)


def made(database: Any, rows: list[int]) -> list[Client]:
    """Fill a project for each number of rows, and return who asks for its pages."""
    from environments import clock
    from environments.tenancy import counters
    from errortracking.models import Fingerprint, Issue, Release, SpikeEvent, StackFrame

    clients = []
    for number in rows:
        client, started = Client(number), time.perf_counter()
        Filling(client.project.pk, number, clock.now()).fill(database)
        print(f"{number} rows of each copied in {time.perf_counter() - started:.0f} s", flush=True)
        clients.append(client)
    for model in (Fingerprint, Issue, Release, SpikeEvent, StackFrame):
        counters.recount(model)
    database.execute("VACUUM ANALYZE")
    return clients


def _with(path: str, more: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}{more}"


def pages(clients: list[Client], rounds: int) -> None:
    """Print what pages of 100 cost at every offset."""
    for name, path in LISTS.items():
        print(f"\n{name}: ms by offset", flush=True)
        for client in clients:
            cells = []
            for offset in OFFSETS:
                if offset and offset >= client.rows:
                    continue
                taken, body = client.milliseconds(_with(path, f"offset={offset}"), rounds)
                assert len(body["results"]) == max(min(100, body["count"] - offset), 0), path
                cells.append(f"{offset}: {taken:.1f}")
            print(f"  {client.rows:>9} rows  " + "  ".join(cells), flush=True)


def conditions(clients: list[Client], rounds: int) -> None:
    """Print what filters and searches cost, with how many issues they find."""
    asked = {name: f"issues/?{query}" for name, query in FILTERS.items()}
    asked |= {f"search, {name}": f"issues/?search={words}" for name, words in SEARCHES.items()}
    asked |= {"search by users, a word of every thousandth": "issues/?search=batch7x&order_by=-users"}
    asked |= {f"values of {key}": f"issues/values/?key={key}" for key in ("name", "issue_description", "sdk")}
    for name, path in asked.items():
        cells = []
        for client in clients:
            taken, body = client.milliseconds(path.format(last=client.rows - 1), rounds)
            cells.append(f"{client.rows} rows: {taken:.1f} ms ({body.get('count', len(body['results']))} found)")
        print(f"  {name}: " + "; ".join(cells), flush=True)


def main() -> None:
    """Fill, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--only", choices=["pages", "conditions"], help="by default both")
    options = parser.parse_args()
    with machine() as host:
        os.environ["DATABASE_URL"] = host.database("lists")
        import django

        django.setup()
        import psycopg
        from django.core.management import call_command
        from django.db import connection

        call_command("migrate", verbosity=0)
        with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as database:
            clients = made(database, options.rows)
            if options.only != "conditions":
                pages(clients, options.rounds)
            if options.only != "pages":
                print("\nfilters and searches, the first page:", flush=True)
                conditions(clients, max(options.rounds // 4, 1))
        connection.close()


if __name__ == "__main__":
    main()
