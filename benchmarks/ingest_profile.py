"""Where the time goes: accepting and processing in this process, under cProfile (`benchmarks/ingest.py --profile`).

cProfile makes calls of Python look dearer than they are, by a factor of two or so against work in C: it shows where to
look, and not how much there is to gain.
"""

from __future__ import annotations

import argparse
import cProfile
import os
import pstats
import threading
import time
from collections.abc import Callable
from typing import Any

from benchmarks.corpus import Corpus

ROWS = 30  # functions shown of each part


def profile(options: argparse.Namespace) -> None:
    """Accept and process the corpus for each number of events per request, and print the dearest functions."""
    from benchmarks.machine import machine

    with machine() as host:
        os.environ["DATABASE_URL"] = host.url
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        for per_request in options.per_request:
            _profile(options, per_request)


def _profile(options: argparse.Namespace, per_request: int) -> None:
    from environments.ids import uuid7
    from environments.models import Organization, Project
    from errortracking.models import partitions

    project = Project.objects.create(organization=Organization.objects.create(name="benchmark"), name=str(uuid7()))
    partitions.ensure_ahead()
    bodies = list(Corpus(options.seed).requests(project.api_token, options.events, per_request, compress=options.gzip))
    print(f"\naccepting requests of {per_request}:")
    _run(lambda: _accept(bodies), options.events)
    print(f"\nprocessing requests of {per_request}:")
    _run(lambda: _drain(project.id), options.events)


def _run(work: Callable[[], None], events: int) -> None:
    profiler = cProfile.Profile()
    started = time.process_time()
    profiler.runcall(work)
    print(f"{(time.process_time() - started) / events * 1000:.2f} CPU s per 1,000 events, with the profiler's own")
    pstats.Stats(profiler).sort_stats("tottime").print_stats(ROWS)


def _accept(bodies: list[bytes]) -> None:
    from django.test import RequestFactory

    from runtime.wsgi import Application

    application, factory, statuses = Application(), RequestFactory(), set[str]()
    for body in bodies:
        encoding: dict[str, Any] = {"HTTP_CONTENT_ENCODING": "gzip"} if body[:2] == b"\x1f\x8b" else {}
        request = factory.post("/batch/", body, content_type="application/json", **encoding)
        application(request.environ | {"HTTP_HOST": "localhost"}, lambda status, _headers: statuses.add(status))
    assert statuses == {"200 OK"}, statuses


def _drain(environment_id: int) -> None:
    from errortracking.pipeline import lease
    from errortracking.pipeline.worker import take_turn

    with lease.hold(environment_id) as held:
        assert held
        while take_turn(environment_id, threading.Event()):
            pass
