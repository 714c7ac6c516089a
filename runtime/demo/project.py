"""The steps of the demo: releases, events through the ingest, the pipeline, recommendations."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Sum

from environments import clock
from environments.models import PersonalAPIKey, User
from environments.models.keys import TooManyKeys
from environments.provisioning import Provisioned, ProvisioningError, provision
from errortracking.models import EventLedger, OutcomeCount, QueuedRequest
from errortracking.pipeline import worker
from runtime.demo import events
from runtime.demo.client import Api, Client
from runtime.demo.events import Event
from runtime.demo.stories import Sdk
from runtime.task_runner import TaskRunner

LABEL: Final = "demo"
PROJECT: Final = "Demo"
BATCH: Final = 20  # exceptions in a request, as SDKs that are busy send them
BEYOND: Final = 20  # exceptions of the burst above the threshold
MOST_IN_A_BURST: Final = 2_000  # a few seconds of a worker
WAIT_SECONDS: Final = 60.0  # without any progress
LOOK_SECONDS: Final = 0.2

Report = Callable[[int, int], None]
"""Gets how much is done, and of how much."""


class DemoFailed(Exception):
    """The demo cannot go on; the text is for the person at the terminal."""


def provisioned() -> Provisioned:
    """Make or find the project ``Demo`` of the first user, and give the user one key labelled ``demo``: the only one.

    Raises ``DemoFailed`` where the user has as many other keys as a user may have.
    """
    try:
        with transaction.atomic():
            user = User.objects.order_by("date_joined", "id").first()
            if user is not None:
                PersonalAPIKey.objects.filter(user=user, label=LABEL).delete()
                PersonalAPIKey.objects.check_room(user)  # else an old `bootstrap` key, maybe in use, would give way
            return provision(project=PROJECT, label=LABEL)
    except (TooManyKeys, ProvisioningError) as error:
        raise DemoFailed(str(error)) from None


def releases(api: Api, report: Report) -> dict[tuple[Sdk, str], str]:
    """Find or make each release through the API; return their ids."""
    wanted = [(sdk, version) for sdk, versions in events.VERSIONS.items() for version in versions]
    found: dict[tuple[Sdk, str], str] = {}
    for sdk, version in wanted:
        project = events.APPLICATIONS[sdk]
        hash_id = f"demo-{project}-{version}".replace(".", "-")
        status, release = api("GET", f"releases/hash/{hash_id}/")
        if status == 404:
            status, release = api("POST", "releases/", {"version": version, "project": project, "hash_id": hash_id})
        if status not in (200, 201):
            raise DemoFailed(refused(f"the release {project} {version}", status))
        found[sdk, version] = release["id"]
        report(len(found), len(wanted))
    return found


def send(
    client: Client, made: Provisioned, seed: int, count: int, ids: dict[tuple[Sdk, str], str], report: Report
) -> tuple[int, int]:
    """Send ``count`` exceptions of ``seed`` as their SDKs do; return how many events went, in how many requests.

    Page views go along with exceptions that are new only: the server counts them without asking for their uuids.
    """
    now, total, requests = clock.now(), 0, 0
    for first in range(0, count, BATCH):
        numbers = range(first, min(first + BATCH, count))
        known = _known(made.environment_id, [events.event_id(seed, number, "exception") for number in numbers])
        by_sdk: dict[Sdk, list[Event]] = {}
        for number in numbers:
            sdk, exception, pages = events.make(seed, number, now, ids)
            by_sdk.setdefault(sdk, []).append(exception)
            if UUID(exception["uuid"]) not in known:
                by_sdk.setdefault("web", []).extend(pages)
        for sdk, batch in by_sdk.items():
            _post(client, made.project_token, sdk, batch)
            total, requests = total + len(batch), requests + 1
        report(numbers[-1] + 1, count)
    return total, requests


def burst(client: Client, api: Api, made: Provisioned, seed: int, ids: dict[tuple[Sdk, str], str]) -> int:
    """Send as many exceptions of one issue as the project calls a spike, in one request, unless they were sent before.

    One request is received at one moment, so they are in one bucket. Returns how many went: none, where the project's
    threshold is higher than `MOST_IN_A_BURST`.
    """
    status, config = api("GET", "spike_detection_config/")
    if status != 200:
        raise DemoFailed(refused("to show when it calls something a spike", status))
    count = int(config["threshold"]) + BEYOND
    if count > MOST_IN_A_BURST or _known(made.environment_id, [events.event_id(seed, 0, "burst")]):
        return 0
    sdk, batch = events.burst(seed, count, clock.now(), ids)
    _post(client, made.project_token, sdk, batch)
    return count


def spikes(api: Api) -> int:
    """Return how many spikes the project has."""
    status, page = api("GET", "spike_events/?limit=1")
    if status != 200:
        raise DemoFailed(refused("to list spikes", status))
    return int(page["count"])


def _known(environment_id: int, uuids: list[UUID]) -> set[UUID]:
    return set(EventLedger.objects.filter(environment_id=environment_id, uuid__in=uuids).values_list("uuid", flat=True))


def _post(client: Client, token: str, sdk: Sdk, batch: list[Event]) -> None:
    body: dict[str, Any] = {"api_key": token, "batch": batch, "sent_at": clock.now().isoformat()}
    if sdk == "posthog-python":
        body["historical_migration"] = False
    sent = gzip.compress(json.dumps(body).encode(), mtime=0)
    if sdk == "web":  # compressed, and says so nowhere
        path, headers = "/e/", {"Content-Type": "text/plain", "User-Agent": "Mozilla/5.0 (demo)"}
    else:
        agent = f"{sdk}/{batch[0]['properties']['$lib_version']}"
        path, headers = "/batch/", {"Content-Type": "application/json", "User-Agent": agent, "Content-Encoding": "gzip"}
    answer = client("POST", path, sent, headers)
    if answer.status != 200:
        raise DemoFailed(refused("events", answer.status))


def refused(what: str, status: int) -> str:
    """Return the text of a ``DemoFailed`` about a request for ``what`` that was not answered as it should be."""
    hint = "; does it use another database than this command?" if status == 401 else "."
    return f"The server refused {what} with status {status}{hint}"


@contextmanager
def working() -> Iterator[None]:
    """Run a worker in this process, as ``manage.py worker`` does, until the end of the block."""
    stop = threading.Event()
    tasks = TaskRunner(on_end=stop)
    pipeline = threading.Thread(target=worker.run, args=[stop], name="pipeline", daemon=True)
    tasks.start()
    pipeline.start()
    try:
        yield
    finally:
        stop.set()
        pipeline.join(WAIT_SECONDS)
        tasks.stop()


def drain(environment_id: int, requests: int, report: Report) -> None:
    """Wait until the project's queue is empty, into which ``requests`` were put.

    Raises ``DemoFailed`` where nothing moves for a minute.
    """
    queue = QueuedRequest.objects.filter(environment_id=environment_id)
    wait(queue.count, requests, "requests wait in the queue", report)


def recommendations(api: Api, report: Report) -> dict[str, bool]:
    """Have all recommendations computed anew; return by type whether they are completed."""
    status, page = api("GET", "recommendations/")
    if status != 200:
        raise DemoFailed(refused("to list recommendations", status))
    for row in page["results"]:
        api("POST", f"recommendations/{row['id']}/refresh/")

    def rows() -> list[dict[str, Any]]:
        status, page = api("GET", "recommendations/?poll=true")
        if status != 200:
            raise DemoFailed(refused("to list recommendations", status))
        listed: list[dict[str, Any]] = page["results"]
        return listed

    wait(
        lambda: sum(row["status"] != "ready" for row in rows()),
        page["count"],
        "recommendations are not computed",
        report,
    )
    return {row["type"]: row["completed"] for row in rows()}


def wait(left: Callable[[], int], total: int, trouble: str, report: Report) -> None:
    """Wait until nothing is ``left`` of ``total``; raise ``DemoFailed`` with ``trouble`` where nothing moves."""
    least, moved = left(), time.monotonic()
    while (now := left()) > 0:
        if now != least:
            least, moved = now, time.monotonic()
        if time.monotonic() - moved > WAIT_SECONDS:
            raise DemoFailed(f"{now} {trouble}, and nothing has moved for {WAIT_SECONDS:g} s. Does a worker run?")
        report(min(max(total - now, 0), total - 1), total)
        time.sleep(LOOK_SECONDS)
    report(total, total)


def outcomes(environment_id: int) -> dict[str, int]:
    """Return how many of the project's events have ended in each outcome so far."""
    rows = OutcomeCount.objects.filter(environment_id=environment_id).values_list("outcome").annotate(Sum("count"))
    return {outcome: int(count) for outcome, count in rows.order_by("outcome")}
