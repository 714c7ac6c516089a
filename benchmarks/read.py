"""What a list costs: a plain DRF ``ModelViewSet``, this server, and a bare WSGI function, over the same rows.

    .venv/bin/python benchmarks/read.py [--rows N] [--keys N] [--connections N] [--rounds N] [--seconds S] [--lists …]

Makes an embedded PostgreSQL of its own, or uses the server that ``DATABASE_URL`` names, in which it deletes its rows
again. Method and findings: ``read.md``; the sides: ``read_plain.py``, the product itself, ``read_bare.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.read_client import Client, Round, WrongAnswer
from runtime.postgres import Cluster

SIDES = {"plain": "(a) plain ModelViewSet", "product": "(b) this server", "bare": "(c) bare WSGI function"}
LISTS = {
    "health_issues": "health_issues/?limit=100",
    "stack_frames": "error_tracking/stack_frames/?limit=100",
    "releases": "error_tracking/releases/?limit=100",
}
RAISED = "1000000000"  # the limits are on, and nobody reaches them
TICK = os.sysconf("SC_CLK_TCK")


class Figures(NamedTuple):
    """One round of one side; times in milliseconds per request."""

    rate: float
    """Requests per second."""
    server: float
    """CPU of the server's process."""
    database: float
    """CPU of its PostgreSQL processes; 0 where they are on another machine."""
    median: float
    slowest: float
    """The 99th percentile."""

    @property
    def cpu(self) -> float:
        """CPU of both."""
        return self.server + self.database


@dataclass
class Side:
    """One server process, and the client that asks it."""

    name: str
    process: subprocess.Popen[bytes]
    client: Client
    rounds: dict[str, list[Figures]] = field(default_factory=dict)

    def backends(self) -> list[int]:
        """Return the processes that PostgreSQL runs for this server, where they are on this machine."""
        from django.db import connection

        with connection.cursor() as cursor:
            cursor.execute("SELECT pid FROM pg_stat_activity WHERE application_name = %s", [f"read-{self.name}"])
            pids = [pid for (pid,) in cursor.fetchall()]
        return [pid for pid in pids if "postgres" in _read(f"/proc/{pid}/cmdline")]

    def measure(self, path: str, seconds: float) -> tuple[Figures, Round]:
        """Ask for ``path`` for so long, and return what that cost."""
        backends = self.backends()
        server, database = cpu([self.process.pid]), cpu(backends)
        found = self.client.ask(path, seconds)
        count = len(found.latencies)
        figures = Figures(
            count / found.seconds,
            (cpu([self.process.pid]) - server) / count * 1000,
            (cpu(backends) - database) / count * 1000,
            statistics.median(found.latencies) * 1000,
            statistics.quantiles(found.latencies, n=100)[98] * 1000,
        )
        return figures, found


def cpu(pids: list[int]) -> float:
    """Return the CPU seconds, user and system, that some processes have used so far."""
    fields = [_read(f"/proc/{pid}/stat").rpartition(")")[2].split() for pid in pids]
    return sum(int(values[11]) + int(values[12]) for values in fields) / TICK


def _read(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""


@contextmanager
def database() -> Iterator[None]:
    """Have a database with the product's tables while the block runs, named by ``DATABASE_URL``."""
    with ExitStack() as stack:
        if not os.environ.get("DATABASE_URL"):
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="healthtrack-read-"))
            os.chmod(folder, 0o711)  # under root the database runs as another account, which must get through
            os.environ["DATABASE_URL"] = stack.enter_context(Cluster(Path(folder) / "data"))
        os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
        os.environ["HEALTHTRACK_LOG_LEVEL"] = "WARNING"
        import django
        from django.core.management import call_command

        django.setup()
        call_command("migrate", verbosity=0)
        yield


