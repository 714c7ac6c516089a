"""What ``/metrics`` tells: requests counted by the web processes, and the state of ingest read from the database.

The web processes of one ``up`` count in files of one folder, so that whichever of them answers a scrape tells the sum.
A file is named after the process's place (``web-1``) and not its pid: a process that is started again goes on counting
where the dead one stopped, and a process that keeps dying does not fill the folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache

import structlog
from django.db import Error, connection, transaction
from prometheus_client import CollectorRegistry, Counter, Histogram, values
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import REGISTRY, Collector

from environments.tenancy.guard import maintenance
from errortracking.ingest import disk
from errortracking.models import backlog
from runtime import metrics_drops

log = structlog.get_logger("healthtrack.metrics")

FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"  # the library's own name for it
if os.environ.get(FOLDER_VARIABLE):
    values.ValueClass = values.MultiProcessValue(lambda: os.environ.get("HEALTHTRACK_NAME") or os.getpid())  # type: ignore[no-untyped-call]

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
QUERY_SECONDS = 2  # a scrape that the database cannot answer in this time goes without the database's numbers

REQUESTS = Counter("healthtrack_http_requests", "Requests answered.", ["method", "route", "status"])
SECONDS = Histogram(
    "healthtrack_http_request_seconds",
    "Time to answer a request, from the first middleware on.",
    ["method", "route"],
    buckets=(0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)


def observe(method: str, route: str, status: int, seconds: float) -> None:
    """Count one answered request by the pattern of its route: paths hold ids, and would be as many as there are ids."""
    requests, duration = _counters(method if method in _METHODS else "other", route, status)
    requests.inc()
    duration.observe(seconds)


@cache  # as many as the library keeps itself; to find one there costs as much as to count
def _counters(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    return REQUESTS.labels(method, route, str(status)), SECONDS.labels(method, route)


def registry() -> CollectorRegistry:
    """Return the registry of one scrape."""
    if not os.environ.get(FOLDER_VARIABLE):
        one = CollectorRegistry()
        one.register(_Both(REGISTRY, DatabaseCollector()))
        return one
    many = CollectorRegistry()
    MultiProcessCollector(many)  # type: ignore[no-untyped-call]
    many.register(DatabaseCollector())
    return many


class _Both(Collector):
    """The numbers of this process and those of the database, where no supervisor gave us a folder."""

    def __init__(self, *collectors: Collector) -> None:
        self._collectors = collectors

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of all collectors."""
        for collector in self._collectors:
            yield from collector.collect()


class DatabaseCollector(Collector):
    """Reads the queue, the outcomes and the events set aside; says ``healthtrack_database_up 0`` where it cannot."""

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics; never raises for the database's sake."""
        up = GaugeMetricFamily("healthtrack_database_up", "Whether this scrape could read the database.")
        try:
            metrics = list(_read())
        except Error as error:
            log.warning("metrics without the database", error=str(error))
            metrics = []
        up.add_metric([], float(bool(metrics)))
        yield up
        yield from metrics


def _read() -> Iterator[Metric]:
    with maintenance("metrics are about the whole installation"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('statement_timeout', %s, true)", [f"{QUERY_SECONDS}s"])
        waiting, space = backlog.read(), disk.read()
        cursor.execute("SELECT outcome, sum(count) FROM errortracking_outcomecount GROUP BY outcome")
        outcomes = cursor.fetchall()
        cursor.execute("SELECT count(*) FROM errortracking_setasideevent")
        (set_aside,) = cursor.fetchone()
        dropped = metrics_drops.read()
    age = waiting.oldest_age.total_seconds()
    yield _gauge("backlog_requests", "Accepted requests that wait; a lower limit beyond the bound.", waiting.rows)
    yield _gauge("backlog_bytes", "Bytes of the accepted requests that wait.", waiting.bytes)
    yield _gauge("backlog_oldest_seconds", "Age of the oldest accepted request that waits.", age)
    if space.free is not None:
        yield _gauge("disk_free_bytes", "What is free on the disk of a database on this machine.", space.free)
    if space.database is not None:
        yield _gauge("database_bytes", "Size of the database, where a setting bounds it.", space.database)
    yield _gauge("set_aside_events", "Events that could not be processed and wait for an operator.", set_aside)
    counter = CounterMetricFamily(
        "healthtrack_outcomes",
        "Events by what became of them, of the whole installation; their sum is the number processed.",
        labels=["outcome"],
    )
    for outcome, number in outcomes:
        counter.add_metric([outcome], float(number))
    yield counter
    yield from dropped


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"healthtrack_{name}", text, value=float(value))
