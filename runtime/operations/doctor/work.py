"""Checks of what runs and of what waits."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import connection

from environments import clock
from environments.tenancy.guard import maintenance
from errortracking.models import backlog
from runtime.bootstrap import places
from runtime.operations.doctor.report import Finding, note, ok, wrong
from runtime.supervisor.state import Row, RunFolder
from runtime.task_runner import QUEUES

LATE: Final = timedelta(minutes=1)
"""Age of the oldest request that waits; it is a second or two while workers keep up."""
ALIVE: Final = timedelta(seconds=60)  # procrastinate gives a sign of life every 10 seconds
RESTARTS: Final = 3


def processes() -> Iterator[Finding]:
    """Look whether anything answers requests, and anything processes events, on this machine or on others."""
    here = {role: sum(row.role == role for row in _rows()) for role in ("web", "worker")}
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > %s", [clock.now() - ALIVE])
        runners = int(cursor.fetchone()[0])  # of tasks: each worker has one for each queue
        workers = max(-(-runners // len(QUEUES)), here["worker"])
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'web'"
        )
        web = here["web"] or int(cursor.fetchone()[0])
    start = "Start the server: manage.py up"
    if not web and not workers:
        yield wrong("processes", "Nothing runs on this database: events and requests are not answered.", start)
    elif not workers:
        fix = "Start one: manage.py worker (or manage.py up with --workers 1 or more)."
        yield wrong("processes", "No worker runs: events are accepted, and wait.", fix)
    elif not web:
        text = "Workers run, and no web process that has used the database."
        yield note("processes", text, "If requests should be answered: manage.py up")
    else:
        at = f"(workers: {workers}; on this machine {here['worker']}, and {here['web']} web)"
        yield ok("processes", f"Requests are answered, and events are processed {at}.")


def restarts() -> Iterator[Finding]:
    """Look whether a process of this machine's server keeps dying."""
    dying = [row for row in _rows() if row.restarts >= RESTARTS]
    for row in dying:
        text = f"{row.name} was started again {row.restarts} times since the server was started."
        yield wrong(
            "restarts", text, "Its log says why it ended; the last lines before each start are what to look for."
        )
    if not dying:
        yield ok("restarts", "No process of this machine keeps dying.")


def _rows() -> list[Row]:
    try:
        return RunFolder(places.data_folder()).read()
    except places.NoPlace:
        return []


def waiting() -> Iterator[Finding]:
    """Look how much waits to be processed, and since when."""
    held = backlog.read()
    size, age = held.bytes / backlog.MEGABYTE, _age(held.oldest_age)
    text = f"{held.rows:,} requests wait ({size:,.1f} MB), the oldest for {age}."
    if not held.within_bounds:
        most = f"{settings.MAX_BACKLOG_REQUESTS:,} requests or {settings.MAX_BACKLOG_MB:,} MB"
        fix = "See that workers run and what they log; run more of them: manage.py worker"
        yield wrong("backlog", f"{text} That is more than may wait ({most}): events are refused with 503.", fix)
    elif held.oldest_age > LATE:
        fix = "See that workers run; run more of them (manage.py worker) where it keeps growing."
        yield wrong("backlog", f"{text} Events are stored that late.", fix)
    else:
        yield ok("backlog", text if held.rows else "Nothing waits.")


def _age(age: timedelta) -> str:
    seconds = age.total_seconds()
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} minutes"


def set_aside() -> Iterator[Finding]:
    """Look whether events wait for an operator."""
    with maintenance("an operator looks at all projects"), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM errortracking_setasideevent")
        (number,) = cursor.fetchone()
    if number:
        text = f"{number:,} events could not be processed and are set aside. They are not lost."
        fix = "manage.py replay --list shows the reasons; manage.py replay tries them again, as after an upgrade."
        yield wrong("set aside", text, fix)
    else:
        yield ok("set aside", "No event had to be set aside.")


def tasks() -> Iterator[Finding]:
    """Look whether housekeeping fails."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT task_name, count(*) FROM procrastinate_jobs WHERE status = 'failed' GROUP BY task_name ORDER BY 1"
        )
        failed = cursor.fetchall()
    if failed:
        names = ", ".join(f"{name} ({number})" for name, number in failed)
        fix = "The workers' log has the error of each. Failed tasks are forgotten after three days."
        yield wrong("tasks", f"Tasks failed for good: {names}.", fix)
    else:
        yield ok("tasks", "None has failed.")