@contextmanager
def serve(name: str, keys: list[str], connections: int) -> Iterator[Side]:
    """Run the server of one side while the block runs."""
    with tempfile.TemporaryDirectory(prefix="healthtrack-read-") as folder, socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        environment = os.environ | {
            "HEALTHTRACK_ROLE": f"read-{name}",
            "HEALTHTRACK_NAME": "web-1",
            "HEALTHTRACK_LOG_LEVEL": "INFO",
            "HEALTHTRACK_SECRET_KEY": "benchmark" * 8,
            "HEALTHTRACK_RATE_LIMIT_PER_MINUTE": RAISED,
            "HEALTHTRACK_RATE_LIMIT_PER_HOUR": RAISED,
            "PROMETHEUS_MULTIPROC_DIR": folder,
        }
        command = [sys.executable, str(ROOT / "benchmarks/read_serve.py"), name, str(listener.fileno())]
        with open(f"{folder}/log", "wb") as log:  # a line for each request, as ever
            process = subprocess.Popen(command, env=environment, stderr=log, pass_fds=(listener.fileno(),))
        try:
            yield Side(name, process, Client(listener.getsockname()[1], keys, connections))
        except WrongAnswer as error:
            raise SystemExit(f"{name}: {error}\n{Path(log.name).read_text(errors='replace')[-4000:]}") from error
        finally:
            process.terminate()
            process.wait(30)


def same(sides: list[Side], path: str) -> None:
    """Ask each side until all of its threads are warm, and compare what they answer."""
    answers: dict[str, Any] = {}
    for side in sides:
        bodies = side.measure(path, 1.0)[1].bodies
        assert len(bodies) == 1, f"{side.name} answers differently from time to time"
        answers[side.name] = json.loads(bodies.pop())
    assert len(answers["plain"]["results"]) == 100
    assert answers["plain"]["next"]
    for name, answer in answers.items():
        assert answer == answers["plain"], f"{name} answers something else than plain"


def compare(sides: list[Side], lists: list[str], project: int, rounds: int, seconds: float) -> None:
    """Measure all sides in turn, so that what else the machine does meets them alike."""
    for name in lists:
        path = f"/api/projects/{project}/{LISTS[name]}"
        same(sides, path)
        for _ in range(rounds):
            for side in sides:
                figures, found = side.measure(path, seconds)
                assert len(found.bodies) == 1
                side.rounds.setdefault(name, []).append(figures)


def middle(rounds: list[Figures]) -> Figures:
    """Return the median of each figure."""
    return Figures(*map(statistics.median, zip(*rounds, strict=True)))


def report(sides: list[Side], lists: list[str]) -> None:
    """Print the table and the ratios."""
    for name in lists:
        print(f"\n{name:24}  requests/s   CPU ms: server  database      both    p50 ms    p99 ms")
        for side in sides:
            found = middle(side.rounds[name])
            columns = (found.rate, found.server, found.database, found.cpu, found.median, found.slowest)
            cells = (f"{value:{width}.2f}" for value, width in zip(columns, WIDTHS, strict=True))
            print(f"{SIDES[side.name]:24}" + "".join(cells))
        plain, product, bare = (side.rounds[name] for side in sides)
        print(f"(b) / (a), bar 4         {ratios(product, plain)}")
        print(f"(b) / (c), bar 0.4       {ratios(product, bare)}")


WIDTHS = (12, 17, 10, 10, 10, 10)


def ratios(left: list[Figures], right: list[Figures]) -> str:
    """Return how much faster and cheaper ``left`` is: the medians of the rounds' ratios."""
    pairs = list(zip(left, right, strict=True))
    rate = statistics.median(one.rate / other.rate for one, other in pairs)
    server = statistics.median(other.server / one.server for one, other in pairs)
    both = statistics.median(other.cpu / one.cpu for one, other in pairs)
    return f"requests/s {rate:.2f}, CPU of the server {server:.2f}, of server and database {both:.2f}"


def main() -> None:
    """Make the rows, run the three servers, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000)
    parser.add_argument("--keys", type=int, default=200)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=2.0)
    parser.add_argument("--lists", nargs="+", choices=LISTS, default=list(LISTS)[:2])
    options = parser.parse_args()
    with database(), ExitStack() as stack:
        from django.db import connection

        from benchmarks import read_rows

        made = read_rows.make(options.rows, options.keys)
        stack.callback(read_rows.delete, made)
        connection.cursor().execute("VACUUM ANALYZE")
        sides = [stack.enter_context(serve(name, made.keys, options.connections)) for name in SIDES]
        compare(sides, options.lists, made.project.pk, options.rounds, options.seconds)
        report(sides, options.lists)
        connection.close()


if __name__ == "__main__":
    main()
